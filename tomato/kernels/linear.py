"""QuantizeLinear, DequantizeLinear, and what happens between them in float32."""

from collections.abc import Callable
from dataclasses import dataclass
from math import floor

import numpy as np

from tomato.core.formats import Array, Codes
from tomato.kernels.float32 import Float32


@dataclass(frozen=True, slots=True)
class Quantisation:
    """Parameters of a quantised tensor: real = (code - zero) * scale, codes in [lo, hi].

    scale is a float32 number: kernels compute with it in float32.
    """

    scale: float
    zero: int
    codes: Codes

    def __post_init__(self) -> None:
        if not 0 < self.scale == float(np.float32(self.scale)):
            raise ValueError(f"a scale is a positive float32 number, not {self.scale!r}")
        if not self.codes.lo <= self.zero <= self.codes.hi:
            raise ValueError(f"zero point {self.zero} is outside {self.codes}")

    @property
    def step(self) -> np.float32:
        """The scale as the kernels hold it."""
        return np.float32(self.scale)

    @property
    def offset(self) -> int:
        """What is subtracted from a code to get the code of `unsigned`."""
        return self.codes.lo

    @property
    def unsigned(self) -> "Quantisation":
        """The same reals with codes from 0 upwards (qdq_s8_to_u8.cc).

        On x86 ONNX Runtime turns an int8 QuantizeLinear -> DequantizeLinear pair into this one
        before it looks for kernels. Kernels whose rounding involves the zero point (`add`,
        `multiply`, `average_pool`) then give other codes than their int8 twins:
        call them with codes - offset and add the output's offset.
        """
        return Quantisation(self.scale, self.zero - self.codes.lo, Codes(0, self.codes.hi - self.codes.lo))

    def nearest(self, steps: Array) -> Array:
        """Codes of reals given in steps of the scale: clamp, round half to even, add the zero point."""
        limited = np.clip(steps, np.float32(self.codes.lo - self.zero), np.float32(self.codes.hi - self.zero))
        return np.asarray(np.rint(limited), np.int64) + self.zero

    def saturate(self, codes: Array) -> Array:
        """Codes of reals given in steps, with the zero point already added: round half to even, clamp."""
        limited = np.clip(codes, np.float32(self.codes.lo), np.float32(self.codes.hi))
        return np.asarray(np.rint(limited), np.int64)


def quantize_linear(x: Array, y: Quantisation) -> Array:
    """QuantizeLinear: float32 division, then as `Quantisation.nearest` (MLAS quantize.cpp)."""
    return y.nearest(np.asarray(x, np.float32) / y.step)


def dequantize_linear(codes: Array, x: Quantisation) -> Float32:
    """DequantizeLinear: float32(code - zero) * scale (core/providers/cpu/quantization/quantize_linear.cc)."""
    return np.asarray(codes - x.zero, np.float32) * x.step


def in_float32(function: Callable[..., Float32], y: Quantisation, *arguments: tuple[Array, Quantisation]) -> Array:
    """DequantizeLinear of each argument -> function -> QuantizeLinear.

    Exact for every operator whose float32 kernel is correctly rounded or in `unary`,
    fused by ONNX Runtime or not.
    """
    return quantize_linear(function(*(dequantize_linear(codes, x) for codes, x in arguments)), y)


def requantise_codes(codes: Array, x: Quantisation, y: Quantisation) -> Array:
    """Codes of the same reals under other parameters: QLinearConcat's table (contrib qlinear_concat.cc)."""
    return quantize_linear(dequantize_linear(codes, x), y)


def merge_pairs(first: Quantisation, second: Quantisation) -> Quantisation:
    """The single pair that replaces Q -> DQ -> Q -> DQ (core/optimizer/double_qdq_pairs_remover.cc).

    It covers the range that both cover, so its codes are neither those of the first pair nor
    those of the second. ONNX Runtime does this for pairs of one type with nothing between them
    and no other reader; whatever follows computes with the new parameters.
    """
    if first.codes != second.codes:
        raise ValueError(f"pairs of different types are not merged: {first.codes} and {second.codes}")
    if first == second:
        return first
    lo, hi = first.codes.lo, first.codes.hi
    bottom = max(np.float32(lo - q.zero) * q.step for q in (first, second))
    top = min(np.float32(hi - q.zero) * q.step for q in (first, second))
    scale = (top - bottom) / np.float32(hi - lo)
    zero = np.float32(lo) - bottom / scale
    return Quantisation(float(scale), _round_away(float(zero)), first.codes)


def _round_away(x: float) -> int:
    """std::round: half away from zero."""
    return floor(x + 0.5) if x >= 0 else -floor(0.5 - x)
