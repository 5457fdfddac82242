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

ROOT_STAGES = 13
"""Cycles from the last beat of a pixel to its sums and root at the other side of their queue."""
PIPELINE = 4
"""Stages from there to the output queue."""
WAITING = 32
"""Beats that may wait besides those of two pixels."""
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
        x, lanes, luts = self.arg.codes, self.count, self.target.luts
        value, sums, spread = x.bits + 2, self.bits["sums"], self.params["SpreadBits"]
        root = normalise.ROOT_BITS + 2
        square, product = 2 * value, sums + 1 + root
        lane = Resources(
            lut=value + square + luts.accumulator(sums) + 6 * self.out.codes.bits,
            ff=x.bits + value + square + sums + 1 + product + self.out.codes.bits,
            dsp=self.target.dsp_for(value, value) + self.target.dsp_for(sums + 1, root),
        )
        shared = Resources(
            lut=2 * (sums + square) + 10 * spread,
            ff=9 * sums + 4 * spread + 8 * normalise.ROOT_BITS,
            dsp=self.target.dsp_for(sums, sums),
        )
        depth = _depth(self.beats)
        pixels = memory_cost(x.bits * lanes, depth, Ram(self.knobs["ram"]), self.target)
        facts = queue_cost(sums + root + 5, (depth + 1) // self.beats + 2, self.target)
        lines = rom_cost(self.stores["MemFile"], self.target)
        return (
            lane * lanes
            + shared
            + pixels
            + facts
            + lines
            + queue_cost(self.out.codes.bits * lanes, PIPELINE + 4, self.target)
        )

    @cached_property
    def bits(self) -> dict[str, int]:
        """Width of the sum of a pixel, in two's complement."""
        return {"sums": self.arg.codes.bits + 2 + self.arg.channels.bit_length()}

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
