"""Depthwise convolution with a line buffer: every lane has its own multipliers."""

from functools import cached_property
from itertools import product

from tomato.engines.base import Knobs, Site, beats, folds
from tomato.engines.parts import dot
from tomato.engines.parts.depthwise import DepthwiseFold
from tomato.engines.parts.ring import Ring
from tomato.ops.conv2d import Conv2d


class DepthwiseWindow(DepthwiseFold):
    """A line buffer in front of taps x lanes multipliers."""

    stem = "depthwise_window"
    ops = (Conv2d,)

    @classmethod
    def unrollings(cls, site: Site[Conv2d]) -> list[Knobs]:
        taps = [(0, 0), (0, 1), (1, 1)] if site.op.window.taps > 1 else [(0, 0)]
        return [
            {"lanes": n, "parallel_rows": r, "parallel_columns": c}
            for n, (r, c) in product(folds(site.arg.channels), taps)
        ]

    @cached_property
    def effort(self) -> float:
        ring = self.ring
        select = ring.arg.codes.bits * ring.lanes * ring.taps * (3 if ring.taps > 1 else 1)
        return dot.effort(ring.taps, ring.lanes, self.knobs) + ring.lanes * self.out.codes.bits * 4 + select

    @cached_property
    def pixel_cycles(self) -> int:
        rows, columns = self.steps
        return beats(self.arg.channels, self.knobs["lanes"]) * rows * columns

    @cached_property
    def ring(self) -> Ring:
        """The line buffer."""
        return Ring(self.target, self.arg, self.op.window, self.knobs["lanes"], *self.taps, self.pixel_cycles)

    @cached_property
    def params(self) -> dict[str, int]:
        ring = self.ring
        return {
            "Lanes": ring.lanes,
            "Beats": ring.beats,
            **self.window_params,
            **self.dot_params,
        }


ENGINE = DepthwiseWindow
