"""What convolutions and matrix products share: sums of inputs times constant weights."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.ir import Op, TensorType
from tomato.core.treatment import Line, Treatment

FLOAT32_EXACT = 1 << 24
"""Integers below this are exact in float32, and BLAS is twice as fast there."""


@dataclass(frozen=True, slots=True)
class Weighted(Op):
    """An exact sum of inputs times `weight`: its last axis is the channels out, the one before those in of a group."""

    treatment: ClassVar = Treatment.EXACT

    weight: Tensor

    @property
    @abstractmethod
    def groups(self) -> int:
        """How many parts of the channels in and out have nothing to do with each other."""

    @property
    def weights(self) -> Mapping[str, Tensor]:
        return {"weight": self.weight}

    @property
    def summed(self) -> tuple[int, ...]:
        """The axes of `weight` that a sum runs over."""
        return tuple(range(len(self.weight.shape) - 1))

    def per_weight(self, values: Array) -> Array:
        """Values of the channels in, arranged as the last two axes of `weight` are."""
        out_channels = self.weight.shape[-1]
        return np.asarray(np.repeat(values.reshape(self.groups, -1).T, out_channels // self.groups, axis=1))

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        (x,), weight = args, self.weight.values
        steps = x.scale.reshape(self.groups, -1)
        if np.any(steps != steps[:, :1]):
            return "its input has another scale in every channel"
        offset = (weight * self.per_weight(x.offset)).sum(axis=self.summed)
        slack = float(np.abs(weight).sum(axis=self.summed).max()) * x.slack
        return Line(np.repeat(steps[:, 0], offset.size // self.groups), offset, slack)


def accumulator(weight: Array, x: Codes) -> Codes:
    """Interval of sum(w * x) over all but the last axis of `weight`, the widest channel deciding."""
    axes = tuple(range(weight.ndim - 1))
    lo = np.minimum(weight * x.lo, weight * x.hi).sum(axis=axes)
    hi = np.maximum(weight * x.lo, weight * x.hi).sum(axis=axes)
    return Codes(int(lo.min()), int(hi.max()))


def matrix_product(x: Array, weight: Array) -> Array:
    """The last axis of x times a matrix, as one product: NumPy's own loops over small ones, row by row."""
    return np.asarray((x.reshape(-1, weight.shape[0]) @ weight).reshape(*x.shape[:-1], -1))
