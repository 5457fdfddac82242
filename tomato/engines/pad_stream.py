"""A border around every frame, one output beat per cycle."""

from collections.abc import Iterator

import numpy as np

from tomato.engines.base import Engine, Knobs, Site, Timing, beats, folds
from tomato.hardware.plumbing import QUEUE_LATENCY, queue_cost
from tomato.ops.move import Pad
from tomato.targets import Resources, Target

PIPELINE = 2
"""Stages from the input port to the output queue."""


class PadStream(Engine):
    """Inserts beats of the border's code; the input waits meanwhile."""

    stem = "pad_stream"
    ops = (Pad,)

    def refuses(self, site: Site, target: Target) -> str:
        value = int(_op(site).value)
        return "" if -(1 << 31) <= value < 1 << 31 else f"border {value} exceeds 32 bits"

    def choices(self, site: Site) -> Iterator[Knobs]:
        return ({"lanes": n} for n in folds(site.arg.channels))

    def lanes(self, site: Site, knobs: Knobs) -> tuple[tuple[int, ...], int]:
        return (knobs["lanes"],), knobs["lanes"]

    def cycles(self, site: Site, knobs: Knobs) -> int:
        return site.out.pixels * beats(site.out.channels, knobs["lanes"])

    def timing(self, site: Site, knobs: Knobs) -> Timing:
        top, left, _, _ = _op(site).pads
        height, width, _ = site.arg.shape
        inner = np.full(site.out.shape[:2], -1)
        inner[top : top + height, left : left + width] = np.arange(site.arg.pixels).reshape(height, width)
        need = np.maximum(np.maximum.accumulate(inner.reshape(-1)), 0)  # a frame starts when its first beat has come
        return Timing((need,), beats(site.arg.channels, knobs["lanes"]), PIPELINE + QUEUE_LATENCY)

    def cost(self, site: Site, knobs: Knobs, target: Target) -> Resources:
        width = site.out.codes.bits * knobs["lanes"]
        counts = (*site.out.shape[:2], beats(site.arg.channels, knobs["lanes"]))
        bits = sum(n.bit_length() for n in counts)
        lanes = Resources(ff=width + site.arg.codes.bits * knobs["lanes"])
        return lanes + Resources(lut=2 * bits + 2, ff=bits + 12) + queue_cost(width, PIPELINE + 4, target)

    def params(self, site: Site, knobs: Knobs) -> dict[str, int]:
        op, x, (height, width, channels) = _op(site), site.arg.codes, site.arg.shape
        top, left, bottom, right = op.pads
        return {
            "Lanes": knobs["lanes"],
            "InBits": x.bits,
            "InSigned": int(x.signed),
            "OutBits": site.out.codes.bits,
            "Height": height,
            "Width": width,
            "Beats": beats(channels, knobs["lanes"]),
            "Top": top,
            "Left": left,
            "Bottom": bottom,
            "Right": right,
            "Value": int(op.value),
        }


def _op(site: Site) -> Pad:
    assert isinstance(site.op, Pad)
    return site.op


ENGINE = PadStream()
