"""The exact weighted sum of two streams, one beat per cycle."""

from collections.abc import Iterator

from tomato.engines.base import Engine, Knobs, Site, Timing, beats, folds, pixelwise
from tomato.hardware.plumbing import QUEUE_LATENCY, REGISTER_LATENCY, queue_cost, register_cost
from tomato.ops.join import Add
from tomato.targets import Resources, Target

PIPELINE = 2
"""Stages from the input registers to the output queue."""


class AddStream(Engine):
    """Scale both, add."""

    stem = "add_stream"
    ops = (Add,)

    def refuses(self, site: Site, target: Target) -> str:
        op = _op(site)
        wide = [s for s in (op.scale_a, op.scale_b) if not -(1 << 31) <= s < 1 << 31]
        return f"factor {wide[0]} exceeds 32 bits" if wide else ""

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
        total = Resources(lut=out, ff=out) * lanes + queue_cost(out * lanes, PIPELINE + 4, target)
        for kind, scale in zip(site.args, (op.scale_a, op.scale_b), strict=True):
            bits = kind.codes.bits
            total += register_cost(bits * lanes) + Resources(ff=min(out, bits + abs(scale).bit_length() - 1) * lanes)
            if scale < 0 and not target.wide_luts:  # LUTs of six inputs negate as they add
                total += Resources(lut=2 * out) * lanes
            if abs(scale).bit_count() > 1:  # anything but a shift
                total += Resources(dsp=target.dsp_for(bits + 1, scale.bit_length() + 1, lanes))
        return total

    def params(self, site: Site, knobs: Knobs) -> dict[str, int]:
        op, (a, b) = _op(site), (kind.codes for kind in site.args)
        return {
            "Lanes": knobs["lanes"],
            "ABits": a.bits,
            "ASigned": int(a.signed),
            "BBits": b.bits,
            "BSigned": int(b.signed),
            "ScaleA": op.scale_a,
            "ScaleB": op.scale_b,
            "OutBits": site.out.codes.bits,
        }


def _op(site: Site) -> Add:
    assert isinstance(site.op, Add)
    return site.op


ENGINE = AddStream()
