"""Convolution with a line buffer: any kernel, stride, dilation, padding and groups of whole beats."""

from functools import cached_property
from itertools import product

from tomato.core.formats import Array
from tomato.core.ir import TensorType
from tomato.engines.base import Knobs, Site, beats, divisors, folds
from tomato.engines.parts import cells, dot
from tomato.engines.parts.fold import WindowFold
from tomato.engines.parts.ring import Ring, queue_places
from tomato.ops.conv2d import Conv2d


class Conv2dWindow(WindowFold):
    """A line buffer in front of lanes_in x taps x lanes_out multipliers."""

    stem = "conv2d_window"
    ops = (Conv2d,)

    @classmethod
    def refuses(cls, site: Site[Conv2d]) -> str:
        return "depthwise has its own engine" if site.op.depthwise else ""

    @classmethod
    def unrollings(cls, site: Site[Conv2d]) -> list[Knobs]:
        op = site.op
        per_group, out = op.weight.shape[2], op.weight.shape[3] // op.groups
        # Groups are whole beats, on both sides.
        lanes_in = folds(per_group) if op.groups == 1 else divisors(per_group)
        lanes_out = folds(out) if op.groups == 1 else divisors(out)
        taps = [(0, 0, 1), (0, 1, 1), (1, 1, 1)] if op.window.taps > 1 else [(0, 0, 1)]
        shapes: list[Knobs] = [
            {"lanes_in": i, "lanes_out": o, "parallel_rows": r, "parallel_columns": c, "pixels": p}
            for i, o, (r, c, p) in product(lanes_in, lanes_out, taps)
        ]
        shapes += [
            {"lanes_in": lanes_in[-1], "lanes_out": o, "parallel_rows": 1, "parallel_columns": 1, "pixels": p}
            for o, p in product(lanes_out, cls._pixels(site))
        ]
        return shapes

    @classmethod
    def fills(cls, site: Site[Conv2d], shape: Knobs, cell: Knobs) -> bool:
        return cells.fills(site.op.weight, cell, site.op.weight.shape[2], shape["lanes_in"])

    @staticmethod
    def _pixels(site: Site[Conv2d]) -> list[int]:
        """How many columns may come in a beat: only a stride lets an engine use more than one."""
        op, width = site.op, site.arg.shape[1]
        if op.groups > 1 or op.window.stride[1] == 1 or op.window.kernel[1] == 1:
            return []
        return [p for p in (2, 4, 8) if width % p == 0]

    @cached_property
    def views(self) -> tuple[TensorType, ...]:
        return (self.ring.view,)

    @cached_property
    def effort(self) -> float:
        ring, outputs = self.ring, self.outputs
        select = ring.arg.codes.bits * ring.lanes * ring.taps * (3 if ring.taps > 1 else 1)
        return dot.effort(self.inputs, outputs, self.knobs) + outputs * self.out.codes.bits * 4 + select

    @cached_property
    def pixel_cycles(self) -> int:
        rows, columns = self.steps
        return self.op.groups * self.folds * rows * columns * beats(self.op.weight.shape[2], self.knobs["lanes_in"])

    @cached_property
    def ring(self) -> Ring:
        """The line buffer."""
        lanes, pixels = self.knobs["lanes_in"], self.knobs["pixels"]
        return Ring(self.target, self.arg, self.op.window, lanes, *self.taps, self.pixel_cycles, pixels)

    @cached_property
    def folds(self) -> int:
        """Passes of a group."""
        return beats(self.op.weight.shape[3] // self.op.groups, self.knobs["lanes_out"])

    @property
    def inputs(self) -> int:
        return self.ring.taps * self.ring.lanes

    @property
    def outputs(self) -> int:
        return self.knobs["lanes_out"]

    @cached_property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return (self.knobs["lanes_in"] * self.knobs["pixels"],), self.knobs["lanes_out"]

    @cached_property
    def places(self) -> int:
        """Places of the output queue."""
        ring = self.ring
        return queue_places(self.pipeline, ring.steps * (ring.beats // self.op.groups))

    @cached_property
    def params(self) -> dict[str, int]:
        op, ring = self.op, self.ring
        return {
            "Lanes": ring.lanes,
            "Outputs": self.outputs,
            "Beats": ring.beats,
            "Groups": op.groups,
            "Folds": self.folds,
            **self.window_params,
            **self.dot_params,
        }

    @cached_property
    def table(self) -> Array:
        op = self.op
        lanes = self.knobs["lanes_in"], self.knobs["lanes_out"]
        return dot.weight_words(op.weight.values, op.groups, *lanes, self.taps, self.filler)


ENGINE = Conv2dWindow
