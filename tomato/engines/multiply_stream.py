"""The exact product of two streams, one beat per cycle."""

from collections.abc import Iterator

from tomato.core.formats import Codes
from tomato.engines.base import Engine, Knobs, Site, Timing, beats, folds, pixelwise
from tomato.hardware.plumbing import QUEUE_LATENCY, REGISTER_LATENCY, queue_cost, register_cost
from tomato.ops.join import Multiply
from tomato.targets import Resources, Target

PIPELINE = 3
"""Stages from the input registers to the output queue."""


class MultiplyStream(Engine):
    """Subtract the zero points, multiply."""

    stem = "multiply_stream"
    ops = (Multiply,)

    def refuses(self, site: Site, target: Target) -> str:
        op = _op(site)
        wide = [z for z in (op.zero_a, op.zero_b) if not -(1 << 31) <= z < 1 << 31]
        return f"zero point {wide[0]} exceeds 32 bits" if wide else ""

    def choices(self, site: Site) -> Iterator[Knobs]:
        return ({"lanes": n} for n in folds(site.out.channels))

    def lanes(self, site: Site, knobs: Knobs) -> tuple[tuple[int, ...], int]:
        return (knobs["lanes"],) * 2, knobs["lanes"]

    def cycles(self, site: Site, knobs: Knobs) -> int:
        return site.out.pixels * beats(site.out.channels, knobs["lanes"])

    def timing(self, site: Site, knobs: Knobs) -> Timing:
        latency = REGISTER_LATENCY + PIPELINE + QUEUE_LATENCY
        return pixelwise(site.out, beats(site.out.channels, knobs["lanes"]), latency, arguments=2)

    def cost(self, site: Site, knobs: Knobs, target: Target) -> Resources:
        op, out, lanes = _op(site), site.out.codes.bits, knobs["lanes"]
        a, b = (_difference_bits(k.codes, z) for k, z in zip(site.args, (op.zero_a, op.zero_b), strict=True))
        zeros = ((a, op.zero_a), (b, op.zero_b))
        subtracted = 0 if target.dsp.pre_adder else sum(bits for bits, zero in zeros if zero)
        registers = [register_cost(kind.codes.bits * lanes) for kind in site.args]
        return (
            Resources(lut=subtracted, ff=a + b + 2 * out) * lanes
            + Resources(dsp=target.dsp_for(a, b, lanes))
            + registers[0]
            + registers[1]
            + queue_cost(out * lanes, PIPELINE + 4, target)
        )

    def params(self, site: Site, knobs: Knobs) -> dict[str, int]:
        op, (a, b) = _op(site), (kind.codes for kind in site.args)
        return {
            "Lanes": knobs["lanes"],
            "ABits": a.bits,
            "ASigned": int(a.signed),
            "ZeroA": op.zero_a,
            "ADiffBits": _difference_bits(a, op.zero_a),
            "BBits": b.bits,
            "BSigned": int(b.signed),
            "ZeroB": op.zero_b,
            "BDiffBits": _difference_bits(b, op.zero_b),
            "OutBits": site.out.codes.bits,
        }


def _difference_bits(x: Codes, zero: int) -> int:
    """Two's-complement bits of x - zero."""
    difference = Codes(x.lo - zero, x.hi - zero)
    return difference.bits + (0 if difference.signed else 1)


def _op(site: Site) -> Multiply:
    assert isinstance(site.op, Multiply)
    return site.op


ENGINE = MultiplyStream()
