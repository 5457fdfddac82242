"""Kernels of two or more quantised tensors: QLinearAdd, QLinearMul, QLinearConcat."""

from collections.abc import Sequence

import numpy as np

from tomato.core.formats import Array
from tomato.kernels.float32 import fma
from tomato.kernels.linear import Quantisation, requantise_codes


def add(a: Array, b: Array, qa: Quantisation, qb: Quantisation, y: Quantisation) -> Array:
    """QLinearAdd as on x86 with AVX2 (MLAS intrinsics/avx2/qladd_avx2.cpp).

    With the ratios ra = a/y and rb = b/y in float32: fma(a, ra, fma(b, rb, fixed)), where
    fixed = y.zero - fma(ra, a.zero, rb * b.zero) as its compiler contracts it. Where a is the
    one that is broadcast along the innermost axis the kernel swaps the arguments: so must the caller.
    """
    ratio_a, ratio_b = qa.step / y.step, qb.step / y.step
    fixed = np.float32(y.zero) - fma(ratio_a, qa.zero, ratio_b * np.float32(qb.zero))
    return y.saturate(fma(a, ratio_a, fma(b, ratio_b, fixed)))


def multiply(a: Array, b: Array, qa: Quantisation, qb: Quantisation, y: Quantisation) -> Array:
    """QLinearMul as on x86 (MLAS qlmul.cpp, SSE2): the product is exact, two roundings, zero before rounding.

    rint(float32((a - a.zero) * (b - b.zero)) * (a * b / y) + y.zero), clamped.
    """
    ratio = qa.step * qb.step / y.step
    product = np.asarray((a - qa.zero) * (b - qb.zero), np.float32)
    return y.saturate(product * ratio + np.float32(y.zero))


def concat(arguments: Sequence[tuple[Array, Quantisation]], y: Quantisation, axis: int) -> Array:
    """QLinearConcat: each argument through its own table."""
    return np.concatenate([requantise_codes(codes, x, y) for codes, x in arguments], axis=axis)
