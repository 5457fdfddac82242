"""The largest channels of every pixel, one code per cycle."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from tomato.engines.base import Knobs, Site, Timing
from tomato.engines.parts.lanes import LaneUnit
from tomato.hardware.memory import Ram, memory_cost
from tomato.hardware.plumbing import QUEUE_LATENCY, queue_cost
from tomato.ops.keep_largest import KeepLargest
from tomato.targets import Resources

BOUND_STAGES = 3
"""Cycles from the last code of a pixel to its bound at the other side of a queue."""
PIPELINE = 2
"""Stages from there to the output queue."""
WAITING = 8
"""Codes that may wait besides those of two pixels."""
LUT_DEPTH = 512
"""The deepest memory of codes that is offered in LUTs."""


class LargestPixel(LaneUnit[KeepLargest]):
    """Codes wait in a queue while a list in order, a cell for each, takes in what is kept, or what is not."""

    stem = "largest_pixel"
    ops = (KeepLargest,)

    @classmethod
    def refuses(cls, site: Site[KeepLargest]) -> str:
        return "" if site.op.keep < site.arg.channels else "it keeps all channels"

    @classmethod
    def choices(cls, site: Site[KeepLargest]) -> Iterator[Knobs]:
        yield {"lanes": 1, "ram": Ram.LUT if _depth(site.arg.channels) <= LUT_DEPTH else Ram.BLOCK}

    @property
    def listed(self) -> int:
        """Cells of the list."""
        return min(self.op.keep, self.arg.channels - self.op.keep)

    @cached_property
    def timing(self) -> Timing:
        pixels = np.arange(self.out.pixels)
        room = pixels - 1 - _depth(self.beats) // self.beats
        return Timing((pixels,), self.beats, BOUND_STAGES + PIPELINE + QUEUE_LATENCY + self.beats - 1, (room,))

    @cached_property
    def formula(self) -> Resources:
        x, out, place = self.arg.codes.bits, self.out.codes.bits, (self.arg.channels - 1).bit_length()
        listed = Resources(
            lut=self.target.luts.ordered_list(self.listed, x, place),
            ff=(x + place + 1) * self.listed + 2 * x + 5 * place + out + 7,
        )
        depth = _depth(self.beats)
        bounds = queue_cost(x + place, (depth + 1) // self.beats + 2, self.target)
        codes = memory_cost(x, depth, Ram(self.knobs["ram"]), self.target)
        return listed + codes + bounds + queue_cost(out, PIPELINE + 4, self.target)

    @cached_property
    def params(self) -> dict[str, int]:
        x = self.arg.codes
        return {
            "Channels": self.arg.channels,
            "InBits": x.bits,
            "InSigned": int(x.signed),
            "Kept": int(self.listed == self.op.keep),
            "Cells": self.listed,
            "Zero": int(self.op.zero),
            "OutBits": self.out.codes.bits,
            "Depth": _depth(self.beats),
            "Ram": self.knobs["ram"],
        }


def _depth(count: int) -> int:
    """Codes that may wait, for pixels of so many."""
    return 2 * count + WAITING


ENGINE = LargestPixel
