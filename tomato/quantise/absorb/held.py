"""What is known of a real value in terms of codes, while a quantised network turns into integers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from math import inf
from types import MappingProxyType
from typing import NoReturn, Self, TypeVar, cast

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.formats import Array, Codes, Tensor
from tomato.core.ir import Node, Op
from tomato.kernels import Quantisation, unary
from tomato.ops.join import Add, Multiply
from tomato.ops.quantise import Bias, Dequantise, JoinConstant, Quantise
from tomato.ops.real import FUNCTIONS, Affine, Clip, Function, Functions, evaluate
from tomato.passes.groups import join_origins

NEAR = 1e-6
"""Relative distance from an integer that the rounding of scales explains."""
T = TypeVar("T")
Reference = Callable[[Array], Array]
"""Codes (n, channels) of integers (n, channels)."""
SINGLE: Functions = MappingProxyType(
    {
        **FUNCTIONS,
        "sigmoid": unary.sigmoid,
        "tanh": unary.tanh,
        "erf": lambda x: np.asarray(FUNCTIONS["erf"](x), np.float32),
    }
)
"""Functions on float32 as ONNX Runtime approximates them."""


@dataclass(frozen=True, slots=True)
class Outside:
    """A real value that the host computes: `chain` of one input of the network."""

    input: str
    chain: tuple[Op, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """tail(value * scale + offset), scale and offset per channel, for an integer value of the new graph.

    source: the exact operator whose result `value` is, or the constant joined to codes; None for codes. args: what
    that operator took. bias: the bias in `offset`. nodes: the real operators so far. slack: steps that `value` may lie
    off the integer that the real value is.

    The same in the model's float32: `steps`, one after the other, each rounding, from value * start[0] + start[1]
    rounded once; start is None where it is all of scale and offset. plain: whether that is every rounding there is.
    """

    value: str
    scale: Array
    offset: Array
    source: Op | None = None
    args: tuple["Held", ...] = ()
    bias: Bias | None = None
    tail: tuple[Op, ...] = ()
    nodes: tuple[Node, ...] = ()
    start: tuple[Array, Array] | None = None
    steps: tuple[Op, ...] = ()
    plain: bool = True
    slack: float = 0.0

    def then(self, node: Node) -> Self:
        """The value after a real operator on it alone."""
        if isinstance(node.op, JoinConstant):
            held = self.then(replace(node, op=node.op.affine))
            return replace(held, source=node.op, args=(self,)) if self.direct else held
        nodes, op = (*self.nodes, node), node.op
        bias = op if isinstance(op, Bias) else self.bias
        line = op.affine if isinstance(op, Bias) else op
        if self.tail or not isinstance(line, Affine):
            return replace(self, tail=(*self.tail, line), nodes=nodes)
        scale, offset = line.scale.values, line.offset.values
        return replace(
            self,
            scale=self.scale * scale,
            offset=self.offset * scale + offset,
            source=None if isinstance(self.source, JoinConstant) else self.source,
            bias=bias,
            nodes=nodes,
            start=self.begin if self.plain else None,
            steps=(*self.steps, line) if self.plain else (),
        )

    @property
    def begin(self) -> tuple[Array, Array]:
        """Scale and offset in front of the steps."""
        return self.start or (self.scale, self.offset)

    @property
    def direct(self) -> bool:
        """Whether this is dequantised codes and nothing else."""
        return not self.tail and [type(n.op) for n in self.nodes] == [Dequantise]

    def real(self, codes: Array) -> Array:
        """What integers stand for."""
        return run_chain(self.tail, codes * self.scale + self.offset)

    def single(self, codes: Array) -> Array:
        """The same in front of the tail, in the model's float32."""
        scale, offset = self.begin
        return single(self.steps, (codes * scale + offset).astype(np.float32))

    @property
    def origin(self) -> tuple[str, ...]:
        """The ONNX names of the operators so far."""
        return join_origins(*self.nodes)

    @property
    def zeros(self) -> Array:
        """What has to be added to the integers so that 0 stands for 0, per channel, a real number."""
        return self.offset / np.where(self.scale == 0, 1.0, self.scale)

    def code_of(self, real: float, node: Node, what: str) -> int:
        """The integer that stands for a real number, the same in all channels. TomatoError if there is none."""
        still = self.scale == 0
        codes = ((real - self.offset) / np.where(still, 1.0, self.scale))[~still]
        code = np.rint(codes[0]) if codes.size else 0.0
        if np.any(self.offset[still] != real) or np.any(np.abs(codes - code) > NEAR * max(1.0, abs(code))):
            refuse(node, f"{what} {real:g} is no code of its input (zero point {-self.zeros[0]:g})")
        return int(code)

    def same_steps(self, node: Node) -> float:
        """The scale, if all channels share it and the offset; else TomatoError."""
        if np.any(self.scale != self.scale[0]) or np.any(self.offset != self.offset[0]):
            refuse(node, "its input has another scale or zero point in every channel")
        return float(self.scale[0])

    @property
    def uniform(self) -> bool:
        """Whether all channels are alike."""
        ops = (*self.steps, *self.tail, *(op for op in (self.bias, self.source) if isinstance(op, Bias | JoinConstant)))
        return all(alike(op) for op in ops) and all(
            bool(np.all(v == v[0])) for v in (self.scale, self.offset, *self.begin)
        )

    @property
    def first(self) -> Self:
        """The first channel."""
        return replace(
            self,
            scale=self.scale[:1],
            offset=self.offset[:1],
            source=one_channel(self.source) if isinstance(self.source, JoinConstant) else self.source,
            bias=self.bias and one_channel(self.bias),
            tail=one_channel(self.tail),
            start=self.start and (self.start[0][:1], self.start[1][:1]),
            steps=one_channel(self.steps),
        )

    def moved(self, value: str, pick: Callable[[Array], Array], node: Node) -> Self:
        """The value after data movement, `pick` telling the channels of the result from those of this."""
        known = all(c.values.size == 1 for op in self.steps for c in op.constants)
        return replace(
            self,
            value=value,
            scale=pick(self.scale),
            offset=pick(self.offset),
            nodes=(*self.nodes, node),
            start=(pick(self.begin[0]), pick(self.begin[1])) if known else None,
            steps=self.steps if known else (),
            plain=self.plain and known,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """tail(a + b) or tail(a * b), as `join` says: two values that have no common step of their own."""

    a: Held
    b: Held
    join: Add | Multiply
    node: Node
    tail: tuple[Op, ...] = ()
    nodes: tuple[Node, ...] = ()

    def then(self, node: Node) -> Self:
        """The value after a real operator on it alone."""
        op = node.op.affine if isinstance(node.op, JoinConstant | Bias) else node.op
        return replace(self, tail=(*self.tail, op), nodes=(*self.nodes, node))

    @property
    def origin(self) -> tuple[str, ...]:
        """The ONNX names of the operators so far."""
        return join_origins(*self.a.nodes, *self.b.nodes, self.node, *self.nodes)

    @property
    def uniform(self) -> bool:
        """Whether all channels are alike."""
        return self.a.uniform and self.b.uniform and all(alike(op) for op in self.tail)

    @property
    def first(self) -> Self:
        """The first channel."""
        return replace(self, a=self.a.first, b=self.b.first, tail=one_channel(self.tail))


def single(ops: Sequence[Op], x: Array) -> Array:
    """Unary operators one behind the other, in float32."""
    for op in ops:
        match op:
            case Affine(scale, offset):
                x = x * scale.values.astype(np.float32) + offset.values.astype(np.float32)
            case Clip(lo, hi):
                x = np.clip(x, np.float32(lo), np.float32(hi))
            case Function(expression):
                x = np.asarray(evaluate(expression, x, SINGLE), np.float32)
            case _:
                raise AssertionError(f"{op.name} is no unary operator on reals")
    return x


def alike(op: Op) -> bool:
    """Whether an operator does the same to all channels."""
    return all(bool(np.all(c.values == c.values.flat[0])) for c in _constants(op))


def _constants(op: Op) -> Iterator[Tensor]:
    """The constants of an operator, those in an expression included."""
    yield from op.constants
    todo = [op.expression] if isinstance(op, Function) else []
    while todo:
        part = todo.pop()
        if isinstance(part, Tensor):
            yield part
        elif isinstance(part, tuple):
            todo += part


def one_channel(op: T) -> T:
    """What an operator that is alike for all channels does to one."""
    return cast(T, _first(op))


def _first(value: object) -> object:
    match value:
        case Tensor():
            return Tensor(value.values.reshape(-1)[:1]) if value.values.ndim == 1 else value
        case tuple():
            return tuple(_first(v) for v in value)
        case Op():
            return replace(value, **{f.name: _first(getattr(value, f.name)) for f in fields(value)})
    return value


def run_chain(chain: Sequence[Op], real: Array) -> Array:
    """Unary operators one behind the other."""
    for op in chain:
        real = op.golden([real])
    return real


def quantisation(op: Quantise) -> Quantisation:
    """A Quantise as the kernels take it: limits that exclude the zero point are left to whoever asks."""
    zero = int(op.zero.values[0])
    return Quantisation(float(op.scale.values[0]), zero, Codes(min(op.lo, zero), max(op.hi, zero)))


def limits(tail: Sequence[Op]) -> tuple[float, float]:
    """The range that the Clips of a tail leave."""
    lo, hi = -inf, inf
    for op in tail:
        if isinstance(op, Clip):
            lo, hi = (float(np.clip(end, op.lo, op.hi)) for end in (lo, hi))
    return lo, hi


HINT = "quantise the values in front of it and behind it"


class UnquantisedError(TomatoError):
    """A real value that codes are needed of: `value` of the network that comes in, or (weights) those of a node."""

    def __init__(self, node: Node, value: str, why: str, hint: str, *, weights: bool = False) -> None:
        super().__init__(f"{node.op.name} cannot be computed on codes: {why}", where=node.label, hint=hint)
        self.value, self.weights = value, weights


class SeveralWaysError(TomatoError):
    """An input of the network, or parts of it, that are quantised in several ways, while a port has one."""

    def __init__(self, node: Node, given: str) -> None:
        what = f"{node.op.name} cannot be computed on codes: the input {given} is quantised in several ways"
        super().__init__(what, where=node.label, hint="quantise it once")
        self.input = given


def open_value(node: Node, value: str, why: str, hint: str = HINT) -> NoReturn:
    """Raise the UnquantisedError for a value that a node reads."""
    raise UnquantisedError(node, value, why, hint)


def refuse(node: Node, why: str, hint: str = HINT) -> NoReturn:
    """Raise the TomatoError for a real operator that integers cannot express."""
    raise TomatoError(f"{node.op.name} cannot be computed on codes: {why}", where=node.label, hint=hint)
