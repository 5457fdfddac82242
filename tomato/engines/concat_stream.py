"""Concatenation of streams over channels, one output beat per cycle."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from math import gcd

from tomato.engines.base import Engine, Knobs, Site, Timing, beats, divisors, pixelwise
from tomato.hardware.plumbing import QUEUE_LATENCY, REGISTER_LATENCY, queue_cost, register_cost
from tomato.ops.move import Concat
from tomato.targets import Resources, Target

PIPELINE = 1
"""Stages from the input registers to the output queue."""
MOST_BEATS = (1 << 16) - 1
"""Beats per pixel of one input that the module counts."""


class ConcatStream(Engine):
    """The inputs take turns, pixel by pixel. Lanes divide the channels of every input but the last."""

    stem = "concat_stream"
    ops = (Concat,)

    def refuses(self, site: Site, target: Target) -> str:
        if len(site.args) < 2:
            return "one input is no concatenation"
        most = max(kind.channels for kind in site.args)
        return f"{most} channels of one input exceed {MOST_BEATS}" if most > MOST_BEATS else ""

    def choices(self, site: Site) -> Iterator[Knobs]:
        common = gcd(*(kind.channels for kind in site.args[:-1]))
        return ({"lanes": n} for n in divisors(common))

    def lanes(self, site: Site, knobs: Knobs) -> tuple[tuple[int, ...], int]:
        return (knobs["lanes"],) * len(site.args), knobs["lanes"]

    def cycles(self, site: Site, knobs: Knobs) -> int:
        return site.out.pixels * beats(site.out.channels, knobs["lanes"])

    def timing(self, site: Site, knobs: Knobs) -> Timing:
        counts = _beats(site, knobs)
        early = max(counts) - 1  # the pixel starts to leave before all of it has arrived
        latency = sum(counts) - 1 - early + REGISTER_LATENCY + PIPELINE + QUEUE_LATENCY
        law = pixelwise(site.out, sum(counts), latency, arguments=len(counts))
        # The first input's beats have passed as they came: its last one when the pixel is there.
        return replace(law, turns=(0, *accumulate(counts[1:-1], initial=0)))

    def cost(self, site: Site, knobs: Knobs, target: Target) -> Resources:
        width = site.out.codes.bits * knobs["lanes"]
        inputs = sum((register_cost(k.codes.bits * knobs["lanes"]) for k in site.args), start=Resources())
        select = width * max(-(-len(site.args) // 3), target.select(len(site.args)))
        control = Resources(lut=24 + 4 * len(site.args), ff=18 + len(site.args))
        return inputs + Resources(lut=select, ff=width) + control + queue_cost(width, PIPELINE + 4, target)

    def params(self, site: Site, knobs: Knobs) -> dict[str, int]:
        codes = [kind.codes for kind in site.args]
        return {
            "Inputs": len(site.args),
            "Lanes": knobs["lanes"],
            "Beats": _packed(_beats(site, knobs), 16),
            "InBits": _packed([c.bits for c in codes], 8),
            "InSigned": _packed([int(c.signed) for c in codes], 1),
            "OutBits": site.out.codes.bits,
        }


def _beats(site: Site, knobs: Knobs) -> list[int]:
    return [beats(kind.channels, knobs["lanes"]) for kind in site.args]


def _packed(values: Sequence[int], bits: int) -> int:
    """Values in fields of `bits` bits, the first in the low bits."""
    return sum(value << (i * bits) for i, value in enumerate(values))


ENGINE = ConcatStream()
