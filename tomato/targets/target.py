"""What the compiler knows of a board: its budget and the shapes of its primitives."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil

from tomato.targets.luts import Luts, luts_of
from tomato.targets.resources import Resources

BLOCK_WORTH = 256
"""Bits of a multiplexer between two rows of block RAM that Yosys takes for as dear as another block."""


@dataclass(frozen=True, slots=True)
class Multiplier:
    """The signed multipliers of one DSP block: `per_block` of them, `a_bits` x `b_bits` each, a_bits >= b_bits.

    unsigned: they multiply operands without a sign as well. pre_adder: a constant is subtracted from an operand
    within the block. chain: blocks in a row that hand on sums, as far as it pays; 0: none do.
    """

    a_bits: int
    b_bits: int
    per_block: int
    unsigned: bool
    pre_adder: bool
    chain: int

    def tiles(self, a: int, b: int) -> int:
        """Multipliers that make one signed product of `a` by `b` bits; partial products of one bit are LUTs."""
        if self.unsigned:
            return max(1, -(-(a - 1) // self.a_bits)) * max(1, -(-(b - 1) // self.b_bits))
        return self.partials(a, b)

    def joints(self, a: int, b: int) -> int:
        """LUTs of one product: what sums the partial products, and those of one bit, a sign: a negation each."""
        if not self.unsigned:
            return (self.partials(a, b) - 1) * b
        limit, columns, rows = self.b_bits, -(-a // self.b_bits), -(-b // self.b_bits)
        inner = (rows - 1) * (a + columns * (b - limit))
        soft = (self.partials(a, b) - self.tiles(a, b)) * 2 * min(a, b, limit)
        return (columns - 1) * (a + b - limit) + inner + soft

    def partials(self, a: int, b: int) -> int:
        """Partial products of one signed product of `a` by `b` bits.

        An operand too wide is split: its top piece is signed, the others are not, which takes a bit where
        multipliers are signed only.
        """
        sign = int(not self.unsigned)

        def pieces(bits: int, limit: int) -> int:
            return 1 if bits <= limit else -(-(bits - sign) // (limit - sign))

        ways = ((self.a_bits, self.b_bits), (self.b_bits, self.a_bits))
        return min(pieces(a, x) * pieces(b, y) for x, y in ways)

    def slices(self, a: int, b: int) -> tuple[int, int]:
        """Bits of the pieces of `a` and of `b` that give the fewest products; the top ones may have fewer."""
        sign = int(not self.unsigned)

        def piece(bits: int, limit: int) -> int:
            return bits if bits <= limit else limit - sign

        ways = ((self.a_bits, self.b_bits), (self.b_bits, self.a_bits))
        return min(((piece(a, x), piece(b, y)) for x, y in ways), key=lambda way: -(-a // way[0]) * -(-b // way[1]))


@dataclass(frozen=True, slots=True)
class LutRam:
    """`luts` LUTs make a memory of `depth` words of `width` bits, one write port and one read port."""

    depth: int
    width: int
    luts: int


@dataclass(frozen=True, slots=True)
class LutFit:
    """What an engine or part between engines takes on a family to whose LUTs the formulas are not fitted.

    `base` LUTs, and `percent` of what the formula says.
    """

    part: str
    base: int
    percent: int

    def lut(self, formula: int) -> int:
        """LUTs on this family where the formula says `formula`."""
        return self.base + formula * self.percent // 100


@dataclass(frozen=True, slots=True)
class Memories:
    """Shapes (depth, width) of the memory primitives, with one write port and one read port.

    `uram` is empty where the family has none; no bitstream fills it, the loader does.
    `paired`: two neighbouring block RAMs are one of twice the width. `end_to_end`: where a memory takes several rows
    of block RAMs, a block holds the end of one row and the start of the next.
    `lutram_depth` is the depth of a one-bit memory with a single port in one LUT, `srl_depth` the
    longest shift register in one LUT (0: the family has none).
    """

    bram18: tuple[tuple[int, int], ...]
    paired: bool
    end_to_end: bool
    uram: tuple[tuple[int, int], ...]
    lutram: tuple[LutRam, ...]
    lutram_depth: int
    srl_depth: int


WIDEST = 2048
"""Bits that come from memory beside the chip at once, at most: what the four DDR4 channels of an Alveo U250 give."""


REFRESH_US, PAUSE_US = 7.8, 0.35
"""Microseconds between two refreshes of DDR4, and those that one takes (JESD79-4, 8 Gbit)."""


@dataclass(frozen=True, slots=True)
class OffChip:
    """Memory beside the chip, as `channels` ports of AXI4, each `bits` wide and to `megabytes` of its own.

    mbytes_per_s: what a channel can give, as its data sheet says. efficiency: the share of it, in per cent, that long
    bursts of reads reach.
    """

    kind: str
    channels: int
    bits: int
    megabytes: int
    mbytes_per_s: int
    efficiency: int

    def share(self, clock_mhz: float) -> float:
        """Of the cycles those in which a channel gives a beat."""
        return min(self.mbytes_per_s / (clock_mhz * self.bits / 8), 1.0) * self.efficiency / 100

    def per_mille(self, clock_mhz: float) -> int:
        """Beats of a channel in a thousand cycles in which no refresh stops it: all pauses are in `share`."""
        return int(1000 * min(1.0, self.share(clock_mhz) / (1 - PAUSE_US / REFRESH_US)))

    def refresh(self, clock_mhz: float) -> tuple[int, int]:
        """Cycles from one refresh to the next, and those in which one stops it."""
        return round(REFRESH_US * clock_mhz), round(PAUSE_US * clock_mhz)

    @property
    def side_by_side(self) -> int:
        """Channels that a design reads at most: every layer has queues for all of them, WIDEST bits of a beat."""
        return max(1, min(self.channels, WIDEST // self.bits))

    def bytes_per_cycle(self, clock_mhz: float, channels: int | None = None) -> float:
        """Bytes that so many channels, or as many as are read, give a cycle."""
        return (channels or self.side_by_side) * self.bits / 8 * self.share(clock_mhz)


@dataclass(frozen=True, slots=True)
class Link:
    """A serial link from one board to another, both ways.

    gbits_per_s: what it carries of data each way, its coding taken off. latency_ns: from stream to stream.
    """

    kind: str
    gbits_per_s: float
    latency_ns: float

    def word_bits(self, clock_mhz: float) -> int:
        """Bits of a word that comes with a clock: a power of two, as wide as the link is fast, within LINK_WORDS."""
        least, most = LINK_WORDS
        bits = least
        while bits < most and bits * clock_mhz < self.gbits_per_s * 1e3:
            bits *= 2
        return bits

    def per_mille(self, clock_mhz: float) -> int:
        """Words that it carries in a thousand cycles."""
        return max(1, min(1000, int(self.gbits_per_s * 1e6 / clock_mhz / self.word_bits(clock_mhz))))

    def latency(self, clock_mhz: float) -> int:
        """Cycles from one end to the other."""
        return max(1, ceil(self.latency_ns * clock_mhz / 1e3))


LINK_WORDS = 64, 512
"""Bits of a word of a link, at least and at most: what cores for serial links have at their ports."""


@dataclass(frozen=True)
class Target:
    """A board. `lut_inputs` says what one `lut` of the budget is.

    `budget` is the whole chip, `shell` what the board's fixed logic takes of it, `fill` the share
    of the rest, in per cent, that a design may use and still be routed at `clock_mhz`.
    `slr` is the budget of each super logic region, empty where it is not published.
    `off_chip`: the memory beside the chip that a design reads, `link`: what joins two such boards, if it has one.
    `fast_mhz`: the clock that DSP blocks and block RAMs reach by the data sheet, where it is known; `fast_luts_mhz`:
    about the one of arrays of multipliers in LUTs.
    `lut_fit` corrects the LUTs of engines and parts by name; those it does not name are what their formula says.
    """

    name: str
    title: str
    vendor: str
    family: str
    part: str
    clock_mhz: float
    lut_inputs: int
    slrs: int
    slr: tuple[Resources, ...]
    budget: Resources
    shell: Resources
    fill: Resources
    dsp: Multiplier
    memory: Memories
    lut_fit: tuple[LutFit, ...]
    off_chip: OffChip | None = None
    link: Link | None = None
    fast_mhz: float | None = None
    fast_luts_mhz: float | None = None

    def fetch_cycles(self, count: int) -> int:
        """Cycles in which the memory beside the chip gives so many bytes."""
        if not count:
            return 0
        assert self.off_chip, f"{self.name} has no memory beside the chip"
        return ceil(count / self.off_chip.bytes_per_cycle(self.clock_mhz))

    def fitted(self, part: str, cost: Resources) -> Resources:
        """What an engine or part takes on this family, given the `cost` by its formula."""
        fit = next((f for f in self.lut_fit if f.part == part), None)
        return cost._replace(lut=fit.lut(cost.lut)) if fit else cost

    @cached_property
    def usable(self) -> Resources:
        """What a design may use: the share `fill` of what the shell leaves, rounded down."""
        left, percent = (self.budget - self.shell).counts(), self.fill.counts()
        return Resources(**{kind: n * percent[kind] // 100 for kind, n in left.items()})

    @cached_property
    def luts(self) -> Luts:
        """What circuits take in LUTs of this family."""
        return luts_of(self.lut_inputs)

    def memory_bits(self, used: Resources) -> int:
        """Bits that block RAMs and UltraRAMs hold."""
        block, ultra = (max((d * w for d, w in shapes), default=0) for shapes in (self.memory.bram18, self.memory.uram))
        return used.bram18 * block + used.uram * ultra

    def dsp_for(self, a: int, b: int, count: int = 1) -> int:
        """DSP blocks for `count` independent signed products of `a` by `b` bits."""
        return -(-count * self.dsp.tiles(a, b) // self.dsp.per_block)

    def bram18_for(self, width: int, depth: int) -> int:
        """Block RAMs for `depth` words of `width` bits, all in the best single aspect ratio."""
        if self.memory.end_to_end:
            return self.bram_rows(width, depth)[0]
        return _blocks(self.memory.bram18, width, depth)

    def bram_rows(self, width: int, depth: int) -> tuple[int, int]:
        """Block RAMs whose rows lie end to end, and how many rows they are: few of both, as Yosys weighs them."""
        rows = [(-(-depth // d), w) for d, w in self.memory.bram18]
        ways = [(-(-count * width // w), count) for count, w in rows]
        return min(ways, key=lambda way: (way[0] * BLOCK_WORTH + (way[1] - 1) * width, way))

    def uram_for(self, width: int, depth: int) -> int:
        """UltraRAMs for `depth` words of `width` bits. Asking a family without them is a bug."""
        assert self.memory.uram, f"{self.name} has no UltraRAM"
        return _blocks(self.memory.uram, width, depth)

    def lutram_for(self, width: int, depth: int) -> int:
        """LUTs that store `depth` words of `width` bits, one write and one read port, in whole primitives.

        Row multiplexers are not counted.
        """
        return min(-(-depth // s.depth) * -(-width // s.width) * s.luts for s in self.memory.lutram)


def _blocks(shapes: Sequence[tuple[int, int]], width: int, depth: int) -> int:
    return min(-(-depth // d) * -(-width // w) for d, w in shapes)
