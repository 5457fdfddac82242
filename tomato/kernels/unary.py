"""Unary functions in float32 as ONNX Runtime evaluates them: for `linear.in_float32`."""

import numpy as np

from tomato.kernels.float32 import Float32, polynomial

# Rational approximations: numerators are odd in x, denominators even. Highest power first.
SIGMOID_NUMERATOR = (
    4.37031012579801e-11,
    1.15627324459942e-07,
    6.08574864600143e-05,
    8.51377133304701e-03,
    2.48287947061529e-01,
)
SIGMOID_DENOMINATOR = (
    6.10247389755681e-13,
    5.76102136993427e-09,
    6.29106785017040e-06,
    1.70198817374094e-03,
    1.16817656904453e-01,
    9.93151921023180e-01,
)
TANH_NUMERATOR = (
    -2.76076847742355e-16,
    2.00018790482477e-13,
    -8.60467152213735e-11,
    5.12229709037114e-08,
    1.48572235717979e-05,
    6.37261928875436e-04,
    4.89352455891786e-03,
)
TANH_DENOMINATOR = (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)


def clip(x: Float32, lo: float, hi: float) -> Float32:
    """Clip; Relu is clip(x, 0, inf)."""
    return np.clip(x, np.float32(lo), np.float32(hi))


def sigmoid(x: Float32) -> Float32:
    """Sigmoid and QLinearSigmoid: a rational approximation with fused multiply-adds (MLAS logistic.cpp)."""
    ratio = _rational(clip(x, -18, 18), SIGMOID_NUMERATOR, SIGMOID_DENOMINATOR)
    return clip(ratio + np.float32(0.5), 0, 1)


def tanh(x: Float32) -> Float32:
    """Tanh: a rational approximation with fused multiply-adds (MLAS tanh.cpp)."""
    return _rational(clip(x, -9, 9), TANH_NUMERATOR, TANH_DENOMINATOR)


def _rational(x: Float32, numerator: tuple[float, ...], denominator: tuple[float, ...]) -> Float32:
    square = x * x
    return np.asarray(polynomial(square, numerator) * x / polynomial(square, denominator))
