"""The kernels of ONNX Runtime that compute on codes, and when it takes them: docs/onnxruntime.md, "Operators"."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from tomato import kernels
from tomato.core.formats import Array, Codes
from tomato.core.interface import Said
from tomato.core.ir import Op
from tomato.kernels import Quantisation
from tomato.ops.matmul import MatMul
from tomato.ops.pool import GlobalSum, SumPool
from tomato.ops.quantise import Dequantise, JoinConstant, Quantise
from tomato.ops.real import Affine, Clip, Expression, Function
from tomato.ops.weighted import Weighted
from tomato.quantise.absorb.held import Held, Pair, Reference, limits, quantisation

BITS = 8
"""Bits of the codes that the kernels take."""
PRODUCTS = ("Conv", "QLinearConv", "Gemm", "QGemm", "MatMul", "QLinearMatMul")
MATRICES = ("MatMul", "QLinearMatMul")
AVERAGES = ("GlobalAveragePool", "QLinearGlobalAveragePool")
POOLS = ("AveragePool", "QLinearAveragePool")
JOINS: Mapping[str, Callable[..., Array]] = MappingProxyType(
    {"Add": kernels.add, "QLinearAdd": kernels.add, "Mul": kernels.multiply, "QLinearMul": kernels.multiply}
)
BIASED = (["Conv"], ["ConvTranspose"], ["Gemm"], ["MatMul", "Add"])
"""Layers whose float32 bias ONNX Runtime rounds to steps of the accumulator (weight_bias_quantization.cc)."""
BIAS_SCALE = 0.01
"""How far a Conv's scale of its bias may lie from that of its accumulator."""


def fused(held: Held, op: Quantise, said: Said) -> Reference | None:
    """The kernel that ONNX Runtime computes all this with, but for the roundings inside an average; None if none."""
    if not implied(held.tail, op):
        return _itself(held, op)
    match held.source:
        case Weighted() | MatMul():
            return _product(held, op, said) if isinstance(held.source, Weighted) else _matrices(held, op, said)
        case GlobalSum() if _alone(held, op, said, AVERAGES):
            return _mean(held, op)
        case SumPool() if _alone(held, op, said, POOLS):
            return _average(held, op)
        case JoinConstant() if typed(held.args[0], op):
            return _with_constant(held.source, held.args[0], quantisation(op))
    return _itself(held, op)


def fused_pair(pair: Pair, op: Quantise, said: Said) -> Callable[[Array, Array], Array] | None:
    """The kernel of a sum or product of codes; None where float32 computes it."""
    (kind,) = said.of(pair.node.origin) or ("",)
    kernel = JOINS.get(kind) if len(pair.node.origin) == 1 else None
    if kernel is None or not implied(pair.tail, op):
        return None
    if not all(typed(h, op) and between(h, pair.node.origin) for h in (pair.a, pair.b)):
        return None
    qa, qb = (around(h) for h in (pair.a, pair.b))
    y, given = quantisation(op), kernel
    return lambda a, b: np.clip(given(a, b, qa, qb, y), op.lo, op.hi)


def rounded_bias(held: Held, said: Said) -> Array | None:
    """What rounding to steps of the accumulator adds to a float32 bias, where ONNX Runtime rounds it; else None."""
    layer = _layer(held, said)
    if layer not in BIASED or held.bias is None or held.bias.codes is not None or not held.args:
        return None
    limited = [type(t) for t in held.tail] in ([], [Clip])
    return _bias(held) * held.scale - held.bias.real.values if limited else None


def implied(tail: tuple[Op, ...], op: Quantise) -> bool:
    """Whether a tail only limits, and the type of the codes limits at least as much."""
    if not all(isinstance(step, Clip) for step in tail):
        return False
    kind = op.kind or Codes(op.lo, op.hi)
    (scale,), (zero,) = op.scale.values[:1], op.zero.values[:1]
    lo, hi = limits(tail)
    return bool(lo <= (kind.lo - zero) * scale and hi >= (kind.hi - zero) * scale)


def typed(x: Held, op: Quantise) -> bool:
    """Whether an argument comes from codes of the result's 8-bit type, both with one scale for all channels."""
    back = x.nodes[0].op if x.nodes else None
    return (
        isinstance(back, Dequantise)
        and back.kind is not None
        and back.kind == op.kind
        and back.kind.bits == BITS
        and back.scale.shape == back.zero.shape == op.scale.shape == op.zero.shape == (1,)
    )


def between(x: Held, origin: tuple[str, ...]) -> bool:
    """Whether nothing of the model lies between codes and the node that takes them."""
    return not x.tail and not x.steps and all(n.origin in (x.nodes[0].origin, origin) for n in x.nodes)


def around(x: Held) -> Quantisation:
    """The parameters of an argument; a kernel's codes need not be its own."""
    back = x.nodes[0].op
    assert isinstance(back, Dequantise)
    zero = int(back.zero.values[0])
    return Quantisation(float(back.scale.values[0]), zero, Codes(zero, zero))


def _alone(held: Held, op: Quantise, said: Said, kinds: tuple[str, ...]) -> bool:
    """Whether one node of these kinds makes all of `held` of 8-bit codes."""
    return len(held.origin) == 1 and said.of(held.origin)[0] in kinds and typed(held.args[0], op) and between(
        held.args[0], held.origin)  # fmt: skip


def _layer(held: Held, said: Said) -> list[str]:
    """The operators of a product and its bias, where the model has nothing else between codes and here."""
    if not isinstance(held.source, Weighted) or not held.args:
        return []
    nodes = held.nodes[: len(held.nodes) - len(held.tail)]
    kinds = [said.of(origin)[0] for origin in dict.fromkeys(n.origin for n in nodes) if len(origin) == 1]
    gains = [n for n in nodes if isinstance(n.op, Affine)]
    plain = len(gains) <= 1 and len({n.origin for n in (nodes[0], *gains)}) == 1
    direct = bool(held.args[0].nodes) and between(held.args[0], nodes[0].origin)
    return kinds if plain and direct else []


def _product(held: Held, op: Quantise, said: Said) -> Reference | None:
    """QLinearConv, QGemm, QLinearMatMul: bias in the accumulator, one float32 factor."""
    layer, x = _layer(held, said), held.args[0]
    weights = said.weights.get(next(iter(held.nodes[0].origin), ""))
    if not layer or layer[0] not in PRODUCTS or not typed(x, op) or weights is None or weights.bits != BITS:
        return None
    if layer[1:] and (layer != ["MatMul", "Add"] or held.bias is None or held.bias.codes is not None):
        return None
    if op.kind and op.kind.signed and not weights.signed:
        return None
    step = held.bias.step if held.bias is not None and layer == ["Conv"] else None
    if step is not None and np.any(np.abs(step.values / held.scale - 1) > BIAS_SCALE):
        return None
    y, bias = quantisation(op), _zeros(held) + _bias(held)
    scale = kernels.product_scale(1.0, held.scale, y.scale)
    return lambda acc: np.clip(kernels.requantise(acc + bias, scale, y), op.lo, op.hi)


def _both_coded(held: Held, op: Quantise) -> bool:
    """Whether the second argument comes from 8-bit codes as well: of any type, but signed where the result is."""
    second = held.args[1]
    back = second.nodes[0].op if second.nodes else None
    if not isinstance(back, Dequantise) or back.kind is None or back.kind.bits != BITS:
        return False
    alike = back.scale.shape == back.zero.shape == (1,)
    signed = back.kind.signed or not (op.kind and op.kind.signed)
    return alike and signed and between(second, held.origin)


def _matrices(held: Held, op: Quantise, said: Said) -> Reference | None:
    """QLinearMatMul of two activations."""
    if not _alone(held, op, said, MATRICES) or not _both_coded(held, op):
        return None
    y = quantisation(op)
    scale = kernels.product_scale(1.0, held.scale, y.scale)
    return lambda acc: np.clip(kernels.requantise(acc, scale, y), op.lo, op.hi)


def _zeros(held: Held) -> Array:
    """The accumulator's share of the input's zero point, negated, per channel."""
    offset = held.offset - (held.bias.real.values if held.bias is not None else 0)
    return np.rint(offset / held.scale).astype(np.int64)


def _bias(held: Held) -> Array:
    """The bias in steps of the accumulator."""
    if held.bias is None:
        return np.zeros(held.scale.shape, np.int64)
    if held.bias.codes is not None:
        return held.bias.codes.values.astype(np.int64)
    real = held.bias.real.values.astype(np.float32) / held.scale.astype(np.float32)
    return np.rint(real).astype(np.int64)


def _mean(held: Held, op: Quantise) -> Reference:
    """QLinearGlobalAveragePool."""
    x, y = around(held.args[0]), quantisation(op)
    pixels = round(float(held.args[0].scale[0] / held.scale[0]))
    return lambda acc: np.clip(kernels.global_average(acc, pixels, x, y), op.lo, op.hi)


def _average(held: Held, op: Quantise) -> Reference:
    """QLinearAveragePool, but for the roundings inside its float32 sum."""
    y = quantisation(op)

    def codes(acc: Array) -> Array:
        mean = (acc * held.scale + held.offset).astype(np.float32)
        return np.clip(y.saturate(mean / y.step + np.float32(y.zero)), op.lo, op.hi)

    return codes


def _itself(held: Held, op: Quantise) -> Reference | None:
    """x + x and x * x of codes: kernels of two."""
    first, *rest = held.tail or (None,)
    kind = itself(first.expression) if isinstance(first, Function) else None
    if kind is None or held.source or not typed(held, op) or held.steps or not implied(tuple(rest), op):
        return None
    if len(held.nodes) > 1 + len(held.tail):
        return None
    q, y, kernel = around(held), quantisation(op), JOINS[kind]
    return lambda x: np.clip(kernel(x, x, q, q, y), op.lo, op.hi)


def itself(expression: Expression) -> str | None:
    """Whether a function is x + x or x * x: the kernel's name."""
    return "Add" if expression == ("add", "x", "x") else "Mul" if expression == ("mul", "x", "x") else None


def _with_constant(op: JoinConstant, x: Held, y: Quantisation) -> Reference:
    constant = op.codes.values.astype(int) + op.zero
    kernel = JOINS["Add" if op.kind == "add" else "Mul"]
    c, q = Quantisation(op.scale, op.zero, Codes(op.zero, op.zero)), around(x)

    def codes(acc: Array) -> Array:
        return kernel(constant, acc, c, q, y) if op.first else kernel(acc, constant, q, c, y)

    return codes
