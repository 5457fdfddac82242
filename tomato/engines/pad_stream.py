"""A border around every frame, one output beat per cycle."""

from functools import cached_property

import numpy as np

from tomato.engines.base import Site, Timing, beats
from tomato.engines.parts.lanes import LaneUnit
from tomato.hardware.plumbing import QUEUE_LATENCY, queue_cost
from tomato.ops.move import Pad
from tomato.targets import Resources

PIPELINE = 2
"""Stages from the input port to the output queue."""


class PadStream(LaneUnit[Pad]):
    """Inserts beats of the border's code; the input waits meanwhile."""

    stem = "pad_stream"
    ops = (Pad,)

    @classmethod
    def refuses(cls, site: Site[Pad]) -> str:
        value = int(site.op.value)
        return "" if -(1 << 31) <= value < 1 << 31 else f"border {value} exceeds 32 bits"

    @cached_property
    def timing(self) -> Timing:
        top, left, _, _ = self.op.pads
        height, width, _ = self.arg.shape
        inner = np.full(self.out.shape[:2], -1)
        inner[top : top + height, left : left + width] = np.arange(self.arg.pixels).reshape(height, width)
        need = np.maximum(np.maximum.accumulate(inner.reshape(-1)), 0)  # a frame starts when its first beat has come
        return Timing((need,), self.beats, PIPELINE + QUEUE_LATENCY)

    @cached_property
    def formula(self) -> Resources:
        width = self.out.codes.bits * self.count
        counts = (*self.out.shape[:2], self.beats)
        bits = sum(n.bit_length() for n in counts)
        lanes = Resources(ff=width + self.arg.codes.bits * self.count)
        return lanes + Resources(lut=2 * bits + 2, ff=bits + 12) + queue_cost(width, PIPELINE + 4, self.target)

    @cached_property
    def params(self) -> dict[str, int]:
        op, x, (height, width, channels) = self.op, self.arg.codes, self.arg.shape
        top, left, bottom, right = op.pads
        return {
            "Lanes": self.count,
            "InBits": x.bits,
            "InSigned": int(x.signed),
            "OutBits": self.out.codes.bits,
            "Height": height,
            "Width": width,
            "Beats": beats(channels, self.count),
            "Top": top,
            "Left": left,
            "Bottom": bottom,
            "Right": right,
            "Value": int(op.value),
        }


ENGINE = PadStream
