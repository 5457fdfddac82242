"""QLinearGlobalAveragePool and QLinearAveragePool. Maxima need no kernel: codes order as reals do."""

import numpy as np

from tomato.formats import Array
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


def float_average(taps: Float32, divisor: Array | int) -> Float32:
    """AveragePool that is not fused (MLAS pooling.cpp): each column of a window is summed, then the columns.

    taps: dequantised, (..., rows, columns) of the window; those outside the image hold 0.
    """
    total = _sum_last(_sum_last(np.swapaxes(taps, -1, -2)))
    return np.asarray(total / np.asarray(divisor, np.float32))


def _sum_last(x: Float32) -> Float32:
    """Sum along the last axis, one term after the other."""
    total = np.zeros(x.shape[:-1], np.float32)
    for term in np.moveaxis(x, -1, 0):
        total = total + term
    return total
