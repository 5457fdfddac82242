"""Output stages of QLinearConv, QGemm and QLinearMatMul.

Accumulators are exact 32-bit integers (bias included), so only the output stage rounds.
"""

import numpy as np
from numpy.typing import ArrayLike

from tomato.core.formats import Array
from tomato.kernels.float32 import Float32
from tomato.kernels.linear import Quantisation


def product_scale(x: float, weight: ArrayLike, y: float) -> Float32:
    """Output steps per unit of the accumulator, per channel: (x * weight) / y in float32, in this order.

    ComputeOutputScale of qlinearconv.cc, quant_gemm.cc (there alpha * x * weight / y; only
    alpha = 1 is exact for others) and qlinear_matmul.cc.
    """
    return np.asarray(np.float32(x) * np.asarray(weight, np.float32) / np.float32(y))


def requantise(acc: Array, scale: ArrayLike, y: Quantisation) -> Array:
    """float32(acc) * scale, clamped, rounded half to even, plus zero (MLAS quantize.cpp, MlasRequantizeOutput).

    scale: of `product_scale`, broadcast against acc.
    """
    return y.nearest(np.asarray(acc, np.float32) * np.asarray(scale, np.float32))


def real_output(acc: Array, x: float, weight: ArrayLike) -> Float32:
    """QGemm and MatMulIntegerToFloat without QuantizeLinear behind: float32(acc) * (x * weight)."""
    return np.asarray(np.asarray(acc, np.float32) * (np.float32(x) * np.asarray(weight, np.float32)))


def float_product(acc: Array, x: float, weight: ArrayLike) -> Float32:
    """The exact value of a convolution or matrix product that ONNX Runtime computes in float32, rounded once.

    Its own float32 sum depends on the order of its terms, thus on the processor: behind a
    QuantizeLinear codes next to a tie may differ by 1 from those of any other implementation.
    """
    return np.asarray(acc * (float(x) * np.asarray(weight, np.float64)), np.float32)
