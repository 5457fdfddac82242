"""A part of every frame, at the rate of the input."""

from collections.abc import Iterator
from functools import cached_property
from math import gcd

import numpy as np

from tomato.engines.base import FREE, Knobs, Site, Timing, beats, divisors, folds
from tomato.engines.parts.lanes import LaneUnit
from tomato.hardware.plumbing import QUEUE_LATENCY, queue_cost
from tomato.ops.move import Slice
from tomato.targets import Resources

PIPELINE = 1
"""Stages from the input port to the output queue."""


class SliceStream(LaneUnit[Slice]):
    """Drops beats. Lanes divide the channels where the slice begins and, inside the pixel, where it ends."""

    stem = "slice_stream"
    ops = (Slice,)

    @classmethod
    def refuses(cls, site: Site[Slice]) -> str:
        return ""

    @classmethod
    def choices(cls, site: Site[Slice]) -> Iterator[Knobs]:
        op, channels = site.op, site.arg.channels
        common = gcd(op.begin[2], op.end[2] if op.end[2] < channels else 0)
        return ({"lanes": n} for n in (divisors(common) if common else folds(channels)))

    @cached_property
    def beats(self) -> int:
        """Beats per pixel of the input."""
        return beats(self.arg.channels, self.count)

    @cached_property
    def places(self) -> int:
        """Beats that may wait.

        Of n beats of a pixel m pass, one behind the other, and may leave one every n / m cycles: who takes them need
        not keep up, and what is dropped must not wait for them.
        """
        passing = beats(self.op.end[2], self.count) - self.op.begin[2] // self.count
        return PIPELINE + 4 + passing - passing * passing // self.beats

    @cached_property
    def cycles(self) -> int:
        return self.arg.pixels * self.beats

    @cached_property
    def timing(self) -> Timing:
        op, lanes = self.op, self.count
        rows = np.arange(op.begin[0], op.end[0], op.step[0])
        columns = np.arange(op.begin[1], op.end[1], op.step[1])
        need = (rows[:, None] * self.arg.shape[1] + columns).reshape(-1)
        dropped = self.beats - beats(op.end[2], lanes)  # a pixel has left before its dropped beats arrive
        room = np.full(self.arg.pixels, FREE)
        return Timing((need,), self.beats, PIPELINE + QUEUE_LATENCY - dropped, (room,))

    @cached_property
    def formula(self) -> Resources:
        width = self.arg.codes.bits * self.count
        counts = (*self.arg.shape[:2], self.beats)
        bits = sum(n.bit_length() for n in counts)
        return Resources(lut=2 * bits + 2, ff=width + bits + 10) + queue_cost(width, self.places, self.target)

    @cached_property
    def params(self) -> dict[str, int]:
        op, lanes, (height, width, _) = self.op, self.count, self.arg.shape
        return {
            "Lanes": lanes,
            "Bits": self.arg.codes.bits,
            "Height": height,
            "Width": width,
            "Beats": self.beats,
            "RowBegin": op.begin[0],
            "RowEnd": op.end[0],
            "RowStep": op.step[0],
            "ColBegin": op.begin[1],
            "ColEnd": op.end[1],
            "ColStep": op.step[1],
            "BeatBegin": op.begin[2] // lanes,
            "BeatEnd": beats(op.end[2], lanes),
            "Places": self.places,
        }


ENGINE = SliceStream
