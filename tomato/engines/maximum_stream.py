"""The greater or the lesser of two streams, one beat per cycle."""

from functools import cached_property

from tomato.engines.base import Site, Timing, pixelwise
from tomato.engines.parts.lanes import LaneUnit
from tomato.hardware.plumbing import QUEUE_LATENCY, REGISTER_LATENCY, queue_cost, register_cost
from tomato.ops.maximum import Maximum
from tomato.targets import Resources

PIPELINE = 1
"""Stages from the input registers to the output queue."""


class MaximumStream(LaneUnit[Maximum]):
    """Compare, choose."""

    stem = "maximum_stream"
    ops = (Maximum,)

    @classmethod
    def refuses(cls, site: Site[Maximum]) -> str:
        return ""

    @cached_property
    def timing(self) -> Timing:
        latency = REGISTER_LATENCY + PIPELINE + QUEUE_LATENCY
        return pixelwise(self.out, self.beats, latency, arguments=2)

    @cached_property
    def formula(self) -> Resources:
        out, wide, lanes = self.out.codes.bits, max(kind.codes.bits for kind in self.args), self.count
        total = Resources(lut=out + wide // 2 + 1, ff=out) * lanes
        for kind in self.args:
            total += register_cost(kind.codes.bits * lanes)
        return total + queue_cost(out * lanes, PIPELINE + 4, self.target)

    @cached_property
    def params(self) -> dict[str, int]:
        a, b = (kind.codes for kind in self.args)
        return {
            "Lanes": self.count,
            "ABits": a.bits,
            "ASigned": int(a.signed),
            "BBits": b.bits,
            "BSigned": int(b.signed),
            "Least": int(self.op.least),
            "OutBits": self.out.codes.bits,
        }


ENGINE = MaximumStream
