"""The early frame where it is sure, the late one elsewhere, which exists only then: one beat per cycle."""

from functools import cached_property

import numpy as np

from tomato.engines.base import Site, Timing
from tomato.engines.parts.lanes import LaneUnit
from tomato.hardware.plumbing import REGISTER_LATENCY, register_cost
from tomato.ops.exits import Exit
from tomato.targets import Resources


class ExitFrame(LaneUnit[Exit]):
    """A bit chooses the stream of a whole frame."""

    stem = "exit_frame"
    ops = (Exit,)

    @classmethod
    def refuses(cls, site: Site[Exit]) -> str:
        return "results leave in the order of their arrival" if site.op.number else ""

    @property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return (1, self.count, self.count), self.count

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

    @cached_property
    def params(self) -> dict[str, int]:
        _, early, late = (kind.codes for kind in self.args)
        return {
            "Lanes": self.count,
            "EarlyBits": early.bits,
            "EarlySigned": int(early.signed),
            "LateBits": late.bits,
            "LateSigned": int(late.signed),
            "OutBits": self.out.codes.bits,
            "Beats": self.cycles,
        }


ENGINE = ExitFrame
