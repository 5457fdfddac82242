"""Layers found by name or pattern, and with other weights."""

from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TypeVar

from tomato.core.errors import TomatoError
from tomato.core.formats import Tensor
from tomato.core.ir import Graph, Node
from tomato.ops.weighted import Weighted
from tomato.quantise.precision import names_of

T = TypeVar("T")


def layers(graph: Graph) -> tuple[Node, ...]:
    """The nodes that have weights."""
    return tuple(node for node in graph if isinstance(node.op, Weighted))


def with_weight(op: Weighted, weight: Tensor) -> Weighted:
    """The layer with another weight of the same shape."""
    assert weight.shape == op.weight.shape, "another shape is another layer"
    return replace(op, weight=weight)


def by_layer(graph: Graph, said: Mapping[str, T], *, where: str = "") -> dict[str, T]:
    """What is said of each layer, by the name of its node; layers that nothing is said of are absent.

    Keys of `said` are names of layers, ONNX names, or patterns in the manner of file names; the first match counts.
    TomatoError where one fits no layer; `where` is who says it.
    """
    found: dict[str, T] = {}
    for pattern, value in said.items():
        fitting = [n for n in layers(graph) if any(x == pattern or fnmatchcase(x, pattern) for x in names_of(n))]
        if not fitting:
            known = ", ".join(node.label for node in layers(graph))
            hint = f"layers with weights are {known or 'none'}"
            raise TomatoError(f"no layer is called {pattern}", where=where, hint=hint)
        for node in fitting:
            found.setdefault(node.name, value)
    return found
