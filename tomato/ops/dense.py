"""Dense: an exact matrix product on the channels of every pixel."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tomato.core.formats import Array, Real
from tomato.core.ir import TensorType
from tomato.ops.weighted import FLOAT32_EXACT, Weighted, accumulator, matrix_product


@dataclass(frozen=True, slots=True)
class Dense(Weighted):
    """y[h, w, :] = x[h, w, :] @ weight: a fully connected layer, or a pointwise convolution.

    `weight` has the shape (channels in, channels out).
    """

    @property
    def groups(self) -> int:
        return 1

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        if self.weight.shape[0] != x.channels:
            raise ValueError(f"weight {self.weight.shape} does not suit {x.channels} channels")
        shape = (*x.shape[:2], self.weight.shape[1])
        if isinstance(x.fmt, Real) or not self.weight.is_codes:
            if isinstance(x.fmt, Real) and not self.weight.is_codes:
                return TensorType(shape, Real())
            raise ValueError("the weight and the input must both be real or both be codes")
        return TensorType(shape, accumulator(self.weight.values, x.fmt))

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        if not np.issubdtype(x.dtype, np.integer):
            return matrix_product(x, self.weight.values)
        bound = np.abs(self.weight.values).sum(axis=0).max() * max(1, int(np.abs(x).max(initial=0)))
        dtype: type[np.floating] = np.float32 if bound < FLOAT32_EXACT else np.float64
        assert bound < 1 << 53, "an accumulator exceeds what float64 holds exactly"
        acc = matrix_product(x.astype(dtype), self.weight.values.astype(dtype))
        return np.asarray(np.rint(acc).astype(np.int64))

    def macs(self, args: Sequence[TensorType]) -> int:
        return args[0].pixels * self.weight.values.size

    def __str__(self) -> str:
        return f"dense<{self.weight}>"
