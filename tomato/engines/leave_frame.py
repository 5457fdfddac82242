"""Frames that are not sure go on, the others end here: one beat per cycle."""

from functools import cached_property

import numpy as np

from tomato.engines.base import Site, Timing
from tomato.engines.parts.lanes import LaneUnit
from tomato.hardware.plumbing import REGISTER_LATENCY, register_cost
from tomato.ops.exits import Leave
from tomato.targets import Resources


class LeaveFrame(LaneUnit[Leave]):
    """A bit opens or closes the way of a whole frame."""

    stem = "leave_frame"
    ops = (Leave,)

    @classmethod
    def refuses(cls, site: Site[Leave]) -> str:
        return ""

    @property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return (1, self.count), self.count

    @cached_property
    def timing(self) -> Timing:
        pixels = np.arange(self.out.pixels)
        return Timing((np.zeros_like(pixels), pixels), self.beats, 2 * REGISTER_LATENCY)

    @cached_property
    def formula(self) -> Resources:
        count = (self.cycles - 1).bit_length()
        width = self.out.codes.bits * self.count
        return Resources(lut=count // 2 + 1, ff=count) + register_cost(1) + register_cost(width) * 2

    @cached_property
    def params(self) -> dict[str, int]:
        return {"Width": self.out.codes.bits * self.count, "Beats": self.cycles}


ENGINE = LeaveFrame
