"""Early frames that are sure and late ones, as they come: one beat per cycle."""

from functools import cached_property

import numpy as np

from tomato.engines.base import FREE, Site, Timing
from tomato.engines.parts.exits import Join
from tomato.hardware.memory import Ram, better_ram
from tomato.hardware.plumbing import FIFO_LATENCY, REGISTER_LATENCY, fifo_cost, register_cost
from tomato.ops.exits import Exit
from tomato.targets import Resources

HELD = 2
"""Late frames that are held: one leaves while the next gathers."""


class ArriveFrame(Join):
    """Late frames gather in a queue and go first once they are whole; early ones leave or end meanwhile."""

    stem = "arrive_frame"

    @classmethod
    def refuses(cls, site: Site[Exit]) -> str:
        return "" if site.op.number else "results leave in the order of the frames"

    @cached_property
    def timing(self) -> Timing:
        pixel = np.zeros(1, dtype=np.int64)
        queue = FIFO_LATENCY + (self.params["Ram"] != Ram.LUT)
        latency = max(self.beats, queue) + REGISTER_LATENCY  # a frame leaves when it is whole
        return Timing((pixel,) * 3, self.beats, latency, (np.full(1, FREE),) * 3)

    @cached_property
    def held(self) -> tuple[int, int]:
        """Bits and beats of the queue of late frames."""
        return self.args[2].codes.bits * self.count, HELD * self.beats

    @cached_property
    def formula(self) -> Resources:
        beat, out = (self.beats - 1).bit_length(), self.out.codes.bits * self.count
        early = self.args[1].codes.bits * self.count
        total = Resources(lut=3 * beat + out // 2 + 8, ff=3 * beat + 3)
        queue = fifo_cost(*self.held, better_ram(*self.held, self.target), self.target)
        return total + register_cost(1) + register_cost(early) + queue + register_cost(out)

    @cached_property
    def params(self) -> dict[str, int]:
        return {**super().params, "Ram": better_ram(*self.held, self.target)}


ENGINE = ArriveFrame
