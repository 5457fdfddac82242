"""Operators that move values without changing them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from tomato.core.formats import Array, Codes, Real
from tomato.core.ir import Op, Shape, TensorType
from tomato.core.treatment import Line, Treatment


@dataclass(frozen=True, slots=True)
class Concat(Op):
    """Concatenation over channels. All inputs have the same format, so that codes mean the same."""

    treatment: ClassVar = Treatment.MOVES

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        first = args[0]
        for x in args[1:]:
            if x.shape[:2] != first.shape[:2]:
                raise ValueError(f"sizes {first.shape[:2]} and {x.shape[:2]} differ")
        if any(isinstance(x.fmt, Real) for x in args):
            fmt = first.fmt
            if any(x.fmt != fmt for x in args):
                raise ValueError("inputs must all be real or all be codes")
        else:
            fmt = first.codes
            for x in args[1:]:
                fmt = fmt.union(x.codes)
        return TensorType((*first.shape[:2], sum(x.channels for x in args)), fmt)

    def golden(self, args: Sequence[Array]) -> Array:
        return np.concatenate(args, axis=3)

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        scale, offset = (np.concatenate(part) for part in zip(*((a.scale, a.offset) for a in args), strict=True))
        return Line(scale, offset, max(a.slack for a in args))


@dataclass(frozen=True, slots=True)
class Slice(Op):
    """x[begin : end : step] on height, width and channels. Channels have step 1."""

    treatment: ClassVar = Treatment.MOVES

    begin: Shape
    end: Shape
    step: tuple[int, int] = (1, 1)

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        for b, e, limit in zip(self.begin, self.end, x.shape, strict=True):
            if not 0 <= b < e <= limit:
                raise ValueError(f"slice {self.begin} to {self.end} is outside {x.shape}")
        steps = (*self.step, 1)
        size = tuple(-((b - e) // s) for b, e, s in zip(self.begin, self.end, steps, strict=True))
        return TensorType((size[0], size[1], size[2]), x.fmt)

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        steps = (*self.step, 1)
        cut = tuple(slice(b, e, s) for b, e, s in zip(self.begin, self.end, steps, strict=True))
        return x[(slice(None), *cut)]

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        return args[0].picked(lambda channels: channels[self.begin[2] : self.end[2]])


@dataclass(frozen=True, slots=True)
class Flip(Op):
    """The rows of a frame from the last to the first, or the columns, or both."""

    treatment: ClassVar = Treatment.MOVES

    rows: bool = False
    columns: bool = False

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        return args[0]

    def golden(self, args: Sequence[Array]) -> Array:
        return np.ascontiguousarray(args[0][:, :: -1 if self.rows else 1, :: -1 if self.columns else 1])

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        return args[0]


@dataclass(frozen=True, slots=True)
class Pad(Op):
    """A border of `value` (a code after quantisation): top, left, bottom, right."""

    treatment: ClassVar = Treatment.MOVES

    pads: tuple[int, int, int, int]
    value: float | int = 0

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        top, left, bottom, right = self.pads
        if min(self.pads) < 0:
            raise ValueError(f"negative padding {self.pads}")
        fmt = x.fmt
        if isinstance(fmt, Codes):
            if self.value != int(self.value):
                raise ValueError(f"border {self.value} is not a code")
            fmt = fmt.union(Codes(int(self.value), int(self.value)))
        return TensorType((x.shape[0] + top + bottom, x.shape[1] + left + right, x.channels), fmt)

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        top, left, bottom, right = self.pads
        return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=self.value)

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        return args[0]

    @property
    def border(self) -> float:
        return self.value

    def with_border(self, border: int) -> Self:
        return replace(self, value=border)


@dataclass(frozen=True, slots=True)
class Upsample(Op):
    """Every pixel repeated `factor` (height, width) times: nearest neighbour, integer scales."""

    treatment: ClassVar = Treatment.MOVES

    factor: tuple[int, int]

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        return TensorType((x.shape[0] * self.factor[0], x.shape[1] * self.factor[1], x.channels), x.fmt)

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        return np.asarray(x.repeat(self.factor[0], axis=1).repeat(self.factor[1], axis=2))

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        return args[0]


@dataclass(frozen=True, slots=True)
class DepthToSpace(Op):
    """Blocks of channels become block x block pixels; channel = (row, column, c), as ONNX mode DCR."""

    treatment: ClassVar = Treatment.MOVES

    block: int

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        b = self.block
        if x.channels % (b * b):
            raise ValueError(f"{x.channels} channels are not a multiple of {b * b}")
        return TensorType((x.shape[0] * b, x.shape[1] * b, x.channels // (b * b)), x.fmt)

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        n, h, w, c = x.shape
        b = self.block
        split = x.reshape(n, h, w, b, b, c // (b * b))
        return split.transpose(0, 1, 3, 2, 4, 5).reshape(n, h * b, w * b, c // (b * b))

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        return args[0].shuffled(self.infer(types).channels)


@dataclass(frozen=True, slots=True)
class SpaceToDepth(Op):
    """Blocks of block x block pixels become channels; channel = (row, column, c), as in ONNX."""

    treatment: ClassVar = Treatment.MOVES

    block: int

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        b = self.block
        if x.shape[0] % b or x.shape[1] % b:
            raise ValueError(f"{x.shape[0]}x{x.shape[1]} is not a multiple of {b}")
        return TensorType((x.shape[0] // b, x.shape[1] // b, x.channels * b * b), x.fmt)

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        n, h, w, c = x.shape
        b = self.block
        split = x.reshape(n, h // b, b, w // b, b, c)
        return split.transpose(0, 1, 3, 2, 4, 5).reshape(n, h // b, w // b, c * b * b)

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        return args[0].shuffled(self.infer(types).channels)


@dataclass(frozen=True, slots=True)
class Reshape(Op):
    """The same values in the same order under another shape: no hardware but lane alignment."""

    treatment: ClassVar = Treatment.MOVES

    shape: Shape

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        if int(np.prod(self.shape)) != int(np.prod(x.shape)):
            raise ValueError(f"{x.shape} does not reshape to {self.shape}")
        return TensorType(self.shape, x.fmt)

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        return x.reshape(x.shape[0], *self.shape)

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        return args[0].shuffled(self.infer(types).channels)


@dataclass(frozen=True, slots=True)
class Transpose(Op):
    """Reorders the frame: the input seen as `view`, its axes permuted by `perm`, read as `shape`.

    Any reordering that ONNX Transpose, Reshape and Flatten can spell, once per maximal chain.
    """

    treatment: ClassVar = Treatment.MOVES

    view: tuple[int, ...]
    perm: tuple[int, ...]
    shape: Shape

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        size = int(np.prod(x.shape))
        if int(np.prod(self.view)) != size or int(np.prod(self.shape)) != size:
            raise ValueError(f"{x.shape} is not {self.view} or {self.shape}")
        if sorted(self.perm) != list(range(len(self.view))):
            raise ValueError(f"{self.perm} is no permutation of the axes of {self.view}")
        return TensorType(self.shape, x.fmt)

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        batch = x.shape[0]
        axes = (0, *(p + 1 for p in self.perm))
        return x.reshape(batch, *self.view).transpose(axes).reshape(batch, *self.shape)

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        return args[0].shuffled(self.infer(types).channels)
