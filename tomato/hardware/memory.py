"""Memories: their kinds, what fills them, and what they take."""

from dataclasses import dataclass
from enum import Enum, IntEnum
from math import ceil

from tomato.targets import Resources, Target

LOAD_BITS = 256
"""Bits per beat of the loader."""
LUTS_PER_BRAM = 300
"""LUTs that are worth one 18 kbit block RAM: about the ratio in which devices have them."""


class Ram(IntEnum):
    """Kinds of memory, as the parameters Ram and *Ram of the modules number them."""

    LUT = 0
    BLOCK = 1
    ULTRA = 2


class Source(Enum):
    """Where the contents of a memory of constants come from."""

    BITSTREAM = "bitstream"  # there when the chip wakes up
    LOADER = "loader"  # sent once, before the first frame
    STREAM = "stream"  # sent with every frame
    DRAM = "dram"  # fetched from memory beside the chip


@dataclass(frozen=True, slots=True)
class Store:
    """A memory of constants: `words` words of `bits` bits in memory of a kind, and what fills it."""

    kind: Ram
    words: int
    bits: int
    source: Source = Source.BITSTREAM


def better_ram(width: int, depth: int, target: Target) -> Ram:
    """LUTs while they are cheaper than block RAM at the usual exchange rate."""
    shape = min(target.memory.lutram, key=lambda shape: shape.depth)
    column = max(width, ceil(width * shape.luts / shape.width))  # what selects a row takes part of a LUT too
    luts = column * ceil(depth / shape.depth)
    return Ram.LUT if luts <= LUTS_PER_BRAM * target.bram18_for(width, depth) else Ram.BLOCK


def memory_cost(width: int, depth: int, ram: Ram, target: Target) -> Resources:
    """A memory with a write and a read port."""
    if ram == Ram.LUT:
        select = target.select(lutram_rows(width, depth, target))
        return Resources(lut=target.lutram_for(width, depth) + width * select, ff=width)
    if ram == Ram.BLOCK:
        address = (depth - 1).bit_length()
        bypass = Resources(lut=width + address * 7 // 2, ff=2 * width + address + 1) * target.memory.bypass
        rows = target.bram_rows(width, depth)[1] if target.memory.end_to_end else 1
        joined = Resources(lut=width * target.select(rows) + 30 * (rows > 1))
        return bypass + joined + Resources(bram18=target.bram18_for(width, depth))
    return Resources(uram=target.uram_for(width, depth))


def lutram_rows(width: int, depth: int, target: Target) -> int:
    """How many rows of LUT memory hold `depth` words of `width` bits, in the primitive that takes the fewest LUTs."""
    shape = min(target.memory.lutram, key=lambda s: -(-depth // s.depth) * -(-width // s.width) * s.luts)
    return -(-depth // shape.depth)


def rom_cost(store: Store, target: Target) -> Resources:
    """A read-only memory. UltraRAM where there is none counts as one block: it never fits."""
    if store.kind == Ram.ULTRA:
        blocks = target.uram_for(store.bits, store.words) if target.memory.uram else 1
        return Resources(uram=blocks, ff=_loader_ff(store.bits, store.words))
    if store.kind == Ram.LUT:
        return _lut_rom(store.bits, store.words, target)
    return Resources(bram18=target.bram18_for(store.bits, store.words))


def _loader_ff(width: int, depth: int) -> int:
    """Registers that fill an UltraRAM: a beat for the next memory, the beats of a word, and two addresses."""
    word = width if width <= LOAD_BITS else ceil(width / LOAD_BITS) * LOAD_BITS
    return LOAD_BITS + 1 + word + 2 * (depth - 1).bit_length() + 2


def _lut_rom(width: int, depth: int, target: Target) -> Resources:
    """Rows of LUTs, and multiplexers of four rows. One word is wires.

    Of LUTs with four inputs, the multiplexers of the slices join two, four or eight rows for nothing.

    Columns that are equal or inverse share their LUT: of few words there are few different columns, and that is
    how many of them `width` random ones hit.
    """
    different = 1 << min(depth - 1, 16)
    columns = round(different * (1 - (1 - 1 / different) ** width))
    rows, rest = ceil(depth / target.lutram_depth), depth % target.lutram_depth
    if target.wide_luts:
        select = ceil((rows - 1) * 2 / 3) - (rows > 1 and 0 < rest <= target.lutram_depth // 4)
    else:
        joined = rows // 8 + (rows % 8).bit_count()
        select = max(0, joined - 1 - (0 < rest <= target.lutram_depth // 2))
    return Resources(lut=0 if depth == 1 else columns * (rows + select), ff=columns)


def sequencer_cost(depth: int) -> Resources:
    """The address counter of a memory that is read in order."""
    bits = (depth - 1).bit_length()
    return Resources(lut=ceil(bits / 2), ff=bits)
