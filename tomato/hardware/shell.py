"""What the parts of the AXI shell take (hw/rtl/shell): fitted to tools/calibrate/data, as plumbing.py is."""

from dataclasses import dataclass
from math import ceil, gcd

from tomato.hardware.memory import Ram
from tomato.hardware.plumbing import fifo_cost
from tomato.targets import Resources, Target

MEMORY_LATENCY = 128
"""Cycles from an address to its data that a reader is made to cover; as DDR4 behind an interconnect takes."""
MOST_BEATS = 16
"""Of a burst: what AXI3, the memory ports of Zynq-7000, allows."""
WRITE_DEPTH = 32
"""Beats of AXI4 that a writer holds."""
COUNTERS = 12
"""Words of registers that every shell has."""


@dataclass(frozen=True, slots=True)
class Gear:
    """tom_gear: words of `entering` bytes become words of `leaving` bytes.

    LUTs are in per cent of the bits that wait: `alone` where words come one by one, as nothing that waits moves then;
    else `base`, and `way` for each LUT of a multiplexer over the places where a word may land.
    """

    entering: int
    leaving: int
    alone: int
    base: int
    way: int

    @property
    def bits(self) -> int:
        """Bits that wait."""
        return 8 * (self.entering + self.leaving - gcd(self.entering, self.leaving))

    def lut(self, target: Target) -> int:
        """Without what is around it."""
        unit = gcd(self.entering, self.leaving)
        places = self.leaving // unit
        if self.entering == unit:
            return self.bits * self.alone // 100 if places > 1 else 0
        return self.bits * (self.base + self.way * target.luts.select(places + 1)) // 100


def control_cost(inputs: int, outputs: int, weights: int, fetches: int = 0) -> Resources:
    """What tom_axi_control takes, `weights` 1 where they are read from memory: its words, and what selects one.

    Above 32 words, what selects one takes more. fetches: masters of the accelerator itself, whose addresses it has.
    """
    masters = inputs + outputs + weights + fetches
    words = 2 * masters + inputs + 2 * outputs + COUNTERS
    flops = 361 + 97 * inputs + 100 * outputs + 65 * weights + 64 * fetches + 2 * (fetches > 0)
    return Resources(lut=24 * words - 28 if words <= 32 else 37 * words - 300, ff=flops)


def read_cost(data_bytes: int, beat_bytes: int, beats: int, depth: int, target: Target) -> Resources:
    """What tom_axi_read takes: `depth` words of AXI4 that wait, what aligns them, and what makes beats of them."""
    bits, gear = 8 * data_bytes, Gear(data_bytes, beat_bytes, alone=40, base=0, way=106)
    own = Resources(lut=80 + bits * 13 // 2 + gear.lut(target), ff=260 + bits + gear.bits + 2 * _index(beats))
    return fifo_cost(bits + 1, depth, Ram.LUT, target) + own


def write_cost(data_bytes: int, beat_bytes: int, beats: int, target: Target) -> Resources:
    """What tom_axi_write takes: words made of beats, what aligns them and their strobes, and a queue of them."""
    bits, gear = 8 * data_bytes, Gear(beat_bytes, data_bytes, alone=66, base=56, way=30)
    own = Resources(lut=170 + bits * 5 + gear.lut(target), ff=302 + bits * 11 // 10 + gear.bits + _index(beats))
    return fifo_cost(9 * data_bytes, WRITE_DEPTH, Ram.LUT, target) + own


def checksum_cost(width: int, target: Target) -> Resources:
    """What tom_checksum takes for beats of `width` bits, of which every 32 are a word."""
    return Resources(lut=min(width, 32) * target.luts.parity(ceil(width / 32)) + 1, ff=32)


def _index(beats: int) -> int:
    """Bits of the number of a beat."""
    return max(1, (beats - 1).bit_length())
