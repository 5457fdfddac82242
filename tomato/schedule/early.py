"""Early exits in time: frames that wait in front of a Leave, and the average interval that comes of it.

A queue model on whole frames: a level (what lies between two exits) takes a frame every `interval` cycles, and waits
where the queue in front of the Leave behind it is full; a Leave lets a frame go on when the next level takes one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.ir import Graph
from tomato.hardware.parts import Fifo
from tomato.hardware.plumbing import REGISTER_LATENCY
from tomato.ops.exits import NUMBER_BITS, Exit, Leave, number_bits
from tomato.schedule.rates import Rates
from tomato.schedule.route import Routes, routes
from tomato.schedule.streams import Edge
from tomato.schedule.timing import SLACK, Times, fifo_depths, simulate_times
from tomato.schedule.units import Units
from tomato.targets import Target

FRAMES = 20_000
"""Frames that the model plays, drawn at random, to choose how many may wait."""
CLOSE = 1.02
"""How far above the interval without any waiting the average may be."""
SAME = 1.005
"""How far above the least average it may be where more memory does not bring it there."""
WAITING = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96)
"""Frames that may wait in front of a Leave beside those that it takes to know whether they go on."""
MOST_MEMORY = 0.25
"""Part of the memory of a chip that they may take."""
DROPPED = 4
"""Frames that a Leave may drop one after the other before the layer behind it has nothing to do."""
MORE = 2
"""Frames that may wait at an Exit beside those that are on their way."""


@dataclass(frozen=True, slots=True)
class Level:
    """What lies between two exits, or behind the last.

    interval: cycles a frame. told: cycles until the bit of a frame has reached the Leave behind. done: until its scores
    have reached the Exit. beats: of a frame in front of that Leave. room: frames that may be on their way to it.
    ahead: the part of a frame that may wait behind it.
    """

    interval: int
    done: int
    told: int = 0
    beats: int = 0
    room: int = 0
    ahead: float = 0.0


def intervals(units: Units, links: Sequence[Edge], rates: Rates) -> list[int]:
    """By level, the cycles per frame of its slowest engine or stream."""
    found = [1] * (len(set(rates.levels.values()) | set(rates.before.values())))
    for name, unit in units.items():
        level = rates.levels[name]
        found[level] = max(found[level], unit.interval.guaranteed)
    for edge in links:
        level = rates.before[edge.value]
        found[level] = max(found[level], edge.frame_beats)
    return found


def levels(graph: Graph, units: Units, ways: Routes, rates: Rates) -> tuple[Level, ...]:
    """The levels of a design whose queues are as deep as `ways` has them."""
    times = simulate_times(units, graph, ways, 1, None)
    links = {edge.name: edge for edge in ways.links}
    found = [Level(interval, 0) for interval in intervals(units, ways.links, rates)]
    begins = [0] * len(found)
    for name, unit in units.items():
        level = rates.levels[name]
        if isinstance(unit.op, Leave):
            frame = links[f"{name}.1"]
            room = max(1, int(_frames(ways, frame)))
            known = found[level]
            told = int(times.arrival[f"{name}.0"][0]) - begins[level]
            if not known.room or room < known.room:
                ahead = min((_frames(ways, edge) for edge in ways.readers[name]), default=0.0)
                known = replace(known, told=told, beats=unit.cycles, room=room, ahead=min(1.0, ahead))
            found[level] = known
            begins[level + 1] = int(times.start[name][0])
        if isinstance(unit.op, Exit):
            found[level] = replace(found[level], done=int(times.arrival[f"{name}.1"][-1]) - begins[level])
            if level == len(found) - 2:
                late = int(times.arrival[f"{name}.2"][-1]) - begins[level + 1]
                found[level + 1] = replace(found[level + 1], done=late)
    return tuple(found)


def latencies(units: Units, ways: Routes, times: Times) -> list[int]:
    """By exit, cycles from the first input beat of a frame that leaves there to its last output beat, without waits."""
    found = list[int]()
    after = 0  # from what the exit behind gives to the output
    for name, unit in reversed(list(units.items())):
        if isinstance(unit.op, Exit):
            (edge,) = ways.readers[name]
            after += sum(part.latency for part in ways.parts[edge.name])
            told, come = (int(times.arrival[f"{name}.{i}"][-1]) for i in (0, 1))
            found.append(max(told + unit.cycles - 1, come) + 2 * REGISTER_LATENCY + after)
            after += unit.timing.latency
    return found


def _frames(ways: Routes, edge: Edge) -> float:
    """Frames that the queue of an edge holds."""
    depth = next((part.depth for part in reversed(ways.parts[edge.name]) if isinstance(part, Fifo)), 0)
    return depth / (edge.to_type.pixels * edge.to_beats)


def drawn(shares: Sequence[float], frames: int = FRAMES) -> list[int]:
    """How many exits each of so many frames passes, at random, always the same."""
    on = np.random.default_rng(0).random((frames, len(shares))) < np.array(shares)
    return [int(n) for n in np.minimum.accumulate(on, axis=1).sum(axis=1)]


def departures(found: Sequence[Level], passed: Sequence[int], *, ordered: bool) -> list[int]:
    """In which cycle each frame's result leaves. passed: how many exits it passes. ordered: after the one before."""
    last = [-level.interval for level in found]  # when a level took its last frame
    freed: list[list[int]] = [[] for _ in found]  # when each frame had left the queue in front of a Leave
    left = list[int]()
    for count in passed:
        begin = 0
        for level, here in enumerate(found[: count + 1]):
            sent = max(begin, last[level])  # behind a Leave a frame may be while the one before it is computed
            begin = max(begin, last[level] + here.interval)
            gone = freed[level]
            if here.room and len(gone) >= here.room:
                begin = max(begin, gone[-here.room])
            last[level] = begin
            if level:
                before = found[level - 1]
                taken = begin + round((1 - before.ahead) * here.interval)
                freed[level - 1].append(max(sent + before.beats, taken))
            if level < len(found) - 1:
                reached = max(begin + here.told, gone[-1] if gone else 0)
                if level == count:
                    gone.append(reached + here.beats)
                else:
                    begin = reached
        out = last[count] + found[count].done
        left.append(max(out, left[-1] + 1) if left and ordered else out)
    return left


def average(found: Sequence[Level], passed: Sequence[int], *, ordered: bool) -> float | None:
    """Cycles per frame from the second result on, as simulation measures it; None for fewer than three frames."""
    left = sorted(departures(found, passed, ordered=ordered))
    return (left[-1] - left[1]) / (len(left) - 2) if len(left) > 2 else None


def ordered(graph: Graph) -> bool:
    """Whether results leave in the order of the frames."""
    return not any(number_bits(graph, name) for name in graph.outputs)


def ideal(found: Sequence[Level], passed: Sequence[int]) -> float:
    """Cycles per frame if any number of frames could wait."""
    counts = np.array(passed)
    return max(float(np.mean(counts >= i)) * level.interval for i, level in enumerate(found))


def depths(
    graph: Graph, units: Units, ways: Routes, rates: Rates, target: Target, regions: Mapping[str, int]
) -> dict[str, int]:
    """Beats that the queue of each edge must hold; those of exits so many that the average interval is `CLOSE`.

    Queues within a level suffice for frames that come as fast as its slowest engine. `ways` has no queues yet.
    """
    paces = intervals(units, ways.links, rates)
    found = [fifo_depths(units, graph, ways, max(paces[: i + 1])) for i in range(len(paces))]
    base = {
        name: depth
        for edge in ways.links
        for name in (edge.wide, edge.name)
        if (depth := found[rates.levels.get(edge.consumer, 0)].get(name))
    }
    if not rates.shares:
        return base
    passed, in_order = drawn(rates.shares), ordered(graph)
    tried: list[tuple[float, dict[str, int], tuple[Level, ...]]] = []
    for waiting in WAITING:
        more = _with_waiting(graph, units, ways, rates, base, waiting)
        if tried and _memory(ways, more, base) > MOST_MEMORY * target.memory_bits(target.usable):
            break
        made = levels(graph, units, routes(ways.links, target, regions, more), rates)
        tried.append((average(made, passed, ordered=in_order) or 0, more, made))
        if tried[-1][0] <= CLOSE * ideal(made, passed):
            break
    best = min(met for met, _, _ in tried)
    _, more, made = next(found for found in tried if found[0] <= SAME * best)
    if not in_order and overtaken(made) >= 1 << NUMBER_BITS - 1:
        raise TomatoError(
            f"up to {overtaken(made):,} frames leave while one goes on: numbers of {NUMBER_BITS} bits do not tell them",
            hint="--exit-order frames",
        )
    return more


def overtaken(found: Sequence[Level]) -> int:
    """How many frames may leave while one goes on to the end, at most: each in front of it takes the slowest level."""
    waiting, through = sum(level.room + MORE for level in found), sum(level.done for level in found)
    return -(-(waiting * max(level.interval for level in found) + through) // found[0].interval)


def _memory(ways: Routes, chosen: Mapping[str, int], base: Mapping[str, int]) -> int:
    """Bits of the queues beside those without waiting."""
    return sum(
        (chosen[edge.name] - base.get(edge.name, 0)) * edge.to_lanes * edge.from_type.codes.bits
        for edge in ways.links
        if edge.name in chosen
    )


def _with_waiting(
    graph: Graph, units: Units, ways: Routes, rates: Rates, base: Mapping[str, int], waiting: int
) -> dict[str, int]:
    """The queues with so many frames in front of every Leave, and at every Exit those that are behind it meanwhile."""
    times, found = simulate_times(units, graph, ways, 1, None), dict(base)
    paces, links = intervals(units, ways.links, rates), {edge.name: edge for edge in ways.links}
    for name, unit in units.items():
        level = rates.levels[name]
        if isinstance(unit.op, Leave):
            frame = links[f"{name}.1"]
            held = found[frame.name] // (frame.to_type.pixels * frame.to_beats) + 1
            found[frame.name] += waiting * frame.to_type.pixels * frame.to_beats
            found[f"{name}.0"] = waiting + held + SLACK
        if isinstance(unit.op, Exit) and unit.op.number:  # nobody waits there but while another frame leaves
            for edge in (links[f"{name}.0"], links[f"{name}.1"]):
                found[edge.name] = MORE * edge.to_type.pixels * edge.to_beats + SLACK
        elif isinstance(unit.op, Exit):
            late = int(times.arrival[f"{name}.2"][-1]) - int(times.arrival[f"{name}.0"][0])
            frames = waiting * (len(paces) - 1 - level) + -(-late // paces[level]) + MORE
            for edge in (links[f"{name}.0"], links[f"{name}.1"]):
                found[edge.name] = frames * edge.to_type.pixels * edge.to_beats + SLACK
    for edge in ways.links:
        if edge.value in units and isinstance(units[edge.value].op, Leave):
            beats, pace = edge.to_type.pixels * edge.to_beats, paces[rates.before[edge.value]]
            found[edge.name] = max(found.get(edge.name, 0), min(beats, -(-DROPPED * beats**2 // pace)) + SLACK)
    return found
