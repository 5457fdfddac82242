"""All engines and streams of a network in time, and the order in which what happens becomes known."""

from collections import deque
from math import inf

import numpy as np

from tomato.core.ir import Graph
from tomato.engines.base import AnyUnit, Leaves, beats
from tomato.engines.parts.shared import Group
from tomato.engines.parts.shared_unit import Member
from tomato.schedule.play.engines import Sharing, engine_of
from tomato.schedule.play.layers import Layer
from tomato.schedule.play.slots import Slots
from tomato.schedule.play.streams import QUEUED, Engine, Stream
from tomato.schedule.route import Routes
from tomato.schedule.streams import OUTPUT
from tomato.schedule.timing import Times
from tomato.schedule.units import Units


class Network:
    """Where everything is. Cycles count from the reset on, `now` is when the last turn was found."""

    def __init__(self, units: Units, graph: Graph, ways: Routes, frames: int) -> None:
        self.units, self.ways, self.now = units, ways, 0.0
        self.streams = _streams(units, ways)
        outs = {value: [self.streams[edge.name] for edge in edges] for value, edges in ways.readers.items()}
        self.inputs = {name: outs[name] for name, _ in graph.inputs if name in outs}
        self.outputs = [self.streams[f"{OUTPUT}.{i}"] for i in range(len(graph.outputs))]
        self.actors: dict[str, Engine | Layer] = {}
        for name, streams in self.inputs.items():
            edge = ways.readers[name][0]
            self.actors[name] = Engine((), streams, frames, edge.from_type.pixels, edge.from_beats, edge.from_beats - 1)
        shared: dict[Group, list[str]] = {}
        for name, unit in units.items():
            ins = [self.streams[f"{name}.{i}"] for i in range(len(unit.args))]
            if isinstance(unit, Member):
                self.actors[name] = Layer(unit.group, unit.number, ins[0], outs[name], frames)
                shared.setdefault(unit.group, []).append(name)
            else:
                self.actors[name] = Engine.of(unit, ins, outs[name], frames)
        self.engines: list[Sharing] = []
        self.places: dict[str, tuple[Sharing, int]] = {}  # the engine of a layer, and its number there
        for group, names in shared.items():
            layers = [actor for name in names if isinstance(actor := self.actors[name], Layer)]
            self.engines.append(engine := engine_of(group, layers))
            self.places |= {name: (engine, number) for number, name in enumerate(names)}
        self.names = dict(zip(self.engines, shared.values(), strict=True))
        self.near = _neighbours(ways)
        self.waiting = deque(self.actors)
        self._settle()

    @property
    def work(self) -> int:
        """Cycles of all turns so far, as the closed form counts them."""
        return sum(engine.work for engine in self.engines)

    @property
    def begun(self) -> int:
        """When the first input beat is taken."""
        found = []
        for name in self.inputs:
            source = self.actors[name]
            assert isinstance(source, Engine)
            layers = [self.actors.get(edge.consumer) for edge in self.ways.readers[name]]
            asked = [layer.taking.after(layer.ins.may[0]) for layer in layers if isinstance(layer, Layer)]
            found.append(max([*asked, source.starts[0] if not asked else 0]))
        return min(found)

    @property
    def frames_out(self) -> int:
        """Frames whose last result is out, or known to be so soon."""
        return min(len(stream.came) // stream.sizes[1] for stream in self.outputs)

    def step(self) -> bool:
        """Have the next turn of any engine; False where there is none."""
        cycle, number, engine = inf, 0, None
        for other in self.engines:
            found, whose = other.next()
            if found < cycle:
                cycle, number, engine = found, whose, other
        if engine is None:
            return False
        engine.take(cycle, number)
        self.now = cycle
        self.waiting.append(self.names[engine][number])
        self._settle()
        return True

    def ends(self, frames: int) -> tuple[int, ...]:
        """When each of the first frames is out, from the first input beat on."""
        begun = self.begun
        last = ((stream.came[(f + 1) * stream.sizes[1] - 1] for stream in self.outputs) for f in range(frames))
        return tuple(max(times) - begun for times in last)

    def times(self) -> Times:
        """All times of the first frame, from the first input beat on."""
        begun = self.begun
        ready, start = {}, {}
        for name, actor in self.actors.items():
            pixels = actor.pixels
            ready[name] = np.array([actor.done(p) for p in range(pixels)]) - begun
            start[name] = np.array([actor.start(p) for p in range(pixels)]) - begun
        arrival = {name: np.array(stream.came[: stream.sizes[1]]) - begun for name, stream in self.streams.items()}
        return Times(ready, arrival, start)

    def _settle(self) -> None:
        """Go on wherever something has become known."""
        listed = set(self.waiting)
        while self.waiting:
            name = self.waiting.popleft()
            listed.discard(name)
            made, more = self.actors[name].advance()
            if name in self.places:
                engine, number = self.places[name]
                engine.ready[number] = engine.layers[number].ready()
            readers, makers = self.near[name]
            for woken in (*(readers if made else ()), *(makers if more else ())):
                if woken not in listed:
                    listed.add(woken)
                    self.waiting.append(woken)


def _streams(units: Units, ways: Routes) -> dict[str, Stream]:
    """What every edge carries."""
    links = {edge.name: edge for edge in ways.links}
    streams: dict[str, Stream] = {}
    spread: dict[str, int] = {}  # by value: cycles from the first beat of a pixel to its last
    queued: dict[str, int] = {}  # and beats that may wait with the maker
    for name, unit in units.items():
        ins = []
        for i in range(len(unit.args)):
            edge = links[f"{name}.{i}"]
            streams[edge.name] = Stream(edge, ways, spread.get(edge.value, 0), queued.get(edge.value, 0))
            ins.append(streams[edge.name].spread)
        spread[name] = _spread(unit, ins)
        queued[name] = 0 if isinstance(unit, Member) else QUEUED
    for name, edge in links.items():
        if name not in streams:
            streams[name] = Stream(edge, ways, spread.get(edge.value, 0), queued.get(edge.value, 0))
    return streams


def _spread(unit: AnyUnit, ins: list[int]) -> int:
    """Cycles from the first beat of an output pixel to its last; ins: those of the arguments' pixels."""
    count = beats(unit.out.channels, unit.lanes[1])
    if isinstance(unit, Member):
        return int((count - 1) * Slots(unit.group.outs, unit.number).gap)
    if unit.timing.leaves is Leaves.EVENLY:
        return unit.timing.pixel_cycles * (count - 1) // count
    passes = unit.timing.latency < count - 1  # it cannot have kept them all
    return min(ins) if passes or unit.timing.leaves is Leaves.AS_THEY_COME else 0


def _neighbours(ways: Routes) -> dict[str, tuple[list[str], list[str]]]:
    """Of everybody who makes a value, who reads it, and whose values it reads."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for edge in ways.links:
        if edge.consumer != OUTPUT:
            found.setdefault(edge.value, ([], []))[0].append(edge.consumer)
            found.setdefault(edge.consumer, ([], []))[1].append(edge.value)
    return found
