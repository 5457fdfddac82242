"""QLinearGlobalAveragePool and QLinearAveragePool. Maxima need no kernel: codes order as reals do."""

import numpy as np

from tomato.core.formats import Array
from tomato.kernels.float32 import Float32
from tomato.kernels.linear import Quantisation, dequantize_linear
from tomato.kernels.matrix import requantise


def global_average(total: Array, pixels: int, x: Quantisation, y: Quantisation) -> Array:
    """QLinearGlobalAveragePool of the sum of all codes of a channel (MLAS qlgavgpool.cpp, SSE2).

    The accumulator total - pixels * x.zero is exact; its scale is x / (y * pixels) in float32.
    """
    return requantise(total - pixels * x.zero, x.step / (y.step * np.float32(pixels)), y)


def average_pool(taps: Array, divisor: Array | int, x: Quantisation, y: Quantisation) -> Array:
    """QLinearAveragePool of windows (contrib qlinear_pool.cc).

    taps: codes, window positions along the last axis in row, column order; those outside the
    image hold x.zero. divisor: how many count, per window or the same for all.
    The dequantised taps are summed in float32 one after the other, divided, divided by y's
    scale, and y's zero point is added before rounding.
    """
    total = _sum_last(dequantize_linear(taps, x))
    return y.saturate(total / np.asarray(divisor, np.float32) / y.step + np.float32(y.zero))


def float_average(total: Array, divisor: Array | int, x: Quantisation) -> Float32:
    """The exact value of an AveragePool that is not fused, which ONNX Runtime computes in float32, rounded once.

    total: sums of codes, x's zero point taken off each. The order in which its own float32 sum takes the terms
    depends on the processor: behind a QuantizeLinear codes next to a tie may differ by 1.
    """
    return np.asarray(total / np.asarray(divisor, np.float64) * x.scale, np.float32)


def _sum_last(x: Float32) -> Float32:
    """Sum along the last axis, one term after the other."""
    total = np.zeros(x.shape[:-1], np.float32)
    for term in np.moveaxis(x, -1, 0):
        total = total + term
    return total
