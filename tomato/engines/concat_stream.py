"""Concatenation of streams over channels, one output beat per cycle."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import accumulate
from math import gcd

from tomato.engines.base import Knobs, Leaves, Site, Timing, beats, divisors, pixelwise
from tomato.engines.parts.lanes import LaneUnit
from tomato.hardware.plumbing import QUEUE_LATENCY, REGISTER_LATENCY, queue_cost, register_cost
from tomato.ops.move import Concat
from tomato.targets import Resources

PIPELINE = 1
"""Stages from the input registers to the output queue."""
MOST_BEATS = (1 << 16) - 1
"""Beats per pixel of one input that the module counts."""


class ConcatStream(LaneUnit[Concat]):
    """The inputs take turns, pixel by pixel. Lanes divide the channels of every input but the last."""

    stem = "concat_stream"
    ops = (Concat,)

    @classmethod
    def refuses(cls, site: Site[Concat]) -> str:
        if len(site.args) < 2:
            return "one input is no concatenation"
        most = max(kind.channels for kind in site.args)
        return f"{most} channels of one input exceed {MOST_BEATS}" if most > MOST_BEATS else ""

    @classmethod
    def choices(cls, site: Site[Concat]) -> Iterator[Knobs]:
        common = gcd(*(kind.channels for kind in site.args[:-1]))
        return ({"lanes": n} for n in divisors(common))

    @cached_property
    def timing(self) -> Timing:
        counts = _beats(self.site, self.knobs)
        early = max(counts) - 1  # the pixel starts to leave before all of it has arrived
        latency = sum(counts) - 1 - early + REGISTER_LATENCY + PIPELINE + QUEUE_LATENCY
        law = pixelwise(self.out, sum(counts), latency, arguments=len(counts))
        # The first input's beats have passed as they came: its last one when the pixel is there.
        turns = (0, *accumulate(counts[1:-1], initial=0))
        return replace(law, turns=turns, leaves=Leaves.TOGETHER)

    @cached_property
    def formula(self) -> Resources:
        width = self.out.codes.bits * self.count
        inputs = sum((register_cost(k.codes.bits * self.count) for k in self.args), start=Resources())
        select = width * max(-(-len(self.args) // 3), self.target.luts.select(len(self.args)))
        control = Resources(lut=24 + 4 * len(self.args), ff=18 + len(self.args))
        return inputs + Resources(lut=select, ff=width) + control + queue_cost(width, PIPELINE + 4, self.target)

    @cached_property
    def params(self) -> dict[str, int]:
        codes = [kind.codes for kind in self.args]
        return {
            "Inputs": len(self.args),
            "Lanes": self.count,
            "Beats": _packed(_beats(self.site, self.knobs), 16),
            "InBits": _packed([c.bits for c in codes], 8),
            "InSigned": _packed([int(c.signed) for c in codes], 1),
            "OutBits": self.out.codes.bits,
        }


def _beats(site: Site[Concat], knobs: Knobs) -> list[int]:
    return [beats(kind.channels, knobs["lanes"]) for kind in site.args]


def _packed(values: Sequence[int], bits: int) -> int:
    """Values in fields of `bits` bits, the first in the low bits."""
    return sum(value << (i * bits) for i, value in enumerate(values))


ENGINE = ConcatStream
