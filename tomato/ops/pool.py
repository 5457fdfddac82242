"""Pooling: maximum or exact sum over a window, and the sum over the whole frame."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from tomato.core.formats import Array, Codes, Real
from tomato.core.ir import Op, TensorType
from tomato.core.treatment import Line, Treatment
from tomato.ops.window import Window


@dataclass(frozen=True, slots=True)
class MaxPool(Op):
    """Maximum over the window; the border never wins."""

    treatment: ClassVar = Treatment.MOVES
    by_order: ClassVar = True

    window: Window

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        return TensorType((*self.window.output(x.shape), x.channels), x.fmt)

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        out = self.window.output(x.shape[1:])
        low = np.iinfo(x.dtype).min if np.issubdtype(x.dtype, np.integer) else -np.inf
        padded = self.window.pad(x, low)
        taps = [self.window.tap(padded, r, c, out) for r, c in np.ndindex(self.window.kernel)]
        return np.asarray(np.maximum.reduce(taps))

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        return args[0].rising


@dataclass(frozen=True, slots=True)
class SumPool(Op):
    """Exact sum over the window; the border reads `pad_value`. Dividing is left to a requant or affine."""

    treatment: ClassVar = Treatment.EXACT

    window: Window
    pad_value: int = 0

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        shape = (*self.window.output(x.shape), x.channels)
        if isinstance(x.fmt, Real):
            return TensorType(shape, Real())
        fmt = x.fmt.union(Codes(self.pad_value, self.pad_value)) if any(self.window.pads) else x.fmt
        return TensorType(shape, Codes(fmt.lo * self.window.taps, fmt.hi * self.window.taps))

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        out = self.window.output(x.shape[1:])
        padded = self.window.pad(x, self.pad_value)
        taps = [self.window.tap(padded, r, c, out) for r, c in np.ndindex(self.window.kernel)]
        return np.asarray(sum(taps[1:], start=taps[0]))

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        return args[0].times(self.window.taps)

    @property
    def border(self) -> float | None:
        return self.pad_value if any(self.window.pads) else None

    def with_border(self, border: int) -> Self:
        return replace(self, pad_value=border)


@dataclass(frozen=True, slots=True)
class GlobalSum(Op):
    """Exact sum over all pixels of the frame, per channel."""

    treatment: ClassVar = Treatment.EXACT

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        fmt = x.fmt if isinstance(x.fmt, Real) else Codes(x.fmt.lo * x.pixels, x.fmt.hi * x.pixels)
        return TensorType((1, 1, x.channels), fmt)

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        return np.asarray(x.sum(axis=(1, 2), keepdims=True))

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        return args[0].times(types[0].pixels)
