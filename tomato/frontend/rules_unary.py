"""Activation functions: limits become Clip, everything else an expression."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf, pi, sqrt

import numpy as np

from tomato.core.formats import Array, Tensor
from tomato.frontend.model import OnnxNode, RefusedError, one
from tomato.frontend.rules_qdq import as_codes
from tomato.frontend.walk import Rule, Walk
from tomato.ops.quantise import Quantise
from tomato.ops.real import Clip, Expression, Function
from tomato.ops.requant import Requant

POSITIVE: Expression = ("max", "x", 0.0)
NEGATIVE: Expression = ("min", "x", 0.0)


NAMED: Mapping[str, str] = {
    "Abs": "abs", "Acos": "acos", "Acosh": "acosh", "Asin": "asin", "Asinh": "asinh", "Atan": "atan", "Atanh": "atanh",
    "Ceil": "ceil", "Cos": "cos", "Cosh": "cosh", "Erf": "erf", "Exp": "exp", "Floor": "floor", "Log": "log",
    "Round": "round", "Sign": "sign", "Sin": "sin", "Sinh": "sinh", "Sqrt": "sqrt", "Tan": "tan",
}  # fmt: skip
"""Operators that are one of `FUNCTIONS`."""


def _named(name: str) -> Callable[[OnnxNode], Expression]:
    return lambda _: (name, "x")


def _product(*factors: Expression) -> Expression:
    first, *rest = factors
    return ("mul", first, _product(*rest)) if rest else first


def _hard_sigmoid(alpha: float, beta: float) -> Expression:
    return ("max", 0.0, ("min", 1.0, ("add", _product(alpha, "x"), beta)))


def _elu(alpha: float, scale: float = 1.0) -> Expression:
    below = _product(alpha, ("sub", ("exp", NEGATIVE), 1.0))
    return _product(scale, ("add", POSITIVE, below))


def _celu(node: OnnxNode) -> Expression:
    alpha = node.real("alpha", 1.0)
    below = _product(alpha, ("sub", ("exp", ("div", NEGATIVE, alpha)), 1.0))
    return ("add", POSITIVE, below)


def _gelu(node: OnnxNode) -> Expression:
    if node.choice("approximate", ("none", "tanh")) == "tanh":
        cubic = ("add", "x", _product(0.044715, "x", "x", "x"))
        inner: Expression = ("tanh", _product(sqrt(2 / pi), cubic))
    else:
        inner = ("erf", _product(1 / sqrt(2), "x"))
    return _product(0.5, "x", ("add", 1.0, inner))


def _shrink(node: OnnxNode) -> Expression:
    bias, limit = node.real("bias", 0.0), node.real("lambd", 0.5)
    above: Expression = ("where", ("gt", "x", limit), ("sub", "x", bias), 0.0)
    return ("where", ("gt", -limit, "x"), ("add", "x", bias), above)


EXPRESSIONS: Mapping[str, Callable[[OnnxNode], Expression]] = {
    "LeakyRelu": lambda n: ("add", POSITIVE, _product(n.real("alpha", 0.01), NEGATIVE)),
    "Sigmoid": lambda _: ("sigmoid", "x"),
    "Tanh": lambda _: ("tanh", "x"),
    "HardSigmoid": lambda n: _hard_sigmoid(n.real("alpha", 0.2), n.real("beta", 0.5)),
    "HardSwish": lambda _: _product("x", _hard_sigmoid(1 / 6, 0.5)),
    "Swish": lambda n: _product("x", ("sigmoid", _product(n.real("alpha", 1.0), "x"))),
    "Elu": lambda n: _elu(n.real("alpha", 1.0)),
    "Selu": lambda n: _elu(n.real("alpha", 1.67326319217681884765625), n.real("gamma", 1.05070102214813232421875)),
    "Celu": _celu,
    "Softplus": lambda _: ("softplus", "x"),
    "Softsign": lambda _: ("div", "x", ("add", 1.0, ("abs", "x"))),
    "Mish": lambda _: _product("x", ("tanh", ("softplus", "x"))),
    "Gelu": _gelu,
    "ThresholdedRelu": lambda n: ("where", ("gt", "x", n.real("alpha", 1.0)), "x", 0.0),
    "Shrink": _shrink,
    "Reciprocal": lambda _: ("div", 1.0, "x"),
    **{kind: _named(name) for kind, name in NAMED.items()},
}


def from_function(walk: Walk, node: OnnxNode) -> None:
    """A function of one value."""
    view = walk.settle(node.inputs[0])
    op = Function(EXPRESSIONS[node.op_type](node))
    walk.put(node.outputs[0], walk.emit(op, [view.value]), view.order)


def from_prelu(walk: Walk, node: OnnxNode) -> None:
    """PRelu with one slope, or one per channel."""
    view, (slope,) = walk.fit(node.inputs[0], [walk.weight(node, 1, "slope")])
    op = Function(("add", POSITIVE, _product(slope, NEGATIVE)))
    walk.put(node.outputs[0], walk.emit(op, [view.value]), view.order)


def from_pow(walk: Walk, node: OnnxNode) -> None:
    """Pow with a constant exponent."""
    view, (exponent,) = walk.fit(node.inputs[0], [walk.weight(node, 1, "exponent")])
    shown: Expression = float(exponent.values[0]) if exponent.shape == (1,) else exponent
    walk.put(node.outputs[0], walk.emit(Function(("pow", "x", shown)), [view.value]), view.order)


def _clip(walk: Walk, node: OnnxNode, lo: float, hi: float) -> None:
    if np.isnan([lo, hi]).any() or lo > hi:
        raise RefusedError(f"expected a lower limit below the upper, not {lo:g} and {hi:g}", "check the exported model")
    name = as_codes(walk, node.inputs[0]) if node.inputs[0] in walk.model.elements else node.inputs[0]
    view = walk.settle(name)
    limited = _limited_codes if walk.build.types[view.value].is_codes else _limited
    walk.put(node.outputs[0], limited(walk, view.value, lo, hi), view.order)


def _limited(walk: Walk, value: str, lo: float, hi: float) -> str:
    return walk.emit(Clip(lo, hi), [value])


def _limited_codes(walk: Walk, value: str, lo: float, hi: float) -> str:
    """Codes between two codes: right behind a Quantise its own limits, so that one requantisation does both."""
    codes = walk.build.types[value].codes
    low, high = (int(np.clip(end, lo, hi)) for end in (codes.lo, codes.hi))
    source = walk.defining(value)
    if source and isinstance(source.op, Quantise):
        return walk.emit(replace(source.op, lo=low, hi=high), source.args)
    channels = walk.build.types[value].channels
    ones = np.ones(channels, dtype=np.int64)
    return walk.emit(Requant(Tensor(ones), Tensor(0 * ones), 0, low, high), [value])


def from_relu(walk: Walk, node: OnnxNode) -> None:
    """Relu: limited to [0, inf)."""
    _clip(walk, node, 0.0, inf)


def from_clip(walk: Walk, node: OnnxNode) -> None:
    """Clip, its limits attributes (before operator set 11) or constant inputs, each optional."""

    def limit(index: int, name: str, default: float) -> float:
        if not node.has(index):
            return node.real(name, default)
        value = walk.model.constant(node, index)
        if value is None:
            raise RefusedError(f"expected a constant {name}", "dynamic limits are not supported")
        return one(value, name)

    _clip(walk, node, limit(1, "min", -inf), limit(2, "max", inf))


def from_min_max(walk: Walk, node: OnnxNode) -> None:
    """Min and Max of one activation and constants: a Clip, or a function if they differ between channels."""
    (other,) = (i for i in node.inputs if i not in walk.model.constants)
    view = walk.settle(other)
    walk.put(node.outputs[0], view.value, view.order)
    limit(walk, node, other)


def limit(walk: Walk, node: OnnxNode, source: str) -> None:
    """The result of a Min or Max: `source`, limited by the constants among the inputs."""
    constants = [walk.model.constants[i] for i in node.inputs if i in walk.model.constants]
    if not constants:
        return
    view, (fitted,) = walk.fit(source, [_combined(node, constants)])
    if fitted.shape == (1,):
        bound = float(fitted.values[0])
        value = walk.emit(Clip(-inf, bound) if node.op_type == "Min" else Clip(bound, inf), [view.value])
    else:
        value = walk.emit(Function((node.op_type.lower(), "x", fitted)), [view.value])
    walk.put(node.outputs[0], value, view.order)


def _combined(node: OnnxNode, constants: list[Array]) -> Array:
    pick = np.minimum if node.op_type == "Min" else np.maximum
    start = np.full(1, inf if node.op_type == "Min" else -inf)
    for constant in constants:
        start = pick(start, constant)
    return np.asarray(start)


_FUNCTIONS: dict[str, Rule] = dict.fromkeys(EXPRESSIONS, from_function)
RULES = _FUNCTIONS | {
    "PRelu": from_prelu,
    "Pow": from_pow,
    "Relu": from_relu,
    "Clip": from_clip,
    "Min": from_min_max,
    "Max": from_min_max,
}

ATTRIBUTES = {
    "LeakyRelu": "alpha",
    "HardSigmoid": "alpha beta",
    "Swish": "alpha",
    "Elu": "alpha",
    "Selu": "alpha gamma",
    "Celu": "alpha",
    "Gelu": "approximate",
    "Shrink": "bias lambd",
    "ThresholdedRelu": "alpha",
    "Clip": "min max",
}
"""The attributes that each rule reads, or may leave alone; operators that are not named have none."""
