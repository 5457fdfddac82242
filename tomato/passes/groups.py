"""Real operators that become one integer step: arithmetic with the Affine and Clip behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Self

import numpy as np

from tomato.core.formats import Array
from tomato.core.ir import Graph, Node, Op
from tomato.core.treatment import Treatment
from tomato.ops.move import Reshape
from tomato.ops.real import Affine, Clip
from tomato.ops.weighted import Weighted


@dataclass(frozen=True, slots=True, eq=False)
class Ramp:
    """clip(x * scale + offset, lo, hi), scale and offset per channel: what one requant can do."""

    scale: Array
    offset: Array
    lo: float = -inf
    hi: float = inf

    @classmethod
    def identity(cls, channels: int) -> Self:
        """The one that changes nothing."""
        return cls(np.ones(channels), np.zeros(channels))

    def then(self, op: Op) -> Self | None:
        """This followed by an Affine or Clip; None if no ramp does that."""
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
    ramp: Ramp

    @property
    def output(self) -> str:
        """The value that the group defines; nothing else of it is visible outside."""
        return self.chain[-1].name if self.chain else self.head.name

    @property
    def flat(self) -> Reshape | None:
        """The Reshape to a vector in the chain, behind which the ramp has a channel for every place of the frame."""
        return next((n.op for n in self.chain if isinstance(n.op, Reshape)), None)

    @property
    def code_name(self) -> str:
        """Name of that value in the integer graph."""
        return code_name(self.head)

    @property
    def origin(self) -> tuple[str, ...]:
        """The ONNX names of all members."""
        return join_origins(self.head, *self.chain)


def requantised(name: str) -> str:
    """Name of the codes that a requantisation makes of an exact result."""
    return f"{name}_q"


def code_name(node: Node) -> str:
    """Name of the codes of a real node in the integer graph."""
    return requantised(node.name) if node.op.treatment is Treatment.EXACT else node.name


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
        ramp = Ramp.identity(head.type.channels)
        chain: list[Node] = []
        growing = head.op.treatment is Treatment.EXACT
        if first := ramp.then(head.op):
            ramp, growing = first, True
        while growing:
            readers = uses[(chain[-1] if chain else head).name]
            last = chain[-1].name if chain else head.name
            longer = ramp.then(readers[0].op) if len(readers) == 1 and last not in graph.outputs else None
            if longer is None:
                break
            ramp = longer
            chain.append(readers[0])
        absorbed.update(n.name for n in chain)
        groups.append(Group(head, tuple(chain), ramp))
    return tuple(groups)


def across_frames(graph: Graph, groups: tuple[Group, ...]) -> tuple[Group, ...]:
    """The groups, and one for arithmetic and a line whose constants differ per pixel: a Reshape to a vector between.

    The scale of a layer goes into its weights, so that it has to be that of the channels in every pixel.
    """
    uses, heads = graph.uses, {g.head.name: g for g in groups}
    gone, found = set[str](), list[Group]()
    for group in groups:
        if group.head.name in gone:
            continue
        flat, line = (_only(uses, group.output, graph, heads), None)
        if flat is not None and isinstance(flat.head.op, Reshape) and flat.head.type.pixels == 1:
            line = _only(uses, flat.output, graph, heads)
        joined = _joined(group, flat, line) if flat and line and isinstance(line.head.op, Affine) else None
        if joined is not None and flat and line:
            gone |= {flat.head.name, line.head.name}
        found.append(joined or group)
    return tuple(found)


def _only(uses: Mapping[str, list[Node]], value: str, graph: Graph, heads: Mapping[str, Group]) -> Group | None:
    """The group that alone reads a value."""
    readers = uses[value]
    return heads.get(readers[0].name) if len(readers) == 1 and value not in graph.outputs else None


def _joined(group: Group, flat: Group, line: Group) -> Group | None:
    ramp, channels = group.ramp, group.head.type.channels
    if group.head.op.treatment is not Treatment.EXACT or (ramp.lo, ramp.hi) != (-inf, inf):
        return None
    scale, offset = (np.resize(values, line.ramp.scale.shape) for values in (ramp.scale, ramp.offset))
    scale, offset = scale * line.ramp.scale, offset * line.ramp.scale + line.ramp.offset
    if isinstance(group.head.op, Weighted) and np.any(scale != np.resize(scale[:channels], scale.shape)):
        return None
    chain = (*group.chain, flat.head, line.head, *line.chain)
    return Group(group.head, chain, Ramp(scale, offset, line.ramp.lo, line.ramp.hi))
