"""Whether the largest score is far enough ahead of the second largest: one score per cycle."""

from collections.abc import Iterator
from functools import cached_property

from tomato.engines.base import Knobs, Site, Timing, pixelwise
from tomato.engines.parts.lanes import LaneUnit
from tomato.hardware.plumbing import QUEUE_LATENCY, REGISTER_LATENCY, queue_cost, register_cost
from tomato.ops.exits import Sure
from tomato.targets import Resources

PIPELINE = 3
"""Stages from the input register to the output queue."""


class MarginPixel(LaneUnit[Sure]):
    """Keep the largest two, compare their difference."""

    stem = "margin_pixel"
    ops = (Sure,)

    @classmethod
    def refuses(cls, site: Site[Sure]) -> str:
        return ""

    @classmethod
    def choices(cls, site: Site[Sure]) -> Iterator[Knobs]:
        yield {"lanes": 1}

    @property
    def cycles(self) -> int:
        return self.arg.channels

    @cached_property
    def timing(self) -> Timing:
        return pixelwise(self.out, self.cycles, REGISTER_LATENCY + PIPELINE + QUEUE_LATENCY)

    @cached_property
    def formula(self) -> Resources:
        bits, count = self.arg.codes.bits, (self.arg.channels - 1).bit_length()
        total = Resources(lut=4 * bits + 2 * count, ff=4 * bits + count + 8)
        return total + register_cost(bits) + queue_cost(1, PIPELINE + 4, self.target)

    @cached_property
    def params(self) -> dict[str, int]:
        x = self.arg.codes
        return {
            "Channels": self.arg.channels,
            "InBits": x.bits,
            "InSigned": int(x.signed),
            "Margin": min(self.op.margin, 1 << x.bits),
        }


ENGINE = MarginPixel
