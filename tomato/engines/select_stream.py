"""One of two streams, place by place, as a third one says: one beat per cycle."""

from functools import cached_property

from tomato.engines.base import Site, Timing, pixelwise
from tomato.engines.parts.lanes import LaneUnit
from tomato.hardware.plumbing import QUEUE_LATENCY, REGISTER_LATENCY, queue_cost, register_cost
from tomato.ops.select import Select
from tomato.targets import Resources

PIPELINE = 1
"""Stages from the input registers to the output queue."""


class SelectStream(LaneUnit[Select]):
    """Choose by a condition."""

    stem = "select_stream"
    ops = (Select,)

    @classmethod
    def refuses(cls, site: Site[Select]) -> str:
        return ""

    @cached_property
    def timing(self) -> Timing:
        latency = REGISTER_LATENCY + PIPELINE + QUEUE_LATENCY
        return pixelwise(self.out, self.beats, latency, arguments=3)

    @cached_property
    def formula(self) -> Resources:
        out, lanes = self.out.codes.bits, self.count
        condition = -(-max(0, self.args[0].codes.bits - 1) // 5)  # LUTs that find a bit that is not 0
        total = Resources(lut=out + condition, ff=out) * lanes + Resources(lut=1)
        for kind in self.args:
            total += register_cost(kind.codes.bits * lanes)
        return total + queue_cost(out * lanes, PIPELINE + 4, self.target)

    @cached_property
    def params(self) -> dict[str, int]:
        condition, a, b = (kind.codes for kind in self.args)
        return {
            "Lanes": self.count,
            "ConditionBits": condition.bits,
            "ABits": a.bits,
            "ASigned": int(a.signed),
            "BBits": b.bits,
            "BSigned": int(b.signed),
            "OutBits": self.out.codes.bits,
        }


ENGINE = SelectStream
