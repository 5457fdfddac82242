"""The greater or the lesser of two values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tomato.core.formats import Array, Codes, Real
from tomato.core.ir import Op, TensorType
from tomato.core.treatment import Line, Treatment


@dataclass(frozen=True, slots=True)
class Maximum(Op):
    """The greater of two values, place by place, or the lesser. Codes of both mean the same."""

    treatment: ClassVar = Treatment.MOVES
    by_order: ClassVar = True

    least: bool = False

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        a, b = args
        if a.shape != b.shape:
            raise ValueError(f"shapes {a.shape} and {b.shape} differ")
        if isinstance(a.fmt, Real) or isinstance(b.fmt, Real):
            if a.fmt != b.fmt:
                raise ValueError("both inputs must be real or both codes")
            return a
        choose = min if self.least else max
        return TensorType(a.shape, Codes(choose(a.codes.lo, b.codes.lo), choose(a.codes.hi, b.codes.hi)))

    def golden(self, args: Sequence[Array]) -> Array:
        return np.asarray(np.minimum(*args) if self.least else np.maximum(*args))

    @property
    def elementwise(self) -> str:
        return "min" if self.least else "max"

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        a, b = args
        if np.any(a.scale != b.scale) or np.any(a.offset != b.offset):
            return "its inputs have unlike scales"
        return Line(a.scale, a.offset, max(a.slack, b.slack)).rising
