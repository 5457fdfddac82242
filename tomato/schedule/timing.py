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
from tomato.core.ir import Graph, Node
from tomato.engines import CATALOGUE
from tomato.hardware.plumbing import FIFO_LATENCY, FORK_LATENCY, REGISTER_LATENCY, Width, width_cycles
from tomato.schedule.plan import Choice
from tomato.schedule.streams import OUTPUT, WIRING, Edge, edges, site

NO_HOPS: Mapping[str, int] = MappingProxyType({})
"""No edge crosses a border between regions."""
FRAMES = 3
"""Frames back to back that FIFO depths are computed over."""
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
    graph: Graph,
    layers: Mapping[str, Choice],
    frames: int,
    interval: int | None,
    hops: Mapping[str, int] = NO_HOPS,
) -> Times:
    """Predict `frames` frames. The input comes at full speed, or evenly spread over `interval` cycles a frame.

    hops: registers on the way of an edge, by its name.
    """
    links = {e.name: e for e in edges(graph, layers)}
    forked = _forked(links)
    ready: dict[str, Array] = {}
    arrival: dict[str, Array] = {}
    start: dict[str, Array] = {}
    for name, kind in graph.inputs:
        lanes, kind = next(((e.from_lanes, e.from_type) for e in links.values() if e.value == name), (1, kind))
        beats = -(-kind.channels // lanes)
        pixels = np.arange(frames * kind.pixels)
        period = interval / kind.pixels if interval else beats
        ready[name] = np.floor(pixels * max(period, beats)).astype(np.int64) + beats - 1
    for node in graph:
        if isinstance(node.op, WIRING):
            continue
        choice = layers[node.name]
        timing = CATALOGUE[choice.engine].timing(site(graph, node), choice.knobs)
        gate = np.zeros(frames * node.type.pixels, dtype=np.int64)
        for i, need in enumerate(timing.need):
            edge = links[f"{node.name}.{i}"]
            through = _through(edge, ready[edge.value], frames, edge.value in forked, len(node.args) > 1)
            arrival[edge.name] = through + hops.get(edge.name, 0) * REGISTER_LATENCY
            per_frame = edge.to_type.pixels
            index = (np.arange(frames)[:, None] * per_frame + need[None, :]).reshape(-1)
            gate = np.maximum(gate, arrival[edge.name][index])
        start[node.name] = _paced(gate, timing.cycles)
        ready[node.name] = start[node.name] + timing.latency
    for edge in links.values():
        if edge.consumer == OUTPUT:
            arrival[edge.name] = _through(edge, ready[edge.value], frames, edge.value in forked, False) + 1
    return Times(ready, arrival, start)


def _forked(links: Mapping[str, Edge]) -> set[str]:
    values = [e.value for e in links.values()]
    return {v for v in values if values.count(v) > 1}


def _paced(gate: Array, cycles: int) -> Array:
    """start[p] = max(gate[p], start[p-1] + cycles)."""
    ramp = np.arange(gate.size, dtype=np.int64) * cycles
    return np.asarray(np.maximum.accumulate(gate - ramp) + ramp)


def _through(edge: Edge, ready: Array, frames: int, forked: bool, queued: bool) -> Array:
    """Arrival of every pixel behind the fork, the width converter and the FIFO of an edge."""
    times = ready + (FORK_LATENCY if forked else 0)
    a, b = edge.from_type, edge.to_type
    if Width(a.channels, edge.from_lanes, b.channels, edge.to_lanes).needed:
        last = (np.arange(b.pixels) + 1) * b.channels - 1
        need = last // a.channels
        index = (np.arange(frames)[:, None] * a.pixels + need[None, :]).reshape(-1)
        beats = max(-(-b.channels // edge.to_lanes), 1)
        latency = width_cycles(a.channels, edge.from_lanes, b.channels, edge.to_lanes)
        times = _paced(times[index], beats) + latency
    elif a.shape != b.shape:
        need = ((np.arange(b.pixels) + 1) * b.channels - 1) // a.channels
        times = times[(np.arange(frames)[:, None] * a.pixels + need[None, :]).reshape(-1)]
    return times + (FIFO_LATENCY if queued else 0)


def latency_cycles(graph: Graph, layers: Mapping[str, Choice], hops: Mapping[str, int] = NO_HOPS) -> int:
    """Cycles from the first input beat to the last output beat of one frame, the input never waiting."""
    times = simulate_times(graph, layers, 1, None, hops)
    return max(int(times.arrival[f"{OUTPUT}.{i}"][-1]) for i in range(len(graph.outputs)))


def fifo_depths(
    graph: Graph, layers: Mapping[str, Choice], interval: int, hops: Mapping[str, int] = NO_HOPS
) -> dict[str, int]:
    """Beats that the FIFO of each edge must hold so that the interval is reached; edges that need none are left out.

    Computed on a schedule in which the input comes evenly: with FIFOs that suffice for one schedule of
    that rate, the self-timed design reaches it too, and cannot deadlock. The inputs of a join always
    have a FIFO. Where a join takes its arguments in turns, another pixel gathers while the others have theirs.
    """
    times = simulate_times(graph, layers, FRAMES, interval, hops)
    depths = {}
    for edge in edges(graph, layers):
        node = graph.producers.get(edge.consumer)
        if node is None:
            continue
        waiting = _waiting(graph, node, layers[node.name], edge, times)
        beats = -(-edge.to_type.channels // edge.to_lanes)
        sent = -(-edge.to_type.channels // edge.from_lanes)
        if len(node.args) > 1 or waiting * max(beats, sent) > ABSORBED:
            depths[edge.name] = waiting * beats + SLACK
    return depths


def _waiting(graph: Graph, node: Node, choice: Choice, edge: Edge, times: Times) -> int:
    """Pixels of an edge that have arrived, or begun to where the engine takes turns, but may not enter yet, at most."""
    timing = CATALOGUE[choice.engine].timing(site(graph, node), choice.knobs)
    arrived, start = times.arrival[edge.name], times.start[node.name]
    frames = np.arange(FRAMES)[:, None]
    if timing.room is None:
        index = (frames * edge.to_type.pixels + timing.need[edge.index][None, :]).reshape(-1)
        entered = np.full(arrived.size, np.iinfo(np.int64).max)
        np.minimum.at(entered, index, start + (timing.turns[edge.index] if timing.turns else 0))
        entered = np.minimum.accumulate(entered[::-1])[::-1]
    else:
        index = (frames * node.type.pixels + timing.room[None, :]).reshape(-1)
        over = start[np.maximum(index, 0)] + timing.cycles + RELEASE
        entered = np.where(index < 0, arrived, np.maximum(arrived, over))
    entered = np.maximum.accumulate(entered)
    backlog = np.arange(1, arrived.size + 1) - np.searchsorted(entered, arrived, side="right")
    return int(backlog.max()) + bool(timing.turns)
