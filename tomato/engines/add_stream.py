"""The exact weighted sum of two streams, one beat per cycle."""

from functools import cached_property

from tomato.engines.base import Site, Timing, pixelwise
from tomato.engines.parts.lanes import LaneUnit
from tomato.hardware.plumbing import QUEUE_LATENCY, REGISTER_LATENCY, queue_cost, register_cost
from tomato.ops.join import Add
from tomato.targets import Resources

PIPELINE = 2
"""Stages from the input registers to the output queue."""


class AddStream(LaneUnit[Add]):
    """Scale both, add."""

    stem = "add_stream"
    ops = (Add,)

    @classmethod
    def refuses(cls, site: Site[Add]) -> str:
        op = site.op
        wide = [s for s in (op.scale_a, op.scale_b) if not -(1 << 31) <= s < 1 << 31]
        return f"factor {wide[0]} exceeds 32 bits" if wide else ""

    @cached_property
    def timing(self) -> Timing:
        latency = REGISTER_LATENCY + PIPELINE + QUEUE_LATENCY
        return pixelwise(self.out, self.beats, latency, arguments=2)

    @cached_property
    def formula(self) -> Resources:
        op, out, lanes = self.op, self.out.codes.bits, self.count
        total = Resources(lut=out, ff=out) * lanes + queue_cost(out * lanes, PIPELINE + 4, self.target)
        for kind, scale in zip(self.args, (op.scale_a, op.scale_b), strict=True):
            bits = kind.codes.bits
            total += register_cost(bits * lanes) + Resources(ff=min(out, bits + abs(scale).bit_length() - 1) * lanes)
            if scale < 0:
                total += Resources(lut=self.target.luts.subtrahend(out)) * lanes
            if abs(scale).bit_count() > 1:  # anything but a shift
                total += Resources(dsp=self.target.dsp_for(bits + 1, scale.bit_length() + 1, lanes))
        return total

    @cached_property
    def params(self) -> dict[str, int]:
        op, (a, b) = self.op, (kind.codes for kind in self.args)
        return {
            "Lanes": self.count,
            "ABits": a.bits,
            "ASigned": int(a.signed),
            "BBits": b.bits,
            "BSigned": int(b.signed),
            "ScaleA": op.scale_a,
            "ScaleB": op.scale_b,
            "OutBits": self.out.codes.bits,
        }


ENGINE = AddStream
