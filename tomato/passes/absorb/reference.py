"""The reference of a requantisation: which code the runtime of a model gives for each integer.

For QDQ and QOperator models that is ONNX Runtime on a CPU, see `tomato.kernels` and docs/onnxruntime.md; for
QONNX models real numbers (float64).
"""

from collections.abc import Callable, Mapping
from math import inf
from types import MappingProxyType

import numpy as np

from tomato import kernels
from tomato.formats import Array
from tomato.ir import Op
from tomato.kernels import unary
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.join import Multiply
from tomato.ops.pool import GlobalSum, SumPool
from tomato.ops.quantise import Quantise
from tomato.ops.real import FUNCTIONS, Affine, Clip, Function, Functions, evaluate
from tomato.passes.absorb.held import NEAR, Held, Reference, quantisation
from tomato.passes.absorb.joined import itself, joined

SINGLE: Functions = MappingProxyType(
    {
        **FUNCTIONS,
        "sigmoid": unary.sigmoid,
        "tanh": unary.tanh,
        "erf": lambda x: np.asarray(FUNCTIONS["erf"](x), np.float32),
    }
)
"""Functions on float32 as ONNX Runtime approximates them."""


def reference(held: Held, op: Quantise) -> Reference:
    """Codes (n, channels) of integers (n, channels) that `held` is about, as the model's runtime computes them."""
    if op.arithmetic == "qonnx":
        return lambda acc: op.golden([held.real(acc)])
    asked = joined(held, op) if _limits_only(held) else None
    kernel = KERNELS.get(type(held.source)) if held.source and _limits_only(held) and not _broken(held) else None
    if asked is None and kernel:
        asked = kernel(held, op)
    if asked is None:
        return lambda acc: op.golden([single(held.tail, (acc * held.scale + held.offset).astype(np.float32))])
    ends, on_codes = code_limits(held.tail, op), asked
    return lambda acc: np.clip(on_codes(acc), *ends)


def single(tail: tuple[Op, ...], x: Array) -> Array:
    """Unary operators one behind the other, in float32."""
    for op in tail:
        match op:
            case Affine(scale, offset):
                x = x * scale.values.astype(np.float32) + offset.values.astype(np.float32)
            case Clip(lo, hi):
                x = np.clip(x, np.float32(lo), np.float32(hi))
            case Function(expression):
                x = np.asarray(evaluate(expression, x, SINGLE), np.float32)
    return x


def _product(held: Held, op: Quantise) -> Reference:
    """QLinearConv, QGemm, QLinearMatMul: bias in the accumulator, one float32 factor."""
    y, bias = quantisation(op), np.rint(held.zeros).astype(np.int64)
    scale = kernels.product_scale(1.0, held.scale, y.scale)
    return lambda acc: kernels.requantise(acc + bias, scale, y)


def _mean(held: Held, op: Quantise) -> Reference:
    """QLinearGlobalAveragePool."""
    y, bias = quantisation(op), np.rint(held.zeros).astype(np.int64)
    step = (held.scale * held.taps).astype(np.float32)
    scale = step / (y.step * np.float32(held.taps))
    return lambda acc: kernels.requantise(acc + bias, scale, y)


def _average(held: Held, op: Quantise) -> Reference:
    """QLinearAveragePool, but for the roundings inside its float32 sum."""
    y = quantisation(op)

    def codes(acc: Array) -> Array:
        mean = (acc * held.scale + held.offset).astype(np.float32)
        return y.saturate(mean / y.step + np.float32(y.zero))

    return codes


def _multiplied(held: Held, op: Quantise) -> Reference:
    """QLinearMul."""
    y = quantisation(op)
    ratio = held.scale.astype(np.float32) / y.step
    return lambda acc: y.saturate(acc.astype(np.float32) * ratio + np.float32(y.zero))


KERNELS: Mapping[type[Op], Callable[[Held, Quantise], Reference]] = MappingProxyType(
    {Conv2d: _product, Dense: _product, GlobalSum: _mean, SumPool: _average, Multiply: _multiplied}
)
"""Operators that ONNX Runtime computes on codes."""


def code_limits(tail: tuple[Op, ...], op: Quantise) -> tuple[int, int]:
    """The codes that the Clips of a tail leave."""
    lo, hi = (int(op.golden([np.full(1, end)])[0]) if np.isfinite(end) else None for end in limits(tail))
    return op.lo if lo is None else lo, op.hi if hi is None else hi


def limits(tail: tuple[Op, ...]) -> tuple[float, float]:
    """The range that the Clips of a tail leave."""
    lo, hi = -inf, inf
    for op in tail:
        if not isinstance(op, Clip):
            continue
        lo, hi = (float(np.clip(end, op.lo, op.hi)) for end in (lo, hi))
    return lo, hi


def _limits_only(held: Held) -> bool:
    """Whether a kernel on codes does all but limits: x + x and x * x count as such."""
    first = held.tail[:1]
    joins = not held.source and first and isinstance(first[0], Function) and itself(first[0].expression)
    return all(isinstance(op, Clip) for op in held.tail[1 if joins else 0 :])


def _broken(held: Held) -> bool:
    """Whether the integer of 0 is none, so that no kernel on codes can have been meant."""
    zeros = held.zeros
    return bool(np.any(np.abs(zeros - np.rint(zeros)) > NEAR * np.abs(zeros) + 1e-3))
