"""The channels of every pixel brought to mean 0 and deviation 1, one beat per cycle."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from tomato.engines.base import Knobs, Site, Timing, beats
from tomato.engines.parts.lanes import LaneUnit
from tomato.hardware.memory import Ram, Store, memory_cost, rom_cost
from tomato.hardware.netlist import Memory
from tomato.hardware.plumbing import QUEUE_LATENCY, queue_cost
from tomato.ops import normalise
from tomato.ops.normalise import Normalise
from tomato.targets import Resources

ROOT_STAGES = 14
"""Cycles from the last beat of a pixel to its sums and root at the other side of their queue."""
PIPELINE = 5
"""Stages from there to the output queue."""
WAITING = 32
"""Beats that may wait besides those of two pixels."""
SMALL_PRODUCT = 8
"""Bits of the widest product that Yosys leaves in LUTs where multipliers are signed only."""
LUT_DEPTH = 512
"""The deepest memory of pixels that is offered in LUTs."""


class NormalisePixel(LaneUnit[Normalise]):
    """Pixels wait in a queue for their sums; a table gives the inverse of the deviation."""

    stem = "normalise_pixel"
    ops = (Normalise,)

    @classmethod
    def refuses(cls, site: Site[Normalise]) -> str:
        return ""

    @classmethod
    def choices(cls, site: Site[Normalise]) -> Iterator[Knobs]:
        for knobs in super().choices(site):
            depth = _depth(beats(site.arg.channels, knobs["lanes"]))
            yield {**knobs, "ram": Ram.LUT if depth <= LUT_DEPTH else Ram.BLOCK}

    @cached_property
    def timing(self) -> Timing:
        pixels = np.arange(self.out.pixels)
        room = pixels - 1 - _depth(self.beats) // self.beats
        return Timing((pixels,), self.beats, ROOT_STAGES + PIPELINE + QUEUE_LATENCY + self.beats - 1, (room,))

    @cached_property
    def formula(self) -> Resources:
        x, lanes, out = self.arg.codes.bits, self.count, self.out.codes.bits
        sums, spread, root = self.sum_bits, self.params["SpreadBits"], normalise.ROOT_BITS + 2
        additions = self.arg.channels.bit_count() - 1  # that make N times a number
        value = x + (self.op.zero != 0)
        in_dsp = 2 * value > SMALL_PRODUCT or self.target.dsp.unsigned
        squares = self.target.dsp_for(value + 1, value + 1) if in_dsp else 0
        lane = Resources(
            lut=4 * out + 5 * sums // 2 + additions * sums,
            ff=5 * x + 2 * sums + root + 2 * out + 3,
            dsp=squares + self.target.dsp_for(sums + 1, root),
        )
        shared = Resources(
            lut=17 * spread // 2 + additions * spread,
            ff=10 * spread + 95 + (0 if self.target.memory.srl_depth else 10 * sums),
            dsp=self.target.dsp_for(sums, sums) + self.target.dsp_for(FALL_BITS + 1, normalise.REST_BITS + 1),
        )
        depth = _depth(self.beats)
        pixels = memory_cost(x * lanes, depth, Ram(self.knobs["ram"]), self.target)
        facts = queue_cost(sums + root + 4, (depth + 1) // self.beats + 2, self.target)
        queue = queue_cost(out * lanes, PIPELINE + 4, self.target)
        return lane * lanes + shared + pixels + facts + rom_cost(self.stores["MemFile"], self.target) + queue

    @cached_property
    def sum_bits(self) -> int:
        """Width of the sum of a pixel, in two's complement."""
        return self.arg.codes.bits + 2 + self.arg.channels.bit_length()

    @cached_property
    def params(self) -> dict[str, int]:
        op, x = self.op, self.arg.codes
        return {
            "Lanes": self.count,
            "Channels": self.arg.channels,
            "InBits": x.bits,
            "InSigned": int(x.signed),
            "Zero": op.zero,
            "Centred": int(op.centred),
            "Epsilon": int(op.epsilon),
            "SpreadBits": normalise.widest(self.arg, op).bit_length() + 1,
            "IndexBits": normalise.INDEX_BITS,
            "RestBits": normalise.REST_BITS,
            "RootBits": normalise.ROOT_BITS,
            "FallBits": FALL_BITS,
            "Fraction": normalise.FRACTION,
            "OutBits": self.out.codes.bits,
            "Depth": _depth(self.beats),
            "Ram": self.knobs["ram"],
        }

    @cached_property
    def stores(self) -> dict[str, Store]:
        return {"MemFile": Store(Ram.LUT, 2 << normalise.INDEX_BITS, normalise.ROOT_BITS + 1 + FALL_BITS)}

    @cached_property
    def memories(self) -> dict[str, Memory]:
        words = np.stack([part.reshape(-1) for part in normalise.table()], axis=1)
        return {"MemFile": Memory(words, (normalise.ROOT_BITS + 1, FALL_BITS))}


FALL_BITS = int(normalise.table()[1].max()).bit_length()
"""Width of what a line of the table falls."""


def _depth(count: int) -> int:
    """Beats that may wait, for pixels of so many beats."""
    return 2 * count + WAITING


ENGINE = NormalisePixel
