"""Parts between engines: what forks, width converters, registers and FIFOs take, and how long they delay."""

from dataclasses import dataclass
from math import gcd

from tomato.hardware.memory import LOAD_BITS, Ram, lutram_rows, memory_cost
from tomato.targets import Resources, Target
from tomato.targets.luts import Gearbox

REGISTER_LATENCY = 1
"""Cycles through tom_register."""
FORK_LATENCY = 1
"""Cycles through tom_fork."""
FIFO_LATENCY = 2
"""Cycles through an empty tom_fifo."""
QUEUE_LATENCY = FIFO_LATENCY
"""Cycles through an empty tom_queue."""


SHORT = 16
"""Places of a queue that one level of LUT memory holds in every family."""


@dataclass(frozen=True, slots=True)
class Width:
    """A lane converter, tom_width: pixels of `in_channels` codes in beats of `in_lanes`, and the same for its output.

    If the channel counts differ, the frame is the same sequence of codes on both sides.
    """

    in_channels: int
    in_lanes: int
    out_channels: int
    out_lanes: int

    @property
    def aligned(self) -> bool:
        """Whether the beats of both sides end together: at every pixel, or because no lane is ever unused."""
        full = self.in_channels % self.in_lanes == 0 and self.out_channels % self.out_lanes == 0
        return self.in_channels == self.out_channels or full

    @property
    def kind(self) -> str:
        """The circuit that tom_width chooses: "same", "up", "down" or "any"."""
        if self.aligned and self.in_lanes == self.out_lanes:
            return "same"
        if self.aligned and self.out_lanes % self.in_lanes == 0:
            return "up"
        if self.aligned and self.in_lanes % self.out_lanes == 0:
            return "down"
        return "any"

    @property
    def needed(self) -> bool:
        """Whether the two streams differ at all, beat by beat."""
        return self.kind != "same"


@dataclass(frozen=True, slots=True)
class Packing:
    """tom_pack and tom_unpack: beats of `width` bits in words of `word_bits`, for frames of `beats`."""

    width: int
    word_bits: int
    beats: int

    @property
    def gather(self) -> int:
        """Beats in a word: so many that fit it, and of which a frame has a multiple; 1 where a beat has several."""
        most = max(1, self.word_bits // self.width)
        return max(n for n in range(1, most + 1) if self.beats % n == 0)

    @property
    def words(self) -> int:
        """Words of a frame."""
        return self.beats // self.gather * -(-self.width // self.word_bits)

    def cost(self, target: Target) -> Resources:
        """What both of them take."""
        n, parts = self.gather, -(-self.width // self.word_bits)
        if parts > 1:
            there, back = (parts, parts, parts, 1), (parts, 1, parts, parts)
            return width_cost(*there, self.word_bits, target) + width_cost(*back, self.word_bits, target)
        return width_cost(n, 1, n, n, self.width, target) + width_cost(n, n, n, 1, self.width, target)


def width_cycles(in_channels: int, in_lanes: int, out_channels: int, out_lanes: int) -> int:
    """Latency of a lane converter.

    Cycles from the input beat that completes the codes of the first output pixel to the last beat of that
    pixel, when one input beat arrives per cycle.
    """
    return width_times(Width(in_channels, in_lanes, out_channels, out_lanes), 0)[0]


def width_times(width: Width, spread: int) -> tuple[int, int]:
    """The latency of a lane converter, as `width_cycles`, and the cycles from a pixel's first beat to its last behind.

    spread: the cycles from the first beat of an input pixel to its last one, between which they come evenly;
    where they are fewer, or pixels change, one beat comes every cycle.
    """
    stages = 1 if width.kind in ("same", "up") else 2
    in_beats = -(-width.in_channels // width.in_lanes)
    if width.in_channels != width.out_channels or spread < in_beats - 1:
        spread = in_beats - 1
    arrival, first, left = 0, 0, -1
    for end in range(width.out_lanes, width.out_channels + width.out_lanes, width.out_lanes):
        pixel, code = divmod(min(end, width.out_channels) - 1, width.in_channels)
        arrival = pixel * in_beats + (code // width.in_lanes * spread // (in_beats - 1) if in_beats > 1 else 0)
        left = max(left + 1, arrival + stages)
        first = first or left
    return left - arrival, left - first


def width_cost(
    in_channels: int, in_lanes: int, out_channels: int, out_lanes: int, bits: int, target: Target
) -> Resources:
    """What tom_width takes for codes of `bits` bits."""
    kind = Width(in_channels, in_lanes, out_channels, out_lanes).kind
    out = register_cost(out_lanes * bits)
    if kind == "same":
        return out
    if kind == "up":
        held = (out_lanes - in_lanes) * bits
        beats = -(-in_channels // in_lanes) if in_channels == out_channels else out_lanes // in_lanes
        return out + Resources(lut=target.luts.collector(held, beats) + 12, ff=held + 8)
    if kind == "down":
        select = out_lanes * bits * target.luts.distributor(in_lanes // out_lanes)
        return out + register_cost(in_lanes * bits) + Resources(lut=select + 8, ff=8)
    return out + _gearbox_cost(in_channels, in_lanes, out_channels, out_lanes, bits, target)


def _gearbox_cost(
    in_channels: int, in_lanes: int, out_channels: int, out_lanes: int, bits: int, target: Target
) -> Resources:
    unit = gcd(in_channels, in_lanes, out_channels, out_lanes)
    entering, leaving = in_lanes // unit, out_lanes // unit
    extra = max(entering, leaving) if in_channels == out_channels else entering + leaving
    capacity = entering + leaving - 1 + extra
    gearbox = Gearbox(entering, leaving, capacity, unit * bits, ragged=out_channels % out_lanes != 0)
    return Resources(ff=gearbox.stored + 10) + target.luts.gearbox(gearbox)


def register_cost(width: int) -> Resources:
    """What tom_register takes for beats of `width` bits."""
    return Resources(lut=width + 3, ff=2 * width + 2)


def fork_cost(outputs: int, width: int, target: Target) -> Resources:
    """What tom_fork takes for beats of `width` bits."""
    return Resources(lut=width + target.luts.fork(outputs), ff=2 * width + outputs + 1)


def frame_end_cost(width: int, beats: int) -> Resources:
    """What tom_frame_end takes for frames of `beats` beats of `width` bits: a register, and a counter."""
    count = (beats - 1).bit_length()
    return register_cost(width + 1) + Resources(lut=2 * count, ff=count)


def frame_check_cost(beats: int) -> Resources:
    """What tom_frame_check takes for frames of `beats` beats: a counter, and an error."""
    count = (beats - 1).bit_length()
    return Resources(lut=count * 2 // 3 + 1, ff=count + 1)


def loader_cost(beats: int) -> Resources:
    """What tom_loader takes to send so many beats: the beat on its way, and two counters."""
    count = beats.bit_length()
    return Resources(lut=2 * count + 6, ff=LOAD_BITS + count + 6)


def fifo_cost(width: int, depth: int, ram: Ram, target: Target) -> Resources:
    """What tom_fifo takes: `depth` words of `width` bits in the kind of memory `ram`."""
    count = depth.bit_length()
    rows = lutram_rows(width, depth, target) if ram == Ram.LUT else 1
    return Resources(lut=target.luts.fifo(depth, rows), ff=3 * count) + memory_cost(width, depth, ram, target)


def output_cost(width: int, depth: int, target: Target) -> Resources:
    """What tom_queue takes at the output of an engine with a line buffer: a fit to those engines for SHORT places.

    It is the same circuit as in `queue_cost`, and further places are counted as there.
    """
    short = Resources(lut=target.luts.output(width, target.lutram_for(width, SHORT)), ff=width + 20)
    if depth <= SHORT:
        return short
    return short + queue_cost(width, depth, target) - queue_cost(width, SHORT, target)


def words_cost(beat_bits: int, word_bits: int) -> Resources:
    """What tom_words takes, which cuts beats into words of whole bytes: a formula that no synthesis checks."""
    word = -(-word_bits // 8) * 8
    unit = gcd(beat_bits, word)
    kept, ways = beat_bits + word - unit, word // unit
    return Resources(lut=kept * max(1, ways.bit_length() - 1) // 2 + 40, ff=40) + register_cost(kept)


def queue_cost(width: int, depth: int, target: Target) -> Resources:
    """What tom_queue takes: the end of a pipeline, `depth` results of `width` bits."""
    count = depth.bit_length()
    return fifo_cost(width, depth, Ram.LUT, target) + Resources(lut=target.luts.credits(depth), ff=count)
