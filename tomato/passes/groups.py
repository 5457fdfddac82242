"""Real operators that become one integer step: arithmetic with the Affine and Clip behind it."""

from dataclasses import dataclass
from math import inf
from typing import Self

import numpy as np

from tomato.core.formats import Array
from tomato.core.ir import Graph, Node, Op
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.join import Add, Multiply
from tomato.ops.move import (
    Concat,
    DepthToSpace,
    Pad,
    Reshape,
    Slice,
    SpaceToDepth,
    Transpose,
    Upsample,
)
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.real import Affine, Clip

ARITHMETIC: tuple[type[Op], ...] = (Conv2d, Dense, SumPool, GlobalSum, Add, Multiply)
"""Exact on codes, with an accumulator that a requant narrows."""
MOVEMENT: tuple[type[Op], ...] = (
    MaxPool,
    Concat,
    Slice,
    Pad,
    Upsample,
    DepthToSpace,
    SpaceToDepth,
    Reshape,
    Transpose,
)
"""The result's values are values of the arguments, so all share one encoding."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """clip(x * scale + offset, lo, hi), scale and offset per channel: what one requant can do."""

    scale: Array
    offset: Array
    lo: float = -inf
    hi: float = inf

    @classmethod
    def identity(cls, channels: int) -> Self:
        """The line that changes nothing."""
        return cls(np.ones(channels), np.zeros(channels))

    def then(self, op: Op) -> Self | None:
        """This line followed by an Affine or Clip; None if no line does that."""
        if isinstance(op, Clip):
            return type(self)(
                self.scale,
                self.offset,
                float(np.clip(self.lo, op.lo, op.hi)),
                float(np.clip(self.hi, op.lo, op.hi)),
            )
        if not isinstance(op, Affine):
            return None
        scale, offset = op.scale.values, op.offset.values
        ends = (self.lo, self.hi)
        if ends != (-inf, inf):
            factor, shift = float(scale.flat[0]), float(offset.flat[0])
            if factor == 0 or np.any(scale != factor) or np.any(offset != shift):
                return None
            ends = (self.lo * factor + shift, self.hi * factor + shift)
        return type(self)(self.scale * scale, self.offset * scale + offset, min(ends), max(ends))


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """`head`, the Affine and Clip nodes that only it feeds, and what they compute together."""

    head: Node
    chain: tuple[Node, ...]
    line: Line

    @property
    def output(self) -> str:
        """The value that the group defines; nothing else of it is visible outside."""
        return self.chain[-1].name if self.chain else self.head.name

    @property
    def code_name(self) -> str:
        """Name of that value in the integer graph."""
        return f"{self.head.name}_q" if isinstance(self.head.op, ARITHMETIC) else self.head.name

    @property
    def origin(self) -> tuple[str, ...]:
        """The ONNX names of all members."""
        return join_origins(self.head, *self.chain)


def join_origins(*nodes: Node) -> tuple[str, ...]:
    """ONNX names of several nodes, each once, in order."""
    return tuple(dict.fromkeys(name for node in nodes for name in node.origin))


def partition(graph: Graph) -> tuple[Group, ...]:
    """Every node in exactly one group, groups in topological order."""
    uses = graph.uses
    absorbed: set[str] = set()
    groups: list[Group] = []
    for head in graph:
        if head.name in absorbed:
            continue
        line = Line.identity(head.type.channels)
        chain: list[Node] = []
        growing = isinstance(head.op, ARITHMETIC)
        if isinstance(head.op, Affine | Clip):
            first = line.then(head.op)
            assert first is not None, "an Affine or a Clip alone is a line"
            line, growing = first, True
        while growing:
            readers = uses[(chain[-1] if chain else head).name]
            last = chain[-1].name if chain else head.name
            longer = line.then(readers[0].op) if len(readers) == 1 and last not in graph.outputs else None
            if longer is None:
                break
            line = longer
            chain.append(readers[0])
        absorbed.update(n.name for n in chain)
        groups.append(Group(head, tuple(chain), line))
    return tuple(groups)
