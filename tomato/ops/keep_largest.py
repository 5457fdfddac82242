"""The largest channels of every pixel, all others 0: the gate of feature boosting and suppression."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from tomato.core.formats import Array, Codes
from tomato.core.ir import Op, TensorType
from tomato.core.treatment import Line, Treatment


@dataclass(frozen=True, slots=True)
class KeepLargest(Op):
    """Of the channels of a pixel the `keep` largest as they are, the others `zero`; of equals the first are kept.

    Winner-take-all of Gao et al., "Dynamic Channel Pruning: Feature Boosting and Suppression" (2018, arXiv 1810.05331),
    with the order that ONNX gives TopK. zero: the code that stands for 0 after quantisation.
    """

    treatment: ClassVar = Treatment.MOVES
    by_order: ClassVar = True

    keep: int
    zero: float | int = 0

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        if not 1 <= self.keep <= x.channels:
            raise ValueError(f"{self.keep} of {x.channels} channels cannot be kept")
        fmt = x.fmt
        if isinstance(fmt, Codes) and self.keep < x.channels:
            if self.zero != int(self.zero):
                raise ValueError(f"what stands for 0, {self.zero}, is not a code")
            fmt = fmt.union(Codes(int(self.zero), int(self.zero)))
        return TensorType(x.shape, fmt)

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        order = np.argsort(-x, axis=3, kind="stable")
        kept = np.zeros(x.shape, dtype=bool)
        np.put_along_axis(kept, order[..., : self.keep], True, axis=3)
        return np.where(kept, x, np.asarray(self.zero, dtype=x.dtype))

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        rising = args[0].rising
        return rising if isinstance(rising, str) else rising.shuffled(rising.scale.size)

    @property
    def border(self) -> float:
        return self.zero

    def with_border(self, border: int) -> Self:
        return replace(self, zero=border)
