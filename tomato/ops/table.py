"""Table: any unary function between two quantised values, exact by construction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.ir import Op, TensorType
from tomato.core.treatment import Treatment


@dataclass(frozen=True, slots=True)
class Table(Op):
    """y = entries[c, x - lo]: one row for all channels, or a row per channel. Codes only.

    `entries` has the shape (1 or channels, hi - lo + 1) for inputs in [lo, hi].
    """

    treatment: ClassVar = Treatment.CODES

    entries: Tensor
    lo: int

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        rows, columns = self.entries.shape
        if not isinstance(x.fmt, Codes):
            raise ValueError("a table takes codes, not reals")
        if x.fmt.lo < self.lo or x.fmt.hi >= self.lo + columns:
            raise ValueError(f"{columns} entries from {self.lo} do not cover {x.fmt}")
        if rows not in (1, x.channels):
            raise ValueError(f"{rows} rows do not suit {x.channels} channels")
        fmt = self.entries.fmt
        assert isinstance(fmt, Codes)
        return TensorType(x.shape, fmt)

    def beside(self, columns: int) -> Self:
        return replace(self, entries=self.entries.repeated(columns)) if self.entries.shape[0] > 1 else self

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        rows = self.entries.shape[0]
        channel = np.arange(x.shape[3]) if rows > 1 else 0
        return np.asarray(self.entries.values[channel, x - self.lo])
