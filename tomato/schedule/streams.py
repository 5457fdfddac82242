"""Which streams connect the chosen engines: values, lanes, joins."""

from collections.abc import Mapping
from dataclasses import dataclass

from tomato.core.ir import Graph, Node, TensorType
from tomato.engines import CATALOGUE
from tomato.engines.base import Site
from tomato.ops.move import Reshape
from tomato.schedule.plan import Choice

WIRING = (Reshape,)
"""Operators without an engine: their result is the same stream, seen in another shape."""
OUTPUT = "output"
"""Consumer name of a graph output."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One consumer's view of a value: the stream `source` leaves its producer with, and what is wanted."""

    value: str  # whose stream it is, before any reshape
    consumer: str  # node name, or OUTPUT.<index>
    index: int  # argument of the consumer
    from_type: TensorType
    from_lanes: int
    to_type: TensorType
    to_lanes: int

    @property
    def name(self) -> str:
        """Unique name: consumer and argument."""
        return f"{self.consumer}.{self.index}"


def site(graph: Graph, node: Node) -> Site:
    """What an engine sees of a node."""
    return Site(node, graph.args_of(node))


def source_of(graph: Graph, value: str) -> str:
    """The value whose stream carries `value`: itself, or what it reshapes."""
    producers = graph.producers
    while value in producers and isinstance(producers[value].op, WIRING):
        value = producers[value].args[0]
    return value


def edges(graph: Graph, layers: Mapping[str, Choice]) -> tuple[Edge, ...]:
    """Every edge between hardware, in graph order, graph outputs last."""
    types = graph.types
    wanted: list[tuple[str, str, int, TensorType, int]] = []  # value, consumer, index, view, lanes (0: any)
    lanes_out: dict[str, int] = {}
    for node in graph:
        if isinstance(node.op, WIRING):
            continue
        choice = layers[node.name]
        engine, place = CATALOGUE[choice.engine], site(graph, node)
        ins, lanes_out[node.name] = engine.lanes(place, choice.knobs)
        views = engine.views(place, choice.knobs)
        wanted += [(a, node.name, i, v, n) for i, (a, v, n) in enumerate(zip(node.args, views, ins, strict=True))]
    wanted += [(o, OUTPUT, i, types[o], 0) for i, o in enumerate(graph.outputs)]
    for name, _ in graph.inputs:  # the world sends what the first consumer wants
        asked = [(v, n) for value, _, _, v, n in wanted if source_of(graph, value) == name and n]
        if asked:
            types[name], lanes_out[name] = asked[0]
    found = []
    for value, consumer, index, kind, lanes in wanted:
        source = source_of(graph, value)
        if not lanes:  # an output keeps the lanes of its stream, unless a reshape makes that impossible
            lanes = lanes_out[source] if types[source].shape == kind.shape else min(lanes_out[source], kind.channels)
        found.append(
            Edge(
                value=source,
                consumer=consumer,
                index=index,
                from_type=types[source],
                from_lanes=lanes_out[source],
                to_type=kind,
                to_lanes=lanes,
            )
        )
    return tuple(found)
