"""One of two values, as a condition says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tomato.core.formats import Array, Codes, Real
from tomato.core.ir import Op, TensorType
from tomato.core.treatment import Line, Treatment


@dataclass(frozen=True, slots=True)
class Select(Op):
    """a where a condition is not 0, b elsewhere, place by place: arguments (condition, a, b) of one shape.

    Codes of a and b mean the same. Those of the condition are 0 and 1 whatever the others are: a comparison's result.
    """

    treatment: ClassVar = Treatment.MOVES
    conditions: ClassVar = 1

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        condition, a, b = args
        if not condition.shape == a.shape == b.shape:
            raise ValueError(f"shapes {condition.shape}, {a.shape} and {b.shape} differ")
        if isinstance(a.fmt, Real) or isinstance(b.fmt, Real):
            if a.fmt != b.fmt:
                raise ValueError("both values must be real or both codes")
            return a
        return TensorType(a.shape, Codes(min(a.codes.lo, b.codes.lo), max(a.codes.hi, b.codes.hi)))

    def golden(self, args: Sequence[Array]) -> Array:
        condition, a, b = args
        return np.where(condition != 0, a, b)

    @property
    def elementwise(self) -> str:
        return "where"

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        _, a, b = args
        if np.any(a.scale != b.scale) or np.any(a.offset != b.offset):
            return "its inputs have unlike scales"
        return Line(a.scale, a.offset, max(a.slack, b.slack))
