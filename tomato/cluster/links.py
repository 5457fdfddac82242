"""What stands at the ends of a link: formulas for its speed and its cost, and its parameters."""

from dataclasses import dataclass
from math import ceil

from tomato.hardware.memory import Ram, better_ram
from tomato.hardware.netlist import Stream
from tomato.hardware.plumbing import (
    FIFO_LATENCY,
    Packing,
    fifo_cost,
    frame_end_cost,
    register_cost,
    width_cost,
    width_cycles,
)
from tomato.targets import Link, Resources, Target

PACKET = 32
"""Words of a packet, behind its header."""
INNER = 12
"""Cycles that a word takes through both ends, and a credit back, beside the link itself."""
ROOM_STEP = 64
"""Words by which queues grow."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """The stream of a value from one board to the next, which sends it in beats of its own lanes.

    shape, lanes: of the maker; the reader has `reader_shape` and `reader_lanes`, to which its board converts them.
    """

    value: str
    shape: tuple[int, int, int]
    bits: int
    signed: bool
    lanes: int
    reader_shape: tuple[int, int, int]
    reader_lanes: int
    link: Link
    clock_mhz: float

    @classmethod
    def of(cls, out: Stream, reader: Stream, link: Link, clock_mhz: float) -> "Crossing":
        """From an output of one board to an input of the next."""
        return cls(out.value, out.shape, out.bits, out.signed, out.lanes, reader.shape, reader.lanes, link, clock_mhz)

    @property
    def width(self) -> int:
        """Bits of a beat."""
        return self.bits * self.lanes

    @property
    def beats(self) -> int:
        """Beats of a frame, as the maker sends them."""
        rows, columns, channels = self.shape
        return rows * columns * -(-channels // self.lanes)

    @property
    def reader_beats(self) -> int:
        """Beats of a frame, as the reader takes them."""
        rows, columns, channels = self.reader_shape
        return rows * columns * -(-channels // self.reader_lanes)

    @property
    def word_bits(self) -> int:
        """Bits of a word of the link."""
        return self.link.word_bits(self.clock_mhz)

    @property
    def packing(self) -> Packing:
        """How beats become words."""
        return Packing(self.width, self.word_bits, self.beats)

    @property
    def carried(self) -> int:
        """Cycles a frame in which the link carries it, headers of packets included."""
        return ceil(self.packing.words * (PACKET + 1) / PACKET * 1000 / self.link.per_mille(self.clock_mhz))

    @property
    def cycles(self) -> int:
        """Cycles a frame of the slowest on its way: the link, or a converter at its ends, a beat a cycle."""
        return max(self.carried, self.beats, self.reader_beats)

    @property
    def room(self) -> int:
        """Words that wait at the far end: four thirds of what is on its way there and back, at full speed."""
        way = 2 * self.link.latency(self.clock_mhz) + INNER + PACKET
        wanted = ceil(4 / 3 * (way * self.link.per_mille(self.clock_mhz) / 1000 + PACKET))
        return -(-wanted // ROOM_STEP) * ROOM_STEP

    @property
    def latency(self) -> int:
        """Cycles from the maker's first beat to the first that the reader sees."""
        convert = width_cycles(self.shape[2], self.lanes, self.reader_shape[2], self.reader_lanes)
        return self.link.latency(self.clock_mhz) + self.packing.gather + 2 * FIFO_LATENCY + 8 + convert

    def ram(self, target: Target) -> Ram:
        """The memory kind of what waits."""
        return better_ram(self.word_bits, self.room, target)

    def sender(self, target: Target) -> Resources:
        """What the sending end takes: formulas that no synthesis checks. Of both converters, counted here and there."""
        waits = fifo_cost(self.word_bits, 2 * PACKET, Ram.LUT, target)
        return self.packing.cost(target) + waits + register_cost(self.word_bits) + Resources(lut=120, ff=110)

    def receiver(self, target: Target) -> Resources:
        """What the receiving end takes."""
        lanes = width_cost(self.shape[2], self.lanes, self.reader_shape[2], self.reader_lanes, self.bits, target)
        waits = fifo_cost(self.word_bits, self.room, self.ram(target), target)
        end = frame_end_cost(self.bits * self.reader_lanes, self.beats)
        return self.packing.cost(target) + lanes + waits + end + Resources(lut=110, ff=self.word_bits + 120)
