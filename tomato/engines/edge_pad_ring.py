"""A border of the frame's own pixels, one output beat per cycle: a ring of rows that is read more than once."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from tomato.engines.base import Knobs, Site, Timing, beats, folds
from tomato.engines.parts.lanes import LaneUnit
from tomato.hardware.memory import Ram, memory_cost
from tomato.hardware.plumbing import QUEUE_LATENCY, queue_cost
from tomato.ops.edge_pad import EdgePad
from tomato.targets import Resources

PIPELINE = 3
"""Cycles from an input beat to the first result with it in the output queue."""
LUT_DEPTH, BLOCK_DEPTH = 512, 64
"""The deepest ring that is offered in LUTs, and the shallowest that is offered in block RAM."""


class EdgePadRing(LaneUnit[EdgePad]):
    """Pixels enter in order and stay until the last of the border is made of them.

    A frame starts when the pixel in its corner has come; while the border below it passes, the next frame enters.
    """

    stem = "edge_pad_ring"
    ops = (EdgePad,)

    @classmethod
    def refuses(cls, site: Site[EdgePad]) -> str:
        return ""

    @classmethod
    def choices(cls, site: Site[EdgePad]) -> Iterator[Knobs]:
        for lanes in folds(site.out.channels):
            depth = ring_pixels(site.op, site.arg.shape[1]) * beats(site.out.channels, lanes)
            kinds = [k for k, fits in ((Ram.LUT, depth <= LUT_DEPTH), (Ram.BLOCK, depth >= BLOCK_DEPTH)) if fits]
            yield from ({"lanes": lanes, "ram": kind} for kind in kinds)

    @cached_property
    def pixels(self) -> int:
        """Pixels of the ring."""
        return ring_pixels(self.op, self.arg.shape[1])

    @cached_property
    def timing(self) -> Timing:
        height, width, _ = self.arg.shape
        rows, columns = self.op.picked(height, width)
        source = (rows[:, None] * width + columns).reshape(-1)
        left = np.zeros(self.arg.pixels, dtype=np.int64)  # the last output pixel that shows each input pixel
        np.maximum.at(left, source, np.arange(source.size))
        frame, place = np.divmod(np.arange(self.arg.pixels) - self.pixels, self.arg.pixels)
        room = np.maximum.accumulate(left)[place] + frame * self.out.pixels
        return Timing((np.maximum.accumulate(source),), self.beats, PIPELINE + QUEUE_LATENCY, (room,))

    @cached_property
    def formula(self) -> Resources:
        width, depth = self.arg.codes.bits * self.count, self.pixels * self.beats
        counts = sum(n.bit_length() for n in (*self.out.shape[:2], self.beats))
        places = depth.bit_length()
        mirrors = self.op.mirrored
        control = Resources(lut=(4 + 2 * mirrors) * places + 3 * counts + 2, ff=(4 + mirrors) * places + counts + 18)
        memory = memory_cost(width, depth, Ram(self.knobs["ram"]), self.target)
        return control + memory + Resources(ff=width) + queue_cost(width, PIPELINE + 3, self.target)

    @cached_property
    def params(self) -> dict[str, int]:
        op, (height, width, _) = self.op, self.arg.shape
        top, left, bottom, right = op.pads
        return {
            "Lanes": self.count,
            "Bits": self.arg.codes.bits,
            "Height": height,
            "Width": width,
            "Beats": self.beats,
            "Top": top,
            "Left": left,
            "Bottom": bottom,
            "Right": right,
            "Mirrored": int(op.mirrored),
            "Pixels": self.pixels,
            "Ram": self.knobs["ram"],
        }


def ring_pixels(op: EdgePad, width: int) -> int:
    """The fewest pixels that a ring holds which never makes a frame wait for the next.

    The frame's last pixel may be the mirror of one that lies `bottom` rows and `right` columns from its end, and the
    first of the next frame is the mirror of one that lies `top` rows and `left` columns from its beginning: what lies
    between them is there at once. A row that is repeated is there as a whole, and all rows that came in front of it
    and are still to be mirrored.
    """
    top, left, bottom, right = (pad * op.mirrored for pad in op.pads)
    between = (top + bottom) * width + left + right + 2
    above = (top + 1) * width if op.pads[0] else 0
    below = (bottom + 1) * width if op.pads[2] else 0
    return max(between, above, below)


ENGINE = EdgePadRing
