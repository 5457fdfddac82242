"""Products with a constant matrix of which few entries are not zero, and with one whose entries are dropped out."""

import warnings
from typing import Any

import numpy as np
import torch

from tomato.core.formats import Array


class Sparse:
    """A constant matrix (rows, columns) by its entries, ordered by row and then by column."""

    def __init__(self, rows: Array, columns: Array, values: Array, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.values = torch.from_numpy(values.astype(np.float32))
        self._made: dict[bool, torch.Tensor] = {}
        self._forward = _pointers(rows, columns, shape[0])
        order = np.lexsort((rows, columns))
        self._order = torch.from_numpy(order)
        self._backward = _pointers(columns[order], rows[order], shape[1])

    @classmethod
    def of(cls, matrix: Array) -> "Sparse":
        """The entries of a matrix that are not zero."""
        rows, columns = np.nonzero(matrix)
        return cls(rows, columns, matrix[rows, columns], (matrix.shape[0], matrix.shape[1]))

    def with_values(self, values: torch.Tensor) -> "Sparse":
        """The same places with other entries, (entries,)."""
        found = object.__new__(type(self))
        found.__dict__ |= self.__dict__
        found.values, found._made = values, {}
        return found

    def __matmul__(self, x: torch.Tensor) -> torch.Tensor:
        """Times x (columns, channels), which may need a gradient."""
        made: torch.Tensor = _Product.apply(x, self)
        return made

    def dropped(self, share: float) -> "Sparse":
        """Every entry 0 with this probability, the others larger (Srivastava et al., Dropout, 2014)."""
        return self.with_values(torch.nn.functional.dropout(self.values, share))

    def as_torch(self, *, transposed: bool = False) -> torch.Tensor:
        """As torch has it, made once."""
        if transposed not in self._made:
            values = self.values[self._order] if transposed else self.values
            shape = self.shape[::-1] if transposed else self.shape
            self._made[transposed] = _csr(self._backward if transposed else self._forward, values, shape)
        return self._made[transposed]


class _Product(torch.autograd.Function):
    """torch's own gradient of a product with a sparse matrix transposes it every time."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, matrix: Sparse) -> torch.Tensor:
        ctx.matrix = matrix
        return matrix.as_torch() @ x

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        return ctx.matrix.as_torch(transposed=True) @ gradient.contiguous(), None


def _pointers(rows: Array, columns: Array, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Where each row begins, and the columns."""
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=count))])
    return torch.from_numpy(starts.astype(np.int32)), torch.from_numpy(columns.astype(np.int32))


def _csr(pointers: tuple[torch.Tensor, torch.Tensor], values: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support")
        return torch.sparse_csr_tensor(*pointers, values, shape, check_invariants=False)
