"""Threshold: narrow an accumulator by counting the thresholds that it reaches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.ir import Op, TensorType
from tomato.core.treatment import Treatment


@dataclass(frozen=True, slots=True)
class Threshold(Op):
    """y = lo + the number of thresholds[c, k] <= x. Codes only.

    `thresholds` has the shape (channels, steps), ascending in every channel. Any requantisation that rises
    with the accumulator is one of these, exactly, also where no constants of a requant equal it.
    """

    treatment: ClassVar = Treatment.CODES

    thresholds: Tensor
    lo: int

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        channels, steps = self.thresholds.shape
        if not isinstance(x.fmt, Codes):
            raise ValueError("thresholds take codes, not reals")
        if channels != x.channels:
            raise ValueError(f"thresholds of {channels} channels do not suit {x.channels}")
        if not steps:
            raise ValueError("there must be at least one threshold")
        if np.any(np.diff(self.thresholds.values, axis=1) < 0):
            raise ValueError("thresholds must ascend")
        ends = np.array([[x.fmt.lo], [x.fmt.hi]]).repeat(channels, axis=1)
        reach = self.golden([ends])
        return TensorType(x.shape, Codes(int(reach.min()), int(reach.max())))

    def beside(self, columns: int) -> Self:
        return replace(self, thresholds=self.thresholds.repeated(columns))

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        return self.lo + count_reached(self.thresholds.values, x)

    def __str__(self) -> str:
        return f"threshold<{self.thresholds} from {self.lo}>"


def count_reached(thresholds: Array, x: Array) -> Array:
    """How many of the ascending thresholds (channels, steps) are at most x, whose last axis is the channels."""
    counts = [np.searchsorted(t, x[..., c], side="right") for c, t in enumerate(thresholds)]
    return np.stack(counts, axis=-1).astype(np.int64)
