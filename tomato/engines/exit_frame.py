"""The early frame where it is sure, the late one elsewhere, which exists only then: one beat per cycle."""

from functools import cached_property

import numpy as np

from tomato.engines.base import Site, Timing
from tomato.engines.parts.exits import Join
from tomato.hardware.plumbing import REGISTER_LATENCY, register_cost
from tomato.ops.exits import Exit
from tomato.targets import Resources


class ExitFrame(Join):
    """A bit chooses the stream of a whole frame."""

    stem = "exit_frame"

    @classmethod
    def refuses(cls, site: Site[Exit]) -> str:
        return "results leave in the order of their arrival" if site.op.number else ""

    @cached_property
    def timing(self) -> Timing:
        pixels = np.arange(self.out.pixels)
        return Timing((np.zeros_like(pixels), pixels, pixels), self.beats, 2 * REGISTER_LATENCY)

    @cached_property
    def formula(self) -> Resources:
        count, out = (self.cycles - 1).bit_length(), self.out.codes.bits * self.count
        total = Resources(lut=count * 5 // 4, ff=count) + register_cost(1) + register_cost(out)
        for kind in self.args[1:]:
            total += register_cost(kind.codes.bits * self.count)
        return total


ENGINE = ExitFrame
