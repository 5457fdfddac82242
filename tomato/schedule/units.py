"""The nodes that need hardware, and the units that a plan makes of them."""

from collections.abc import Mapping
from typing import Any

from tomato.core.ir import Graph
from tomato.engines import CATALOGUE
from tomato.engines.base import AnyUnit, Site
from tomato.ops.move import Reshape
from tomato.schedule.plan import Choice
from tomato.schedule.sharing import bound
from tomato.targets import Target

WIRING = (Reshape,)
"""Operators without an engine: their result is the same stream, seen in another shape."""
Units = Mapping[str, AnyUnit]
"""How each node is built, in the order of the graph."""


def sites(graph: Graph, target: Target) -> dict[str, Site[Any]]:
    """What engines see of every node that needs one, in the order of the graph."""
    return {node.name: Site(node, graph.args_of(node), target) for node in graph if not isinstance(node.op, WIRING)}


def bind(graph: Graph, layers: Mapping[str, Choice], target: Target) -> dict[str, AnyUnit]:
    """The units of a plan."""
    places = sites(graph, target)
    shared = bound(places, layers)
    return {
        name: shared[name] if name in shared else CATALOGUE[layers[name].engine](place, layers[name].knobs)
        for name, place in places.items()
    }
