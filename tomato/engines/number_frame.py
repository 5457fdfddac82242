"""Counts frames: a number for each, a few digits a beat."""

from functools import cached_property

import numpy as np

from tomato.engines.base import Site, Timing
from tomato.engines.parts.lanes import LaneUnit
from tomato.hardware.plumbing import REGISTER_LATENCY, register_cost
from tomato.ops.exits import Number
from tomato.targets import Resources


class NumberFrame(LaneUnit[Number]):
    """A counter, whose digits leave when a frame is told."""

    stem = "number_frame"
    ops = (Number,)

    @classmethod
    def refuses(cls, site: Site[Number]) -> str:
        return ""

    @property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return (1,), self.count

    @cached_property
    def timing(self) -> Timing:
        return Timing((np.arange(self.out.pixels),), self.cycles, 2 * REGISTER_LATENCY + self.cycles - 1)

    @cached_property
    def formula(self) -> Resources:
        bits, width, beat = self.op.bits, self.op.digit * self.count, (self.cycles - 1).bit_length()
        select = width * self.target.luts.select(self.cycles) if self.cycles > 1 else 0
        counters = Resources(lut=self.target.luts.increment(bits) + beat + select + 2, ff=bits + beat)
        return counters + register_cost(1) + register_cost(width)

    @cached_property
    def params(self) -> dict[str, int]:
        return {"Bits": self.op.bits, "Width": self.op.digit * self.count, "Beats": self.cycles}


ENGINE = NumberFrame
