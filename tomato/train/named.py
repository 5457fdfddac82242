"""Layers found by name or pattern, and with other weights."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TypeVar

from tomato.core.errors import TomatoError
from tomato.core.formats import Tensor
from tomato.core.ir import Graph, Node
from tomato.ops.recurrent import Recurrent
from tomato.ops.weighted import Weighted
from tomato.quantise.precision import names_of

T = TypeVar("T")


def layers(graph: Graph, *, recurrent: bool = False) -> tuple[Node, ...]:
    """The nodes that have weights; recurrent layers only where they are asked for."""
    return tuple(n for n in graph if isinstance(n.op, Weighted) or (recurrent and isinstance(n.op, Recurrent)))


def with_weight(op: Weighted, weight: Tensor) -> Weighted:
    """The layer with another weight of the same shape."""
    assert weight.shape == op.weight.shape, "another shape is another layer"
    return replace(op, weight=weight)


def _fitting(nodes: Sequence[Node], pattern: str) -> list[Node]:
    return [node for node in nodes if any(x == pattern or fnmatchcase(x, pattern) for x in names_of(node))]


def by_layer(graph: Graph, said: Mapping[str, T], *, where: str = "", recurrent: bool = False) -> dict[str, T]:
    """What is said of each layer, by the name of its node; layers that nothing is said of are absent.

    Keys of `said` are names of layers, ONNX names, or patterns in the manner of file names; the first match counts.
    TomatoError where one fits no layer; `where` is who says it. recurrent: of recurrent layers too.
    """
    found: dict[str, T] = {}
    known = layers(graph, recurrent=recurrent)
    for pattern, value in said.items():
        fitting = _fitting(known, pattern)
        if not fitting:
            if others := _fitting(layers(graph, recurrent=True), pattern):
                what = f"{others[0].label} is a recurrent layer, whose weights can only be trained, pruned and shared"
                raise TomatoError(what, where=where, hint="leave it out of this step")
            hint = f"layers with weights are {', '.join(node.label for node in known) or 'none'}"
            raise TomatoError(f"no layer is called {pattern}", where=where, hint=hint)
        for node in fitting:
            found.setdefault(node.name, value)
    return found
