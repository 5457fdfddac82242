"""What stands on the way of every stream: the one description that scheduling, timing and lowering read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from tomato.hardware.parts import Converter, Fifo, Fork, FrameCheck, FrameEnd, Part, Register, Spill
from tomato.hardware.plumbing import Width
from tomato.schedule.plan import Plan
from tomato.schedule.regions import crossings
from tomato.schedule.streams import OUTPUT, Edge
from tomato.targets import Resources, Target

NOTHING: Mapping[str, int] = MappingProxyType({})
"""No edge by that name."""


@dataclass(frozen=True, slots=True)
class Routes:
    """The parts on every edge and behind every value.

    forks: by value, of those that have several readers; it stands where its first reader stands. parts: by edge, in
    the order of the stream. checks: by value, of those that come in; each stands where its first reader stands.
    """

    links: tuple[Edge, ...]
    forks: Mapping[str, Fork] = field(default_factory=dict)
    parts: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)
    checks: Mapping[str, FrameCheck] = field(default_factory=dict)

    @property
    def queued(self) -> set[str]:
        """The edges with a queue in front of the consumer, by name."""
        return {name for name, parts in self.parts.items() if parts and isinstance(parts[-1], Fifo | Spill)}

    @property
    def spilled(self) -> dict[str, Spill]:
        """The queues in memory beside the chip, by the name of the edge."""
        return {name: part for name, parts in self.parts.items() for part in parts if isinstance(part, Spill)}

    @property
    def readers(self) -> dict[str, list[Edge]]:
        """The edges of every value, in order."""
        found: dict[str, list[Edge]] = {}
        for edge in self.links:
            found.setdefault(edge.value, []).append(edge)
        return found

    def costs(self, layers: Sequence[str], target: Target) -> dict[str, Resources]:
        """What the parts take, by the node that they stand beside, in its region.

        A stream's parts stand beside its consumer, or its producer if it leaves the chip; a fork and a check beside
        its first reader.
        """
        costs = dict.fromkeys(layers, Resources())
        known = set(layers)

        def beside(edge: Edge) -> str:
            """An input that is an output stands beside the first node."""
            return next(name for name in (edge.consumer, edge.value, *layers) if name in known)

        for edge in self.links:
            for part in self.parts[edge.name]:
                costs[beside(edge)] += part.cost(target)
        readers = self.readers
        for value, part in (*self.forks.items(), *self.checks.items()):
            costs[beside(readers[value][0])] += part.cost(target)
        return costs


def route(
    edge: Edge, target: Target, *, hops: int = 0, wide: int = 0, depth: int = 0, spilled: bool = False
) -> tuple[Part, ...]:
    """The parts on an edge, in the order of the stream.

    Registers between regions, a queue of the maker's lanes and what converts them, a queue, the end of the frame.
    hops: registers. wide, depth: beats that the queues hold, 0 for none. spilled: the queue behind the converter is in
    memory beside the chip.
    """
    bits = edge.from_type.codes.bits
    parts: list[Part] = [Register(bits * edge.from_lanes)] * hops
    lanes = Width(edge.from_type.channels, edge.from_lanes, edge.to_type.channels, edge.to_lanes)
    if lanes.needed:
        if wide:
            parts.append(Fifo.of(bits * edge.from_lanes, wide, target))
        parts.append(Converter(bits, lanes))
    if depth and spilled:
        parts.append(Spill.of(bits * edge.to_lanes, depth, edge.to_type.pixels * edge.to_beats, target))
    elif depth:
        parts.append(Fifo.of(bits * edge.to_lanes, depth, target))
    if edge.consumer == OUTPUT:
        parts.append(FrameEnd.of(bits * edge.to_lanes, edge.to_type.pixels * edge.to_beats))
    return tuple(parts)


def routes_of(plan: Plan, links: tuple[Edge, ...], target: Target) -> Routes:
    """The parts of a whole network, as a plan has its regions and queues."""
    return routes(links, target, plan.regions, plan.fifos, plan.spilled)


def routes(
    links: tuple[Edge, ...], target: Target, regions: Mapping[str, int] = NOTHING, fifos: Mapping[str, int] = NOTHING,
    spilled: Collection[str] = (),
) -> Routes:  # fmt: skip
    """The parts of a whole network.

    regions: by layer; fifos: depth by the names of an edge; spilled: those that are in memory beside the chip.
    """
    hops = crossings(links, regions)
    parts = {
        e.name: route(
            e,
            target,
            hops=hops.get(e.name, 0),
            wide=fifos.get(e.wide, 0),
            depth=fifos.get(e.name, 0),
            spilled=e.name in spilled,
        )
        for e in links
    }
    found = Routes(links, {}, parts)
    forks = {
        value: Fork(len(copies), copies[0].from_lanes * copies[0].from_type.codes.bits)
        for value, copies in found.readers.items()
        if len(copies) > 1
    }
    made = {e.consumer for e in links}
    checks = {
        value: FrameCheck(copies[0].from_type.pixels * copies[0].from_beats)
        for value, copies in found.readers.items()
        if value not in made
    }
    return Routes(links, forks, parts, checks)
