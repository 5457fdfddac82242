"""When every pixel of every stream is there, predicted: fill latency, and the depth of FIFOs.

Each engine is a recursion on pixels: work on output pixel p starts when the input it needs has arrived
and the engine is done with p - 1, `start[p] = max(arrival[need[p]], start[p-1] + cycles)`, which is a
running maximum. Chained through the graph this gives the time of every pixel without simulation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from tomato.core.formats import Array
from tomato.core.ir import Graph
from tomato.engines.base import FREE, AnyUnit, Leaves, beats
from tomato.hardware.parts import Converter, Fifo, Spill
from tomato.hardware.plumbing import FIFO_LATENCY
from tomato.schedule.route import Routes
from tomato.schedule.streams import OUTPUT, Edge
from tomato.schedule.units import Units

FRAMES = 3
"""Frames back to back that FIFO depths are computed over, at least."""
SLACK = 8
"""Beats added to each FIFO: times are exact to a few cycles only."""
ABSORBED = 2
"""Beats that may wait without a FIFO: the output queue in front holds them, in lanes of its own."""
RELEASE = 2
"""Cycles from the end of the work on a pixel until its place can be written again."""


@dataclass(frozen=True, slots=True)
class Times:
    """Cycle, counted from the first input beat, at which each pixel of each value is complete."""

    ready: Mapping[str, Array]  # at the producer
    arrival: Mapping[str, Array]  # at the consumer, by edge name
    start: Mapping[str, Array]  # when a node takes up the work on each of its output pixels


def simulate_times(
    units: Units,
    graph: Graph,
    ways: Routes,
    frames: int,
    interval: int | None,
    comes: Mapping[str, Array] = MappingProxyType({}),
) -> Times:
    """Predict `frames` frames. The input comes at full speed, or evenly spread over `interval` cycles a frame.

    comes: the cycle in which every pixel of an input is complete, of those for which that is known. The
    inputs of a join always have a queue, whether `ways` knows its depth already or not.
    """
    links = {e.name: e for e in ways.links}
    held = _held(units, ways)
    ready: dict[str, Array] = {}
    arrival: dict[str, Array] = {}
    start: dict[str, Array] = {}
    spread: dict[str, int] = {}  # cycles from the first beat of a pixel to its last, by value
    for name, kind in graph.inputs:
        if name in comes:
            ready[name] = comes[name]
            continue
        beats, kind = next(((e.from_beats, e.from_type) for e in ways.links if e.value == name), (kind.channels, kind))
        pixels = np.arange(frames * kind.pixels)
        period = interval / kind.pixels if interval else beats
        ready[name] = np.floor(pixels * max(period, beats)).astype(np.int64) + beats - 1
    for name, unit in units.items():
        gate, passed = np.zeros(frames * unit.out.pixels, dtype=np.int64), list[int]()
        for i, need in enumerate(unit.timing.need):
            edge = links[f"{name}.{i}"]
            queue = FIFO_LATENCY if len(unit.args) > 1 and edge.name not in ways.queued else 0
            arrival[edge.name], over = _through(edge, ways, ready[edge.value], frames, spread.get(edge.value, 0))
            arrival[edge.name] += queue
            passed.append(0 if queue else over)  # what has gathered there comes at once
            index = (np.arange(frames)[:, None] * edge.to_type.pixels + need[None, :]).reshape(-1)
            gate = np.maximum(gate, arrival[edge.name][index])
        start[name] = _paced(gate, max(unit.timing.pixel_cycles, held.get(name, 0)))
        ready[name] = start[name] + unit.timing.latency
        if unit.timing.later is not None:
            ready[name] += np.tile(unit.timing.later, frames)
        spread[name] = _spread(unit, passed)
    for edge in ways.links:
        if edge.consumer == OUTPUT:
            arrival[edge.name], _ = _through(edge, ways, ready[edge.value], frames, spread.get(edge.value, 0))
    return Times(ready, arrival, start)


def _held(units: Units, ways: Routes) -> dict[str, int]:
    """By value: the cycles of a pixel in the slowest lane converter behind it, which the engine has to wait for."""
    held: dict[str, int] = {}
    for edge in ways.links:
        apart, rest = divmod(edge.to_type.pixels, edge.from_type.pixels)  # columns that were side by side
        if edge.value in units and not _hurries(units[edge.value]) and not rest:
            held[edge.value] = max(held.get(edge.value, 0), apart * edge.to_beats)
    return held


def _hurries(unit: AnyUnit) -> bool:
    """Whether an engine takes its input whenever it comes, so that what it makes of it must find room."""
    return any(room is not None and bool(np.all(room == FREE)) for room in unit.timing.room)


def _paced(gate: Array, cycles: int) -> Array:
    """start[p] = max(gate[p], start[p-1] + cycles)."""
    ramp = np.arange(gate.size, dtype=np.int64) * cycles
    return np.asarray(np.maximum.accumulate(gate - ramp) + ramp)


def _spread(unit: AnyUnit, passed: list[int]) -> int:
    """Cycles from the first beat of an output pixel to its last, at least; passed: those of its arguments' pixels."""
    if unit.timing.leaves is Leaves.EVENLY:
        count = beats(unit.out.channels, unit.lanes[1])
        return unit.timing.pixel_cycles * (count - 1) // count
    return min(passed) if unit.timing.leaves is Leaves.AS_THEY_COME else 0


def _through(edge: Edge, ways: Routes, ready: Array, frames: int, spread: int) -> tuple[Array, int]:
    """Arrival of every pixel behind the parts of an edge, and the cycles over which one comes, at least.

    A queue in front of a lane converter may give what has gathered at once.
    """
    times = ready + (ways.forks[edge.value].latency if edge.value in ways.forks else 0)
    a, b = edge.from_type, edge.to_type
    for part in ways.parts[edge.name]:
        if isinstance(part, Converter):
            latency, spread = part.times(spread)
            times = _paced(_seen(times, edge, frames), edge.to_beats) + latency
            continue
        if isinstance(part, Fifo):
            spread = 0
        times = times + part.latency
    reshaped = a.shape != b.shape and not any(isinstance(part, Converter) for part in ways.parts[edge.name])
    return (_seen(times, edge, frames) if reshaped else times), spread


def _backlog(edge: Edge, ways: Routes, ready: Array, maker: AnyUnit) -> int:
    """Beats that wait in front of a lane converter at most: those of a burst that it takes longer for."""
    if not any(isinstance(part, Converter) for part in ways.parts[edge.name]):
        return 0
    there = _seen(ready, edge, ready.size // edge.from_type.pixels)
    taken = _paced(there, edge.to_beats)
    waiting = np.arange(1, there.size + 1) - np.searchsorted(taken, there, side="right")
    pixels = -(-int(waiting.max()) * edge.to_type.channels // edge.from_lanes)
    cycles, taken_in = maker.timing.pixel_cycles, edge.to_beats
    burst = edge.from_beats**2 * max(0, taken_in - cycles) // (cycles * taken_in)
    return pixels + burst  # within a pixel the engine's own queue holds what more comes than leaves in its cycles


def _seen(times: Array, edge: Edge, frames: int) -> Array:
    """Completion of the pixels of a frame in the shape in which it arrives, the same sequence of codes."""
    a, b = edge.from_type, edge.to_type
    need = ((np.arange(b.pixels) + 1) * b.channels - 1) // a.channels
    return np.asarray(times[(np.arange(frames)[:, None] * a.pixels + need[None, :]).reshape(-1)])


def latency_cycles(times: Times, graph: Graph) -> int:
    """Cycles from the first input beat to the last output beat of the last frame in `times`."""
    return max(int(times.arrival[f"{OUTPUT}.{i}"][-1]) for i in range(len(graph.outputs)))


def fifo_depths(units: Units, graph: Graph, ways: Routes, interval: int) -> dict[str, int]:
    """Beats that the FIFO of each edge must hold so that the interval is reached; edges that need none are left out.

    Computed on a schedule in which the input comes evenly: with FIFOs that suffice for one schedule of
    that rate, the self-timed design reaches it too, and cannot deadlock. The inputs of a join always
    have a FIFO. Where a join takes its arguments in turns, another pixel gathers while the others have theirs.
    A burst of an engine that never waits, and that a lane converter makes more beats of, waits in front of the
    converter, in a FIFO by the name `Edge.wide`; other engines wait with their work.
    """
    times = simulate_times(units, graph, ways, FRAMES, interval)
    if (frames := FRAMES - 1 + _ahead(units, times) // interval) > FRAMES:
        times = simulate_times(units, graph, ways, frames, interval)
    depths = {}
    for edge in ways.links:
        maker, unit = units.get(edge.value), units.get(edge.consumer)
        if maker and _hurries(maker) and (early := _backlog(edge, ways, times.ready[edge.value], maker)) > ABSORBED:
            depths[edge.wide] = early + SLACK
        if unit is None:
            continue
        waiting = _waiting(unit, edge, times)
        sent = -(-edge.to_type.channels // edge.from_lanes)
        if len(unit.args) > 1 or waiting * max(edge.to_beats, sent) > ABSORBED:
            depths[edge.name] = waiting * edge.to_beats + SLACK
    return depths


def _ahead(units: Units, times: Times) -> int:
    """Cycles that the first pixel of some argument waits for the others: as long the next frames come after it."""
    waits = [
        int(times.start[name][0] - times.arrival[f"{name}.{i}"][0])
        for name, unit in units.items()
        for i in range(len(unit.args))
    ]
    return max(waits)


def spillable(units: Units, graph: Graph, ways: Routes, interval: int, spills: Mapping[str, Spill]) -> set[str]:
    """The queues that may be in memory beside the chip, by the names of their edges.

    Those of which, in the schedule that the depths were computed on, every burst has come, and been written and read,
    before the first of its beats is taken. So nothing waits for a burst that is not complete, and the argument of
    `fifo_depths` holds for them too.
    """
    times = simulate_times(units, graph, ways, FRAMES, interval)
    found = set()
    for edge in ways.links:
        spill, unit = spills.get(edge.name), units.get(edge.consumer)
        if spill is None or unit is None:
            continue
        arrived, entered = times.arrival[edge.name], _entered(unit, edge, times)
        frames = np.arange(arrived.size // edge.to_type.pixels)[:, None] * edge.to_type.pixels
        complete = arrived[frames + spill.complete // edge.to_beats] + spill.latency
        if np.all(complete <= entered[frames + np.arange(spill.frame_beats) // edge.to_beats]):
            found.add(edge.name)
    return found


def _waiting(unit: AnyUnit, edge: Edge, times: Times) -> int:
    """Pixels of an edge that have arrived, or begun to where the engine takes turns, but may not enter yet, at most."""
    arrived, entered = times.arrival[edge.name], _entered(unit, edge, times)
    backlog = np.arange(1, arrived.size + 1) - np.searchsorted(entered, arrived, side="right")
    return int(backlog.max()) + bool(unit.timing.turns)


def _entered(unit: AnyUnit, edge: Edge, times: Times) -> Array:
    """The cycle in which every pixel of an edge may enter the engine."""
    timing = unit.timing
    arrived, start = times.arrival[edge.name], times.start[edge.consumer]
    frames = np.arange(start.size // unit.out.pixels)[:, None]
    room = timing.room[edge.index] if timing.room else None
    if room is None:
        index = (frames * edge.to_type.pixels + timing.need[edge.index][None, :]).reshape(-1)
        entered = np.full(arrived.size, np.iinfo(np.int64).max)
        np.minimum.at(entered, index, start + (timing.turns[edge.index] if timing.turns else 0))
        entered = np.minimum.accumulate(entered[::-1])[::-1]
    else:
        index = (frames * unit.out.pixels + room[None, :]).reshape(-1)
        over = start[np.maximum(index, 0)] + timing.pixel_cycles + RELEASE
        entered = np.where(index < 0, arrived, np.maximum(arrived, over))
    return np.asarray(np.maximum.accumulate(entered))
