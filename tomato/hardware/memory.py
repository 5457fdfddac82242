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
        select = target.luts.select(lutram_rows(width, depth, target))
        return Resources(lut=target.lutram_for(width, depth) + width * select, ff=width)
    if ram == Ram.BLOCK:
        rows = target.bram_rows(width, depth)[1] if target.memory.end_to_end else 1
        joined = Resources(lut=width * target.luts.select(rows) + 30 * (rows > 1))
        return joined + Resources(bram18=target.bram18_for(width, depth))
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
    rows = target.bram_rows(store.bits, store.words)[1] if target.memory.end_to_end else 1
    joined = store.bits * target.luts.select(rows)
    return Resources(lut=joined, bram18=target.bram18_for(store.bits, store.words))


def _loader_ff(width: int, depth: int) -> int:
    """Registers that fill an UltraRAM: a beat for the next memory, the beats of a word, and two addresses."""
    word = width if width <= LOAD_BITS else ceil(width / LOAD_BITS) * LOAD_BITS
    return LOAD_BITS + 1 + word + 2 * (depth - 1).bit_length() + 2


def _lut_rom(width: int, depth: int, target: Target) -> Resources:
    """Rows of LUTs, and multiplexers that join them. One word is wires.

    Columns that are equal or inverse share their LUT: of few words there are few different columns, and that is
    how many of them `width` random ones hit.
    """
    different = 1 << min(depth - 1, 16)
    columns = round(different * (1 - (1 - 1 / different) ** width))
    column = target.luts.rom_column(depth, target.memory.lutram_depth) if depth > 1 else 0
    return Resources(lut=columns * column, ff=columns)


def rom_rows(depth: int, target: Target) -> int:
    """LUTs that hold one bit of `depth` constant words; what joins them is not counted."""
    return ceil(depth / target.memory.lutram_depth)


def fields_bram18(bits: int, lanes: int, depth: int, target: Target) -> int:
    """Block RAMs of a read-only memory of words of `lanes` fields, `bits` bits each, that lanes read independently.

    Each lane has a copy of the blocks in which its field lies. Synthesis cuts the word into blocks, or pairs of
    blocks where that takes no more, and drops what is not read.
    """
    word, memory = bits * lanes, target.memory
    ways = [(-(-depth // words), width) for words, width in memory.bram18]
    rows, width = min(
        ways, key=lambda way: -(-way[0] * word // way[1]) if memory.end_to_end else way[0] * -(-word // way[1])
    )
    pair = 2 if memory.paired and -(-word // width) % 2 == 0 else 1
    block = pair * width
    row = word if memory.end_to_end else -(-word // block) * block
    fields = [r * row + lane * bits for r in range(rows) for lane in range(lanes)]
    return pair * sum((begin + bits - 1) // block - begin // block + 1 for begin in fields)


def delay_cost(width: int, target: Target) -> Resources:
    """What holds `width` bits back for a few cycles: LUTs where they are shift registers, else what is at hand."""
    return Resources(lut=width if target.memory.srl_depth else 0)


def sequencer_cost(depth: int) -> Resources:
    """The address counter of a memory that is read in order."""
    bits = (depth - 1).bit_length()
    return Resources(lut=ceil(bits / 2), ff=bits)
