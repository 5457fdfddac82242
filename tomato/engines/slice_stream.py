"""A part of every frame, at the rate of the input."""

from collections.abc import Iterator
from math import gcd

import numpy as np

from tomato.engines.base import FREE, Engine, Knobs, Site, Timing, beats, divisors, folds
from tomato.hardware.plumbing import QUEUE_LATENCY, queue_cost
from tomato.ops.move import Slice
from tomato.targets import Resources, Target

PIPELINE = 1
"""Stages from the input port to the output queue."""


class SliceStream(Engine):
    """Drops beats. Lanes divide the channels where the slice begins and, inside the pixel, where it ends."""

    stem = "slice_stream"
    ops = (Slice,)

    def refuses(self, site: Site, target: Target) -> str:
        return ""

    def choices(self, site: Site) -> Iterator[Knobs]:
        op, channels = _op(site), site.arg.channels
        common = gcd(op.begin[2], op.end[2] if op.end[2] < channels else 0)
        return ({"lanes": n} for n in (divisors(common) if common else folds(channels)))

    def lanes(self, site: Site, knobs: Knobs) -> tuple[tuple[int, ...], int]:
        return (knobs["lanes"],), knobs["lanes"]

    def cycles(self, site: Site, knobs: Knobs) -> int:
        return site.arg.pixels * beats(site.arg.channels, knobs["lanes"])

    def timing(self, site: Site, knobs: Knobs) -> Timing:
        op, lanes = _op(site), knobs["lanes"]
        rows = np.arange(op.begin[0], op.end[0], op.step[0])
        columns = np.arange(op.begin[1], op.end[1], op.step[1])
        need = (rows[:, None] * site.arg.shape[1] + columns).reshape(-1)
        per_pixel = beats(site.arg.channels, lanes)
        dropped = per_pixel - beats(op.end[2], lanes)  # a pixel has left before its dropped beats arrive
        room = np.full(site.arg.pixels, FREE)
        return Timing((need,), per_pixel, PIPELINE + QUEUE_LATENCY - dropped, room)

    def cost(self, site: Site, knobs: Knobs, target: Target) -> Resources:
        width = site.arg.codes.bits * knobs["lanes"]
        counts = (*site.arg.shape[:2], beats(site.arg.channels, knobs["lanes"]))
        bits = sum(n.bit_length() for n in counts)
        return Resources(lut=2 * bits + 2, ff=width + bits + 10) + queue_cost(width, PIPELINE + 4, target)

    def params(self, site: Site, knobs: Knobs) -> dict[str, int]:
        op, lanes, (height, width, channels) = _op(site), knobs["lanes"], site.arg.shape
        return {
            "Lanes": lanes,
            "Bits": site.arg.codes.bits,
            "Height": height,
            "Width": width,
            "Beats": beats(channels, lanes),
            "RowBegin": op.begin[0],
            "RowEnd": op.end[0],
            "RowStep": op.step[0],
            "ColBegin": op.begin[1],
            "ColEnd": op.end[1],
            "ColStep": op.step[1],
            "BeatBegin": op.begin[2] // lanes,
            "BeatEnd": beats(op.end[2], lanes),
        }


def _op(site: Site) -> Slice:
    assert isinstance(site.op, Slice)
    return site.op


ENGINE = SliceStream()
