"""The exact product of two streams, one beat per cycle."""

from functools import cached_property

from tomato.core.formats import Codes
from tomato.engines.base import Site, Timing, pixelwise
from tomato.engines.parts.lanes import LaneUnit
from tomato.hardware.plumbing import QUEUE_LATENCY, REGISTER_LATENCY, queue_cost, register_cost
from tomato.ops.join import Multiply
from tomato.targets import Resources

PIPELINE = 3
"""Stages from the input registers to the output queue."""


class MultiplyStream(LaneUnit[Multiply]):
    """Subtract the zero points, multiply."""

    stem = "multiply_stream"
    ops = (Multiply,)

    @classmethod
    def refuses(cls, site: Site[Multiply]) -> str:
        op = site.op
        wide = [z for z in (op.zero_a, op.zero_b) if not -(1 << 31) <= z < 1 << 31]
        return f"zero point {wide[0]} exceeds 32 bits" if wide else ""

    @cached_property
    def timing(self) -> Timing:
        latency = REGISTER_LATENCY + PIPELINE + QUEUE_LATENCY
        return pixelwise(self.out, self.beats, latency, arguments=2)

    @cached_property
    def formula(self) -> Resources:
        op, out, lanes = self.op, self.out.codes.bits, self.count
        a, b = (_difference_bits(k.codes, z) for k, z in zip(self.args, (op.zero_a, op.zero_b), strict=True))
        zeros = ((a, op.zero_a), (b, op.zero_b))
        subtracted = 0 if self.target.dsp.pre_adder else sum(bits for bits, zero in zeros if zero)
        registers = [register_cost(kind.codes.bits * lanes) for kind in self.args]
        return (
            Resources(lut=subtracted, ff=a + b + 2 * out) * lanes
            + Resources(dsp=self.target.dsp_for(a, b, lanes))
            + registers[0]
            + registers[1]
            + queue_cost(out * lanes, PIPELINE + 4, self.target)
        )

    @cached_property
    def params(self) -> dict[str, int]:
        op, (a, b) = self.op, (kind.codes for kind in self.args)
        return {
            "Lanes": self.count,
            "ABits": a.bits,
            "ASigned": int(a.signed),
            "ZeroA": op.zero_a,
            "ADiffBits": _difference_bits(a, op.zero_a),
            "BBits": b.bits,
            "BSigned": int(b.signed),
            "ZeroB": op.zero_b,
            "BDiffBits": _difference_bits(b, op.zero_b),
            "OutBits": self.out.codes.bits,
        }


def _difference_bits(x: Codes, zero: int) -> int:
    """Two's-complement bits of x - zero."""
    difference = Codes(x.lo - zero, x.hi - zero)
    return difference.bits + (0 if difference.signed else 1)


ENGINE = MultiplyStream
