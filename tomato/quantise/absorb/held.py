"""What is known of a real value in terms of codes, while a quantised network turns into integers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from math import inf
from types import MappingProxyType
from typing import Self, TypeVar, cast

import numpy as np

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.ir import Node, Op, TensorType
from tomato.core.treatment import Line
from tomato.kernels import Quantisation, unary
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Reshape
from tomato.ops.quantise import Bias, Dequantise, JoinConstant, Quantise
from tomato.ops.real import FUNCTIONS, Affine, Clip, Function, Functions, evaluate
from tomato.passes.groups import join_origins

T = TypeVar("T")
FIRST = np.zeros(1, dtype=np.int64)
"""The first channel."""
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
    """tail(value * scale + offset), as `line` says per channel, for an integer value of the new graph.

    source: the exact operator whose result `value` is, or the constant joined to codes; None for codes. args: what
    that operator took. bias: the bias in `offset`. nodes: the real operators so far.

    The same in the model's float32: `steps`, one after the other, each rounding, from value * start[0] + start[1]
    rounded once; start is None where it is all of scale and offset. plain: whether that is every rounding there is.
    """

    value: str
    line: Line
    source: Op | None = None
    args: tuple["Held", ...] = ()
    bias: Bias | None = None
    tail: tuple[Op, ...] = ()
    nodes: tuple[Node, ...] = ()
    start: tuple[Array, Array] | None = None
    steps: tuple[Op, ...] = ()
    plain: bool = True

    @property
    def scale(self) -> Array:
        """What a step of the integers is worth, per channel."""
        return self.line.scale

    @property
    def offset(self) -> Array:
        """What the integer 0 is worth, per channel."""
        return self.line.offset

    def then(self, node: Node) -> Self:
        """The value after a real operator on it alone."""
        if isinstance(node.op, JoinConstant):
            held = self.then(replace(node, op=node.op.affine))
            return replace(held, source=node.op, args=(self,)) if self.direct else held
        nodes, op = (*self.nodes, node), node.op
        bias = op if isinstance(op, Bias) else self.bias
        step = op.affine if isinstance(op, Bias) else op
        if self.tail or not isinstance(step, Affine):
            return replace(self, tail=(*self.tail, step), nodes=nodes)
        return replace(
            self,
            line=step.line([self.line], ()),
            source=None if isinstance(self.source, JoinConstant) else self.source,
            bias=bias,
            nodes=nodes,
            start=self.begin if self.plain else None,
            steps=(*self.steps, step) if self.plain else (),
        )

    @property
    def begin(self) -> tuple[Array, Array]:
        """Scale and offset in front of the steps."""
        return self.start or (self.scale, self.offset)

    @property
    def direct(self) -> bool:
        """Whether this is dequantised codes and nothing else, perhaps as a vector."""
        return not self.tail and [type(n.op) for n in self.nodes if not isinstance(n.op, Reshape)] == [Dequantise]

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
    def uniform(self) -> bool:
        """Whether all channels are alike."""
        ops = (*self.steps, *self.tail, *(op for op in (self.bias, self.source) if isinstance(op, Bias | JoinConstant)))
        return all(alike(op) for op in ops) and all(
            bool(np.all(v == v[0])) for v in (self.scale, self.offset, *self.begin)
        )

    @property
    def first(self) -> Self:
        """The first channel."""
        return self.picked(FIRST)

    def picked(self, at: Array) -> Self:
        """These channels."""
        return replace(
            self,
            line=self.line.picked(lambda channels: channels[at]),
            source=some_channels(self.source, at) if isinstance(self.source, JoinConstant) else self.source,
            bias=self.bias and some_channels(self.bias, at),
            tail=some_channels(self.tail, at),
            start=self.start and (self.start[0][at], self.start[1][at]),
            steps=some_channels(self.steps, at),
        )

    def kinds(self, op: Op) -> tuple[Array, Array]:
        """One channel of every kind that `op` behind this tells apart, and the kind of every channel."""
        parts = (
            *self.steps,
            *self.tail,
            op,
            *(o for o in (self.bias, self.source) if isinstance(o, Bias | JoinConstant)),
        )
        columns = [self.scale, self.offset, *self.begin]
        for constant in (c.values for part in parts for c in _constants(part)):
            columns += list(constant.reshape(len(constant), -1).T)
        told = [np.broadcast_to(column, self.scale.shape) for column in columns]
        _, at, which = np.unique(np.stack(told, axis=1), axis=0, return_index=True, return_inverse=True)
        return at, which.reshape(-1)

    def moved(self, value: str, op: Op, line: Line, types: Sequence[TensorType], node: Node) -> Self:
        """The value after data movement `op`, which makes `line` of this one's."""
        start = op.line([Line(*self.begin, 0.0)], types)
        known = isinstance(start, Line) and all(c.values.size == 1 for step in self.steps for c in step.constants)
        return replace(
            self,
            value=value,
            line=line,
            nodes=(*self.nodes, node),
            start=(start.scale, start.offset) if isinstance(start, Line) and known else None,
            steps=self.steps if known else (),
            plain=self.plain and known,
        )


def on_one(node: Node) -> Op:
    """The operator on one real value that a node is; a sum with a constant is a line."""
    return node.op.affine if isinstance(node.op, JoinConstant | Bias) else node.op


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
        return replace(self, tail=(*self.tail, on_one(node)), nodes=(*self.nodes, node))

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


def is_straight(op: Op) -> bool:
    """Whether an operator rises, or falls, all the way."""
    if isinstance(op, Function):
        return isinstance(op.expression, tuple) and op.expression[:2] == ("count", "x")
    return isinstance(op, Affine | Clip)


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
    return some_channels(op, FIRST)


def some_channels(op: T, at: Array) -> T:
    """What an operator does to these channels."""
    return cast(T, _some(op, at))


def _some(value: object, at: Array) -> object:
    match value:
        case Tensor():
            return Tensor(value.values[at]) if len(value.values) > 1 else value
        case tuple():
            return tuple(_some(v, at) for v in value)
        case Op():
            return replace(value, **{f.name: _some(getattr(value, f.name), at) for f in fields(value)})
    return value


def run_chain(chain: Sequence[Op], real: Array) -> Array:
    """Unary operators one behind the other."""
    for op in chain:
        real = op.golden([real])
    return real


def quantisation(op: Quantise) -> Quantisation:
    """A Quantise as the kernels take it: limits that exclude the zero point are left to whoever asks."""
    scale, zero = op.encoding.scale, op.encoding.zero
    return Quantisation(scale, zero, Codes(min(op.lo, zero), max(op.hi, zero)))


def limits(tail: Sequence[Op]) -> tuple[float, float]:
    """The range that the Clips of a tail leave."""
    lo, hi = -inf, inf
    for op in tail:
        if isinstance(op, Clip):
            lo, hi = (float(np.clip(end, op.lo, op.hi)) for end in (lo, hi))
    return lo, hi
