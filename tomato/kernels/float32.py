"""Arithmetic in float32 that NumPy lacks."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float32 = NDArray[np.float32]
"""Reals as the kernels hold them; NumPy rounds each operation on them once, as SSE and AVX do."""


def fma(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> Float32:
    """a * b + c of float32 numbers, rounded once.

    The product is exact in float64. The sum is rounded there to odd (an inexact result takes
    the neighbour whose last bit is 1), so that rounding it again, to float32, is as if from
    the exact sum.
    """
    product = np.asarray(a, np.float64) * np.asarray(b, np.float64)
    addend = np.asarray(c, np.float64)
    total = np.asarray(product + addend)
    share = total - product
    error = (product - (total - share)) + (addend - share)  # exact: Knuth's TwoSum
    bits = total.view(np.int64)
    outward = np.where((error > 0) == (total > 0), 1, -1)
    odd: NDArray[Any] = bits + np.where((error != 0) & (bits % 2 == 0), outward, 0)
    return odd.view(np.float64).astype(np.float32)


def polynomial(x: Float32, coefficients: tuple[float, ...]) -> Float32:
    """Horner's scheme in float32 with one fused multiply-add per coefficient, highest power first."""
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = fma(value, x, np.float32(coefficient))
    return value
