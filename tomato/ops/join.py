"""Two-input arithmetic: the exact weighted sum, and the exact product."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from tomato.core.formats import Array, Codes, Real
from tomato.core.ir import Op, TensorType
from tomato.core.treatment import Line, Treatment


def _same_shape(args: Sequence[TensorType]) -> tuple[TensorType, TensorType]:
    a, b = args
    if a.shape != b.shape:
        raise ValueError(f"shapes {a.shape} and {b.shape} differ")
    if isinstance(a.fmt, Real) != isinstance(b.fmt, Real):
        raise ValueError("both inputs must be real or both codes")
    return a, b


@dataclass(frozen=True, slots=True)
class Add(Op):
    """a * scale_a + b * scale_b, exact. A requant behind it brings the sum to the result's scale."""

    treatment: ClassVar = Treatment.EXACT

    scale_a: int = 1
    scale_b: int = 1

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        a, b = _same_shape(args)
        if isinstance(a.fmt, Real):
            return TensorType(a.shape, a.fmt)
        ends = [sorted((k.codes.lo * m, k.codes.hi * m)) for k, m in ((a, self.scale_a), (b, self.scale_b))]
        return TensorType(a.shape, Codes(ends[0][0] + ends[1][0], ends[0][1] + ends[1][1]))

    def beside(self, columns: int) -> Self:
        return self

    def golden(self, args: Sequence[Array]) -> Array:
        a, b = args
        return np.asarray(a * self.scale_a + b * self.scale_b)

    @property
    def elementwise(self) -> str:
        return "add" if (self.scale_a, self.scale_b) == (1, 1) else ""

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        a, b = args
        scale = a.scale / self.scale_a
        if np.any(scale != b.scale / self.scale_b):
            return "its inputs have unlike scales"
        return Line(scale, a.offset + b.offset, a.slack * abs(self.scale_a) + b.slack * abs(self.scale_b))


@dataclass(frozen=True, slots=True)
class Multiply(Op):
    """(a - zero_a) * (b - zero_b), exact."""

    treatment: ClassVar = Treatment.EXACT

    zero_a: int = 0
    zero_b: int = 0

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        a, b = _same_shape(args)
        if isinstance(a.fmt, Real):
            return TensorType(a.shape, a.fmt)
        ends = [
            (x - self.zero_a) * (y - self.zero_b) for x in (a.codes.lo, a.codes.hi) for y in (b.codes.lo, b.codes.hi)
        ]
        return TensorType(a.shape, Codes(min(ends), max(ends)))

    def beside(self, columns: int) -> Self:
        return self

    def golden(self, args: Sequence[Array]) -> Array:
        a, b = args
        return np.asarray((a - self.zero_a) * (b - self.zero_b))

    @property
    def elementwise(self) -> str:
        return "mul" if (self.zero_a, self.zero_b) == (0, 0) else ""

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        a, b = args
        if (a.code_of(0.0), b.code_of(0.0)) != (self.zero_a, self.zero_b):
            return "its inputs have other zero points"
        if a.slack or b.slack:
            return "its inputs are not exact"
        return Line(a.scale * b.scale, np.zeros(a.scale.size), 0.0)
