"""Several neighbouring columns of a convolution or matrix product at once."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from math import ceil

import numpy as np

from tomato.core.formats import Array, Codes
from tomato.core.ir import TensorType
from tomato.engines.base import Knobs, Site, Timing, divisors
from tomato.engines.parts import dot
from tomato.engines.parts.columns import MOST, together
from tomato.engines.parts.fold import FoldUnit
from tomato.engines.parts.ring import LAG, Ring, queue_places
from tomato.hardware.memory import Ram, Store, rom_cost
from tomato.hardware.plumbing import output_cost
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.window import Window
from tomato.targets import Resources

Summed = Conv2d | Dense
RING_PIXELS = 2 + LAG - 1
"""Places of a ring that gives a place a cycle."""


class ColumnsWindow(FoldUnit[Summed]):
    """A line buffer in front of an array of multipliers for each column; whole pixels only.

    pixels: columns of an input beat. columns: of an output beat. The window of all of them is read at once, row by row
    or whole. A matrix product has windows in a frame of one row, as wide as a beat.
    """

    stem = "columns_window"
    ops = (Conv2d, Dense)
    loads = False

    @classmethod
    def refuses(cls, site: Site[Summed]) -> str:
        op = site.op
        if isinstance(op, Conv2d) and op.groups > 1 and not op.depthwise:
            return "groups of several channels"
        return "" if cls.unrollings(site) else f"no columns of {site.out.shape[1]} go side by side"

    @classmethod
    def factors(cls, site: Site[Summed]) -> Codes:
        return site.op.factors(site.arg.codes) if isinstance(site.op, Conv2d) else site.arg.codes

    @classmethod
    def shares(cls, site: Site[Summed]) -> bool:
        return isinstance(site.op, Dense) or not site.op.depthwise

    @classmethod
    def unrollings(cls, site: Site[Summed]) -> list[Knobs]:
        return list(_unrollings(site))

    @classmethod
    def fills(cls, site: Site[Summed], shape: Knobs, cell: Knobs) -> bool:
        return True

    @property
    def columns(self) -> int:
        return max(self.sides, self.knobs["pixels"])

    @property
    def sides(self) -> int:
        """Columns of an output beat."""
        return self.knobs["columns"]

    @cached_property
    def out(self) -> TensorType:
        return self.site.out.beside(self.sides)

    @cached_property
    def views(self) -> tuple[TensorType, ...]:
        return (self.arg.beside(self.knobs["pixels"]),)

    @property
    def taps(self) -> tuple[bool, bool]:
        return bool(self.knobs["parallel_rows"]), True

    @cached_property
    def kernel(self) -> Window:
        """The window of one column."""
        return self.op.window if isinstance(self.op, Conv2d) else Window((1, 1))

    @cached_property
    def inputs(self) -> int:
        (rows, columns), channels = self.kernel.kernel, self.arg.channels if self.shares(self.site) else 1
        return (rows if self.taps[0] else 1) * columns * channels

    @property
    def outputs(self) -> int:
        return self.site.out.channels

    @cached_property
    def multipliers(self) -> int:
        return self.inputs * self.outputs * self.sides

    @cached_property
    def pixel_cycles(self) -> int:
        return 1 if self.taps[0] else self.kernel.kernel[0]

    @cached_property
    def effort(self) -> float:
        ring = self.ring
        select = ring.arg.codes.bits * ring.lanes * ring.taps * 3
        sums = dot.effort(self.inputs, self.outputs, self.knobs) + self.outputs * self.out.codes.bits * 4
        return self.sides * sums + select

    @cached_property
    def ring(self) -> Ring:
        """The line buffer, of which a read has what all columns see."""
        if isinstance(self.op, Dense):
            row, wide = replace(self.arg, shape=(1, self.sides, self.arg.channels)), (1, self.sides)
            window, rows = Window(wide, wide), False
        else:
            one, stride, rows = self.kernel, self.kernel.stride[1], self.taps[0]
            kernel = one.kernel[0], one.span[1] + (self.sides - 1) * stride
            window = Window(kernel, (one.stride[0], self.sides * stride), (one.dilation[0], 1), one.pads)
            row = self.arg
        return Ring(self.target, row, window, self.arg.channels, rows, True, self.pixel_cycles, self.knobs["pixels"])

    @property
    def window_params(self) -> dict[str, int]:
        op, ring = self.op, self.ring
        rows = {"Rows": RING_PIXELS} if isinstance(op, Dense) else {}
        value = op.pad_value if isinstance(op, Conv2d) else 0
        return {**ring.params(), "PadValue": value, **ring.bank_params(), **rows}

    @property
    def ring_memory(self) -> tuple[int, int, Ram, int]:
        ring = self.ring
        return ring.lanes * ring.arg.codes.bits, ring.depth, ring.ram, ring.banks

    @property
    def buffer(self) -> Resources:
        return self.ring.cost

    @cached_property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return (self.views[0].channels,), self.out.channels

    @cached_property
    def cycles(self) -> int:
        return max(self.out.pixels * self.pixel_cycles, self.views[0].pixels)

    @cached_property
    def timing(self) -> Timing:
        if isinstance(self.op, Conv2d):
            return self.ring.timing(self.delay)
        need = np.arange(self.out.pixels)
        return Timing((need,), 1, 1 + self.delay, room=(need - RING_PIXELS,))

    @cached_property
    def places(self) -> int:
        """Places of the output queue."""
        return queue_places(self.pipeline, self.pixel_cycles)

    @cached_property
    def array(self) -> Resources:
        whole, (lut, ff) = super().array, self._left
        return whole._replace(lut=ceil(whole.lut * lut), ff=ceil(whole.ff * ff))

    @property
    def _left(self) -> tuple[float, float]:
        """What is left of the LUTs and flip-flops of an array, as weights are constant, or few: a fit.

        Multipliers in LUTs become sums of a few shifted inputs, the fewer the narrower weights are. Trees behind DSP
        blocks stay.
        """
        alone, bits = self.words == 1, dot.weight_bits(self.weight, 0)
        if not self.knobs["pack"]:
            return (0.34 + 0.018 * bits, 0.65) if alone else (0.41 + 0.068 * bits, 0.9)
        if not self.chain:
            return (0.8, 0.9) if alone else (0.9, 0.9)
        return (0.5, 0.2) if alone else (0.6, 0.5)

    @cached_property
    def bare(self) -> Resources:
        arrays, bits = self.array * self.sides, self.out.channels * self.out.codes.bits
        more = rom_cost(self.stores["MemFile"], self.target) * (self.sides - 1)  # each column has the weights
        return self.buffer + arrays + more + output_cost(bits, self.places, self.target)

    @cached_property
    def stores(self) -> dict[str, Store]:
        return {"MemFile": Store(Ram.LUT, self.words, self.inputs * self.outputs * self.field)}

    @cached_property
    def params(self) -> dict[str, int]:
        return {
            "Lanes": self.arg.channels,
            "Outputs": self.outputs,
            "Sides": self.sides,
            "Taps": self.kernel.kernel[1],
            "TapStep": self.kernel.dilation[1],
            "SideStep": self.kernel.stride[1],
            "Shared": int(self.shares(self.site)),
            **self.window_params,
            **self.dot_params,
        }

    @cached_property
    def table(self) -> Array:
        weight = self.weight.values
        kernel = weight.reshape(1, 1, *weight.shape) if isinstance(self.op, Dense) else weight
        return dot.weight_words(kernel, 1, kernel.shape[2], self.outputs, self.taps, self.filler)


def _unrollings(site: Site[Summed]) -> Iterator[Knobs]:
    """Columns side by side, with as many pixels of an input beat as keep up with them."""
    if isinstance(site.op, Dense):
        yield from ({"pixels": n, "columns": n, "parallel_rows": 0} for n in together(site.out.shape[1]))
        return
    op, (height, width, _) = site.op, site.arg.shape
    window, inner = op.window, [n for n in divisors(width) if n <= 2 * MOST]
    # One column is for layers that other engines do not read several pixels for.
    alone = window.stride[1] > 1 and (op.depthwise or window.kernel[1] == 1)
    for columns in [*([1] if alone else []), *together(site.out.shape[1])]:
        for rows in (0, 1) if window.kernel[0] > 1 else (0,):
            reads = site.out.pixels // columns * (1 if rows else window.kernel[0])
            enough = [n for n in inner if height * width // n <= reads]
            pixels = min(enough, default=inner[-1])
            if columns * pixels > 1:
                yield {"pixels": pixels, "columns": columns, "parallel_rows": rows}


ENGINE = ColumnsWindow
