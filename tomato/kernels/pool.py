"""QLinearGlobalAveragePool and QLinearAveragePool. Maxima need no kernel: codes order as reals do."""

import numpy as np

from tomato.formats import Array
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
    total = np.zeros(taps.shape[:-1], np.float32)
    for tap in np.moveaxis(dequantize_linear(taps, x), -1, 0):
        total = total + tap
    return y.saturate(total / np.asarray(divisor, np.float32) / y.step + np.float32(y.zero))
