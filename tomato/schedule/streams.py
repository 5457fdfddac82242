"""Which streams connect the chosen engines: values, lanes, joins."""

from dataclasses import dataclass

from tomato.core.ir import Graph, TensorType
from tomato.schedule.rates import Rates
from tomato.schedule.units import WIRING, Units

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

    @property
    def wide(self) -> str:
        """The name of the queue in front of its lane converter; the one in front of the consumer is called as it is."""
        return f"{self.name}.wide"

    @property
    def from_beats(self) -> int:
        """Beats per pixel where it starts."""
        return -(-self.from_type.channels // self.from_lanes)

    @property
    def to_beats(self) -> int:
        """Beats per pixel where it ends."""
        return -(-self.to_type.channels // self.to_lanes)

    @property
    def frame_beats(self) -> int:
        """Beats per frame, at the end where they are more."""
        return max(self.from_type.pixels * self.from_beats, self.to_type.pixels * self.to_beats)


def source_of(graph: Graph, value: str) -> str:
    """The value whose stream carries `value`: itself, or what it reshapes."""
    producers = graph.producers
    while value in producers and isinstance(producers[value].op, WIRING):
        value = producers[value].args[0]
    return value


def edges(graph: Graph, units: Units) -> tuple[Edge, ...]:
    """Every edge between hardware, in graph order, graph outputs last."""
    kinds = dict(graph.types)
    wanted: list[tuple[str, str, int, TensorType, int]] = []  # value, consumer, index, view, lanes (0: any)
    lanes_out: dict[str, int] = {}
    makers = graph.producers  # not the site's node: a unit may have been made for an equal layer, see offers.Kept
    for name, unit in units.items():
        ins, lanes_out[name] = unit.lanes
        kinds[name] = unit.out
        arguments = zip(makers[name].args, unit.views, ins, strict=True)
        wanted += [(source_of(graph, a), name, i, v, n) for i, (a, v, n) in enumerate(arguments)]
    wanted += [(source_of(graph, o), OUTPUT, i, kinds[o], 0) for i, o in enumerate(graph.outputs)]  # as it streams
    for name, _ in graph.inputs:  # the world sends what the first consumer wants
        asked = [(view, lanes) for source, _, _, view, lanes in wanted if source == name and lanes]
        if asked:
            kinds[name], lanes_out[name] = asked[0]
    found = []
    for source, consumer, index, kind, lanes in wanted:
        if not lanes:  # an output keeps the lanes of its stream, unless a reshape makes that impossible
            lanes = lanes_out[source] if kinds[source].shape == kind.shape else min(lanes_out[source], kind.channels)
        found.append(Edge(source, consumer, index, kinds[source], lanes_out[source], kind, lanes))
    return tuple(found)


def interval_cycles(units: Units, links: tuple[Edge, ...]) -> int:
    """Cycles per frame that are never exceeded: of an engine, a stream, or memory beside the chip."""
    engines = (unit.interval.guaranteed for unit in units.values())
    return max(fetch_cycles(units), *engines, *(edge.frame_beats for edge in links))


def fetch_cycles(units: Units) -> int:
    """Cycles per frame in which the memory beside the chip gives weights."""
    total = sum(unit.fetched_bytes for unit in units.values())
    return next(iter(units.values())).target.fetch_cycles(total) if total else 0


def expected_cycles(units: Units, links: tuple[Edge, ...], rates: Rates) -> float:
    """Cycles per frame on average, where the speed of engines depends on the data, or frames leave early."""
    engines = (unit.interval.expected * rates.taken[name] for name, unit in units.items())
    return max(*engines, *(edge.frame_beats * rates.made[edge.value] for edge in links))
