"""What the runtime of a model computes at a Quantise: which code for each integer, and whether that is all of it.

For QDQ and QOperator models that is ONNX Runtime on a CPU, see `tomato.kernels` and docs/onnxruntime.md; for
QONNX models real numbers (float64).
"""

from dataclasses import dataclass, replace

from tomato.core.interface import Said
from tomato.ops.normalise import Normalise
from tomato.ops.pool import GlobalSum, SumPool
from tomato.ops.quantise import SINGLE, Dequantise, Quantise
from tomato.ops.recurrent import Recurrent
from tomato.ops.softmax import Softmax
from tomato.quantise.absorb.fused import fused, rounded_bias
from tomato.quantise.absorb.held import Held, Pair, Reference, single
from tomato.quantise.absorb.proof import (
    FLOAT_AVERAGE,
    FLOAT_FALLBACK,
    FLOAT_FUNCTION,
    HALF,
    NORMALISED,
    RECURRENT,
    SOFTMAX,
)

FAITHFUL = frozenset(
    {
        "QuantizeLinear", "DequantizeLinear", "Add", "Sub", "Mul", "Neg", "Abs", "Relu", "Clip", "LeakyRelu", "PRelu",
        "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "Min", "Max", "Concat", "MaxPool", "Resize", "Upsample", "Pad",
        "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Split", "Identity", "Dropout", "Cast",
        "DepthToSpace", "SpaceToDepth", "Expand", "Gather", "QLinearAdd", "QLinearMul", "QLinearConcat",
        "QLinearSigmoid", "QLinearLeakyRelu", "And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not",
        "Or", "Xor", "Where", "Shrink", "ThresholdedRelu", "Floor", "Ceil", "Round", "Sign",
    }
)  # fmt: skip
"""ONNX operators whose float32 results, each on its own, `Held.single` has to the last bit: tests compare them."""
INTEGER = frozenset({"ConvInteger", "MatMulInteger"})
"""Operators whose sums are integers in the runtime too, so that only what follows is float32."""

BESIDE = 0.25
"""Steps above its code that a result of Softmax is taken to be.

Scales behind it are often powers of 2, so that codes lie at ties, which no multiplication rounds to even; the runtime's
result, which is near but not equal, is at none.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Meaning:
    """The codes of integers, and the named property by which the runtime's may be others next to a tie, or ""."""

    codes: Reference
    caveat: str = ""


def reference(held: Held, op: Quantise, said: Said) -> Meaning:
    """What a Quantise makes of `held`."""
    if op.arithmetic == "qonnx":
        return Meaning(lambda acc: op.golden([held.real(acc)]), inner(held))
    name = HALF if half(op, held) else unlike(held, said)
    kernel = None if name == HALF else fused(held, op, said)
    if kernel:
        return Meaning(kernel, FLOAT_AVERAGE if isinstance(held.source, SumPool) else "")
    shift = rounded_bias(held, said)
    if shift is not None:
        held = replace(held, line=replace(held.line, offset=held.offset + shift), start=None, steps=(), plain=False)
    beside = BESIDE if name == SOFTMAX else 0
    return Meaning(lambda acc: op.golden([single(held.tail, held.single(acc + beside))]), name)


def unlike(held: Held, said: Said) -> str:
    """The name of that by which the runtime's float32 differs from `Held.single` and the tail; "" where it does not."""
    if held.source is not None and isinstance(held.source, SumPool | GlobalSum):
        return FLOAT_AVERAGE
    if name := inner(held):
        return name
    if held.source is not None and not held.plain:
        return FLOAT_FALLBACK
    return "" if held.plain and set(said.of(held.origin)) <= FAITHFUL | INTEGER else FLOAT_FUNCTION


def inner(held: Held) -> str:
    """The same where it is because of what the operator computes inside."""
    match held.source:
        case Normalise():
            return NORMALISED
        case Softmax():
            return SOFTMAX
        case Recurrent():
            return RECURRENT
    return ""


def unlike_pair(pair: Pair, said: Said) -> str:
    """The same of two values and what is behind them."""
    found = [unlike(held, said) for held in (pair.a, pair.b)]
    if not set(said.of(pair.origin)) <= FAITHFUL | INTEGER:
        found.append(FLOAT_FUNCTION)
    return next((name for name in found if name), "")


def half(op: Quantise, *given: Held) -> bool:
    """Whether the model computes in another floating-point type than float32."""
    values = [value for held in given for value in (held, *held.args)]
    starts = [n.op.real for value in values for n in value.nodes if isinstance(n.op, Dequantise)]
    return any(real != SINGLE for real in (op.real, *starts))
