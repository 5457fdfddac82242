"""The sum of every channel over the frame, one input beat per cycle."""

from functools import cached_property

import numpy as np

from tomato.engines.base import FREE, Site, Timing
from tomato.engines.parts.lanes import LaneUnit
from tomato.hardware.plumbing import QUEUE_LATENCY, queue_cost
from tomato.ops.pool import GlobalSum
from tomato.targets import Resources

PIPELINE = 2
"""Stages from the input port to the output queue."""


class GlobalSumStream(LaneUnit[GlobalSum]):
    """An accumulator per channel, in a small memory; sums leave with the beats of the last pixel."""

    stem = "global_sum"
    ops = (GlobalSum,)

    @classmethod
    def refuses(cls, site: Site[GlobalSum]) -> str:
        return ""

    @cached_property
    def cycles(self) -> int:
        return self.arg.pixels * self.beats

    @cached_property
    def timing(self) -> Timing:
        need = np.array([self.arg.pixels - 1])
        room = np.full(self.arg.pixels, FREE)
        return Timing((need,), self.cycles, PIPELINE + QUEUE_LATENCY, (room,))

    @cached_property
    def formula(self) -> Resources:
        width = self.out.codes.bits * self.count
        depth = self.beats
        memory = Resources(lut=self.target.lutram_for(width, depth)) if depth > 1 else Resources(ff=width)
        rows = width * (-(-depth // 64) - 1) // 2
        luts = self.target.luts
        sums = luts.accumulator(width) if depth > 1 else luts.register_accumulator(width)
        adders = Resources(lut=sums + rows, ff=(depth > 1) * width + self.arg.codes.bits * self.count)
        bits = self.arg.pixels.bit_length() + 2 * depth.bit_length()
        control = Resources(lut=bits + 2, ff=bits + 6)
        return memory + adders + control + queue_cost(width, depth + PIPELINE + 4, self.target)

    @cached_property
    def params(self) -> dict[str, int]:
        return {
            "Lanes": self.count,
            "Beats": self.beats,
            "Pixels": self.arg.pixels,
            "InBits": self.arg.codes.bits,
            "InSigned": int(self.arg.codes.signed),
            "OutBits": self.out.codes.bits,
        }


ENGINE = GlobalSumStream
