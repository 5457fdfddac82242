"""Depthwise convolution with a line buffer: every lane has its own multipliers."""

from functools import cached_property
from itertools import product

from tomato.core.formats import Array
from tomato.engines.base import Knobs, Site, beats, folds
from tomato.engines.parts import dot
from tomato.engines.parts.fold import WindowFold
from tomato.engines.parts.ring import Ring, queue_places
from tomato.ops.conv2d import Conv2d


class DepthwiseWindow(WindowFold):
    """A line buffer in front of taps x lanes multipliers."""

    stem = "depthwise_window"
    ops = (Conv2d,)

    @classmethod
    def refuses(cls, site: Site[Conv2d]) -> str:
        return "" if site.op.depthwise else "only depthwise: one filter per channel"

    @classmethod
    def shares(cls, site: Site[Conv2d]) -> bool:
        return False

    @classmethod
    def unrollings(cls, site: Site[Conv2d]) -> list[Knobs]:
        taps = [(0, 0), (0, 1), (1, 1)] if site.op.window.taps > 1 else [(0, 0)]
        return [
            {"lanes": n, "parallel_rows": r, "parallel_columns": c}
            for n, (r, c) in product(folds(site.arg.channels), taps)
        ]

    @classmethod
    def fills(cls, site: Site[Conv2d], shape: Knobs, cell: Knobs) -> bool:
        return True

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

    @property
    def inputs(self) -> int:
        return self.ring.taps

    @property
    def outputs(self) -> int:
        return self.knobs["lanes"]

    @cached_property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return (self.knobs["lanes"],), self.knobs["lanes"]

    @cached_property
    def places(self) -> int:
        """Places of the output queue."""
        return queue_places(self.pipeline, self.ring.steps)

    @cached_property
    def params(self) -> dict[str, int]:
        ring = self.ring
        return {
            "Lanes": ring.lanes,
            "Beats": ring.beats,
            **ring.params(),
            "PadValue": self.op.pad_value,
            **ring.bank_params(),
            **self.dot_params,
        }

    @cached_property
    def table(self) -> Array:
        """One input channel, and channels in the place of filters."""
        return dot.weight_words(self.op.weight.values, 1, 1, self.knobs["lanes"], self.taps, self.filler)


ENGINE = DepthwiseWindow
