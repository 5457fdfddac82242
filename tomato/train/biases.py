"""Means of values, and numbers added to biases."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tomato.core.formats import Array, Tensor
from tomato.core.ir import Builder, Graph, Node
from tomato.ops.real import Affine


class Means:
    """Sees every value of a graph (`interpret(..., watch=)`) and keeps the mean of each channel."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[int, Array]] = {}

    def __call__(self, name: str, values: Array) -> None:
        """Add a batch of a value."""
        count, total = self._sums.get(name, (0, np.zeros(values.shape[-1])))
        flat = values.reshape(-1, values.shape[-1])
        self._sums[name] = (count + len(flat), total + flat.sum(axis=0))

    @property
    def means(self) -> dict[str, Array]:
        """By the name of the value."""
        return {name: total / count for name, (count, total) in self._sums.items()}


def add_to_biases(graph: Graph, extra: Mapping[str, Array]) -> Graph:
    """The graph with a number per channel added to what some layers give.

    It goes into the Affine behind the layer if that alone reads it, else into one that is put there. An output of the
    network keeps its name.
    """
    uses, moved = graph.uses, dict[str, Array]()
    for name, numbers in extra.items():
        readers = uses[name]
        if len(readers) == 1 and isinstance(readers[0].op, Affine) and name not in graph.outputs:
            moved[readers[0].name] = numbers

    def rewrite(node: Node, build: Builder) -> str | None:
        if node.name in moved:
            assert isinstance(node.op, Affine)
            offset = Tensor(node.op.offset.values + node.op.scale.values * moved[node.name])
            return build.add(replace(node.op, offset=offset), node.args, node.name, node.origin)
        if node.name not in extra or any(n.name in moved for n in uses[node.name]):
            return None
        ends = node.name in graph.outputs
        names = (f"{node.name}_product", node.name) if ends else (node.name, f"{node.name}_bias")
        product = build.add(node.op, node.args, names[0], node.origin)
        return build.add(Affine(Tensor(np.ones(1)), Tensor(extra[node.name])), (product,), names[1], node.origin)

    return graph.rebuild(rewrite)
