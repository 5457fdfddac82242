"""What is known of a real value in terms of codes, while a quantised network turns into integers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from tomato.errors import TomatoError
from tomato.formats import Array, Codes
from tomato.ir import Node, Op
from tomato.kernels import Quantisation
from tomato.ops.quantise import Dequantise, JoinConstant, Quantise
from tomato.ops.real import Affine
from tomato.passes.groups import join_origins

NEAR = 1e-6
"""Relative distance from an integer that the rounding of scales explains."""
Reference = Callable[[Array], Array]
"""Codes (n, channels) of integers (n, channels)."""


@dataclass(frozen=True, slots=True)
class Outside:
    """A real value that the host computes: `chain` of one input of the network."""

    input: str
    chain: tuple[Op, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """tail(value * scale + offset), scale and offset per channel, for an integer value of the new graph.

    source: the exact operator whose result `value` is, or the constant joined to codes; None for codes.
    taps: how many values a pooling adds up. nodes: the real operators so far.
    """

    value: str
    scale: Array
    offset: Array
    source: Op | None = None
    taps: int = 1
    tail: tuple[Op, ...] = ()
    nodes: tuple[Node, ...] = ()

    def then(self, node: Node) -> Self:
        """The value after a real operator on it alone."""
        if isinstance(node.op, JoinConstant):
            held = self.then(replace(node, op=node.op.affine))
            only = not self.tail and [type(n.op) for n in self.nodes] == [Dequantise]
            return replace(held, source=node.op) if only else held
        nodes = (*self.nodes, node)
        if isinstance(node.op, Affine) and not self.tail:
            scale, offset = node.op.scale.values, node.op.offset.values
            source = None if isinstance(self.source, JoinConstant) else self.source
            return replace(
                self, scale=self.scale * scale, offset=self.offset * scale + offset, source=source, nodes=nodes
            )
        return replace(self, tail=(*self.tail, node.op), nodes=nodes)

    def real(self, codes: Array) -> Array:
        """What integers stand for."""
        return run_chain(self.tail, codes * self.scale + self.offset)

    @property
    def origin(self) -> str:
        """The ONNX names of the operators so far."""
        return join_origins(*self.nodes)

    @property
    def zeros(self) -> Array:
        """What has to be added to the integers so that 0 stands for 0, per channel, a real number."""
        return self.offset / np.where(self.scale == 0, 1.0, self.scale)

    def code_of(self, real: float, node: Node, what: str) -> int:
        """The integer that stands for a real number, the same in all channels. TomatoError if there is none."""
        codes = (real - self.offset) / self.scale
        code = np.rint(codes[0])
        if np.any(np.abs(codes - code) > NEAR * max(1.0, abs(code))):
            refuse(node, f"{what} {real:g} is no code of its input (zero point {-self.zeros[0]:g})")
        return int(code)

    def same_steps(self, node: Node) -> float:
        """The scale, if all channels share it and the offset; else TomatoError."""
        if np.any(self.scale != self.scale[0]) or np.any(self.offset != self.offset[0]):
            refuse(node, "its input has another scale or zero point in every channel")
        return float(self.scale[0])


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """tail(a + b): a sum whose summands have no common step of their own."""

    a: Held
    b: Held
    node: Node
    tail: tuple[Op, ...] = ()
    nodes: tuple[Node, ...] = ()

    def then(self, node: Node) -> Self:
        """The value after a real operator on it alone."""
        return replace(self, tail=(*self.tail, node.op), nodes=(*self.nodes, node))

    @property
    def origin(self) -> str:
        """The ONNX names of the operators so far."""
        return join_origins(*self.a.nodes, *self.b.nodes, self.node, *self.nodes)


def run_chain(chain: Sequence[Op], real: Array) -> Array:
    """Unary operators one behind the other."""
    for op in chain:
        real = op.golden([real])
    return real


def quantisation(op: Quantise) -> Quantisation:
    """A Quantise as the kernels take it: limits that exclude the zero point are left to whoever asks."""
    zero = int(op.zero.values[0])
    return Quantisation(float(op.scale.values[0]), zero, Codes(min(op.lo, zero), max(op.hi, zero)))


def refuse(node: Node, why: str, hint: str = "quantise the values in front of it and behind it") -> None:
    """Raise the TomatoError for a real operator that integers cannot express."""
    raise TomatoError(f"{node.op.name} cannot be computed on codes: {why}", where=node.origin or node.name, hint=hint)
