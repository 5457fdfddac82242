"""Operators on reals that quantisation turns into requants and tables: they never reach an engine."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import erf
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from tomato.core.formats import Array, Real, Tensor
from tomato.core.ir import Op, TensorType
from tomato.core.treatment import Line, Treatment

Expression = str | float | Tensor | tuple["str | Expression", ...]
"""A unary function: "x", a number, a constant, or (name, operand, ...) with a name of FUNCTIONS.

Constants hold one number per channel, or for all; those of "count" several.
"""

Functions = Mapping[str, Callable[..., Array]]


def count(x: Array, thresholds: Array) -> Array:
    """How many ascending thresholds (1 or channels, steps) each value reaches, its last axis the channels."""
    rows = len(thresholds)
    if rows == 1:
        return np.searchsorted(thresholds[0], x, side="right").astype(x.dtype)
    x = np.broadcast_to(x, (*x.shape[:-1], rows))
    found = [np.searchsorted(t, x[..., c], side="right") for c, t in enumerate(thresholds)]
    return np.stack(found, axis=-1).astype(x.dtype)


def _truth(relation: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    """A comparison as numbers: 1 where it holds, 0 elsewhere, in the type of its operands."""

    def compared(a: Array, b: Array) -> Array:
        return np.asarray(relation(a, b)).astype(np.result_type(a, b))

    return compared


FUNCTIONS: Functions = MappingProxyType(
    {
        "add": np.add,
        "sub": np.subtract,
        "mul": np.multiply,
        "div": np.divide,
        "min": np.minimum,
        "max": np.maximum,
        "gt": _truth(np.greater),
        "ge": _truth(np.greater_equal),
        "eq": _truth(np.equal),
        "where": lambda c, a, b: np.asarray(np.where(c != 0, a, b)),
        "neg": np.negative,
        "abs": np.abs,
        "sign": np.sign,
        "floor": np.floor,
        "ceil": np.ceil,
        "round": np.rint,
        "exp": np.exp,
        "log": np.log,
        "sqrt": np.sqrt,
        "pow": np.power,
        "count": count,
        "sin": np.sin,
        "cos": np.cos,
        "tan": np.tan,
        "asin": np.arcsin,
        "acos": np.arccos,
        "atan": np.arctan,
        "sinh": np.sinh,
        "cosh": np.cosh,
        "asinh": np.arcsinh,
        "acosh": np.arccosh,
        "atanh": np.arctanh,
        "tanh": np.tanh,
        "sigmoid": lambda x: 0.5 * (1.0 + np.tanh(0.5 * x)),
        "softplus": lambda x: np.logaddexp(0.0, x),
        "erf": np.vectorize(erf, otypes=[np.float64]),
    }
)


def evaluate(expression: Expression, x: Array, functions: Functions = FUNCTIONS) -> Array:
    """Value of a unary expression at x, constants per channel broadcast along the last axis.

    Computed in the type of x if that is a floating-point one, else in float64.
    """
    kind = x.dtype if np.issubdtype(x.dtype, np.floating) else np.float64
    match expression:
        case "x":
            return x
        case Tensor():
            return expression.values.astype(kind)
        case tuple():
            name, *operands = expression
            assert isinstance(name, str)
            return functions[name](*(evaluate(o, x, functions) for o in operands))
        case _:
            return np.asarray(float(expression), dtype=kind)


def substitute(expression: Expression, inner: Expression) -> Expression:
    """`expression` with every "x" replaced by `inner`: function composition."""
    if isinstance(expression, tuple):
        return (expression[0], *(substitute(o, inner) for o in expression[1:]))
    return inner if expression == "x" else expression


def per_channel(expression: Expression) -> bool:
    """Whether the function differs between channels."""
    if isinstance(expression, tuple):
        return any(per_channel(o) for o in expression[1:])
    return isinstance(expression, Tensor) and expression.values.size > 1


@dataclass(frozen=True, slots=True)
class RealOp(Op):
    """An operator on reals only."""

    treatment: ClassVar = Treatment.REAL

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        if not isinstance(x.fmt, Real):
            raise ValueError(f"{self.name} takes reals, not {x.fmt}")
        for constant in self.constants:
            if constant.shape not in ((1,), (x.channels,)):
                raise ValueError(f"a constant of shape {constant.shape} does not suit {x.channels} channels")
        return x


@dataclass(frozen=True, slots=True)
class Affine(RealOp):
    """x * scale + offset, per channel or (shape (1,)) the same for all: bias, batch-norm, normalisation."""

    scale: Tensor
    offset: Tensor

    def golden(self, args: Sequence[Array]) -> Array:
        return args[0] * self.scale.values + self.offset.values

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line:
        (x,), scale = args, self.scale.values
        return Line(x.scale * scale, x.offset * scale + self.offset.values, x.slack)


@dataclass(frozen=True, slots=True)
class Clip(RealOp):
    """x limited to [lo, hi]; either may be infinite. ReLU is Clip(0, inf)."""

    lo: float
    hi: float

    def golden(self, args: Sequence[Array]) -> Array:
        return np.clip(args[0], self.lo, self.hi)


@dataclass(frozen=True, slots=True)
class Function(RealOp):
    """Any unary function, as an expression tree."""

    expression: Expression

    def golden(self, args: Sequence[Array]) -> Array:
        return evaluate(self.expression, args[0])

    def __str__(self) -> str:
        return f"function<{show(self.expression)}>"


def show(expression: Expression) -> str:
    """An expression as text: mul(x, sigmoid(x))."""
    if isinstance(expression, tuple):
        return f"{expression[0]}({', '.join(show(o) for o in expression[1:])})"
    return f"{expression:g}" if isinstance(expression, float) else str(expression)
