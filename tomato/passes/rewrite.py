"""What several passes ask of the graph that they rewrite."""

import numpy as np

from tomato.core.formats import Array, Tensor
from tomato.core.ir import Builder, Graph, Node
from tomato.ops.real import Affine

ONE, ZERO = Tensor(np.ones(1)), Tensor(np.zeros(1))


def read_once(graph: Graph) -> frozenset[str]:
    """The values that exactly one node reads, at one place, and that are no output."""
    return frozenset(name for name, uses in graph.uses.items() if len(uses) == 1) - set(graph.outputs)


def defining(build: Builder, value: str) -> Node | None:
    """The node of the graph under construction that defines a value; None for an input."""
    return next((node for node in reversed(build.nodes) if node.name == value), None)


def is_identity(op: Affine) -> bool:
    """Whether an Affine changes nothing."""
    return bool(np.all(op.scale.values == 1.0)) and not op.offset.values.any()


def compact(values: Array) -> Tensor:
    """A constant per channel, or of shape (1,) where all channels agree."""
    same = values.size and np.all(values == values.flat[0])
    return Tensor(values[:1] if same else values)
