"""What a design looks like from outside, and what stands around it."""

from collections.abc import Callable
from dataclasses import dataclass

from tomato.core.ir import Graph
from tomato.hardware.memory import LOAD_BITS, Source
from tomato.hardware.netlist import Stream, stream
from tomato.hardware.parts import Spill
from tomato.schedule.fetching import Fetching
from tomato.schedule.route import Routes
from tomato.schedule.streams import OUTPUT, interval_cycles
from tomato.schedule.units import Units
from tomato.targets import Resources


@dataclass(frozen=True, slots=True)
class Border:
    """The streams that come in and go out, cycles a frame, and beats of the loader (0: there is none).

    reader: what fetches weights from memory beside the chip, queues: those there, through masters of their own.
    """

    inputs: tuple[Stream, ...]
    outputs: tuple[Stream, ...]
    interval: int
    load_beats: int
    reader: Fetching | None = None
    queues: tuple[Spill, ...] = ()


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a design, and what it takes, by the design's border.

    needed: a design that leaves no room for it is refused; else it goes without.
    """

    name: str
    cost: Callable[[Border], Resources]
    needed: bool = True


NOTHING = Around("none", lambda _: Resources())
"""Streams alone."""


def border(graph: Graph, units: Units, ways: Routes, reader: Fetching | None) -> Border:
    """The border of planned units, and of what fetches their weights. An input that nothing reads has no stream."""
    links = ways.links
    first = {edge.value: edge for edge in reversed(links)}
    inputs = tuple(stream(n, n, first[n].from_type, first[n].from_lanes) for n, _ in graph.inputs if n in first)
    outputs = tuple(stream(e.value, e.value, e.to_type, e.to_lanes) for e in links if e.consumer == OUTPUT)
    stores = [s for u in units.values() for s in u.stores.values() if s.source is Source.LOADER]
    beats = sum(s.words * -(-s.bits // LOAD_BITS) for s in stores)
    return Border(inputs, outputs, interval_cycles(units, links), beats, reader, tuple(ways.spilled.values()))
