"""The prediction of times against plain loops, and FIFO depths against a simulation of events."""

from collections import deque
from itertools import pairwise

import numpy as np
import pytest

from tests.networks.codenets import Codenet, concatenated, plain, residual
from tomato.core.formats import Array
from tomato.core.ir import Graph
from tomato.engines.parts.ring import ring_rows
from tomato.hardware.plumbing import FIFO_LATENCY, FORK_LATENCY, Width, width_cycles
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.join import Add
from tomato.ops.move import Pad, Transpose
from tomato.ops.requant import Requant
from tomato.ops.window import Window
from tomato.schedule import options
from tomato.schedule.route import Routes, routes
from tomato.schedule.streams import OUTPUT, edges
from tomato.schedule.timing import SLACK, fifo_depths, latency_cycles, simulate_times
from tomato.schedule.units import Units
from tomato.targets import load

TARGET = load("u250")


def units_of(graph: Graph, cycles: int) -> Units:
    """Of every node the slowest unit of at most `cycles` cycles, or else the fastest."""
    found = {}
    for name, offers in options(graph, TARGET).items():
        within = [o for o in offers if o.cycles <= cycles]
        best = max(within, key=lambda o: o.cycles) if within else min(offers, key=lambda o: o.cycles)
        found[name] = best.unit
    return found


def ways_of(graph: Graph, units: Units) -> Routes:
    """The parts between those units, all in one region, no queue yet."""
    return routes(edges(graph, units), TARGET)


def loops(graph: Graph, units: Units, frames: int) -> dict[str, list[int]]:
    """`simulate_times(...).ready` pixel by pixel, for inputs at full speed.

    Where codes leave a folded layer one group after the other, a lane converter passes the first ones on meanwhile.
    """
    over: dict[str, int] = {}  # cycles between a pixel's first beat and its last
    links = {e.name: e for e in edges(graph, units)}
    values = [e.value for e in links.values()]
    ready: dict[str, list[int]] = {}
    for name, _ in graph.inputs:
        first = next(e for e in links.values() if e.value == name)
        kind, beats = first.from_type, first.from_beats
        ready[name] = [p * beats + beats - 1 for p in range(frames * kind.pixels)]
    for node in graph:
        timing = units[node.name].timing
        arrivals = []
        for i in range(len(node.args)):
            edge = links[f"{node.name}.{i}"]
            times = [t + (FORK_LATENCY if values.count(edge.value) > 1 else 0) for t in ready[edge.value]]
            a, b = edge.from_type.channels, edge.to_type.channels
            if a != b:  # pixels of the reader are complete with the pixel that has their last code
                times = [times[((p + 1) * b - 1) // a] for p in range(frames * edge.to_type.pixels)]
            if Width(a, edge.from_lanes, b, edge.to_lanes).needed:
                beats, last = -(-b // edge.to_lanes), -(10**9)
                for p, t in enumerate(times):
                    last = max(t, last + beats)
                    times[p] = last
                cycles = over.get(edge.value, 0) if a == b else 0
                latency, over[edge.name] = converted(Width(a, edge.from_lanes, b, edge.to_lanes), cycles)
                times = [t + latency for t in times]
            arrivals.append([t + (FIFO_LATENCY if len(node.args) > 1 else 0) for t in times])
        starts: list[int] = []
        pixels, readers = units[node.name].out.pixels, [e for e in links.values() if e.value == node.name]
        apart = [(e.to_type.pixels // pixels) * e.to_beats for e in readers if e.to_type.pixels % pixels == 0]
        paced = max([timing.pixel_cycles, *apart])  # a lane converter behind it holds it up
        for p in range(frames * pixels):
            frame, pixel = divmod(p, pixels)
            gates = [
                times[frame * links[f"{node.name}.{i}"].to_type.pixels + int(timing.need[i][pixel])]
                for i, times in enumerate(arrivals)
            ]
            starts.append(max([*gates, *([starts[-1] + paced] if starts else [0])]))
        ready[node.name] = [s + timing.latency for s in starts]
        beats = -(-units[node.name].out.channels // units[node.name].lanes[1])
        if isinstance(node.op, Conv2d | Dense):
            over[node.name] = timing.pixel_cycles * (beats - 1) // beats
        elif len(node.args) == 1 and isinstance(node.op, Requant):
            over[node.name] = over.get(f"{node.name}.0", over.get(node.args[0], 0))
    return ready


def converted(width: Width, over: int) -> tuple[int, int]:
    """The latency of a lane converter, and the cycles over which a pixel leaves, code by code."""
    beats = -(-width.in_channels // width.in_lanes)
    if over < beats:
        cycles = width_cycles(width.in_channels, width.in_lanes, width.out_channels, width.out_lanes)
        return cycles, -(-width.out_channels // width.out_lanes) - 1
    there = [over * (c // width.in_lanes) // (beats - 1) for c in range(width.in_channels)]
    delay = 1 if width.kind in ("same", "up") else 2
    left: list[int] = []
    for code in range(width.out_lanes - 1, width.out_channels + width.out_lanes - 1, width.out_lanes):
        left.append(max([there[min(code, width.out_channels - 1)] + delay, *(t + 1 for t in left[-1:])]))
    return left[-1] - there[-1], left[-1] - left[0]


@pytest.mark.parametrize("cycles", [1, 64, 300, 3000])
@pytest.mark.parametrize("graph", [plain(), residual()], ids=["plain", "residual"])
def test_times_are_those_of_the_recursion(graph: Graph, cycles: int) -> None:
    units = units_of(graph, cycles)
    ways = ways_of(graph, units)
    want, got = loops(graph, units, 2), simulate_times(units, graph, ways, 2, None)
    assert {n: t.tolist() for n, t in got.ready.items()} == want
    one = simulate_times(units, graph, ways, 1, None)
    assert latency_cycles(one, graph) == got.arrival[f"{OUTPUT}.0"][len(got.arrival[f"{OUTPUT}.0"]) // 2 - 1]


def backlog(arrived: Array, taken: Array) -> int:
    """The most that wait in a queue: arrivals are counted before departures of the same cycle."""
    waiting, most, leaving = deque[int](), 0, sorted(taken.tolist(), reverse=True)
    for t in sorted(arrived.tolist()):
        while leaving and leaving[-1] < t:
            leaving.pop()
            waiting.popleft()
        waiting.append(t)
        most = max(most, len(waiting))
    return most


@pytest.mark.parametrize("cycles", [64, 300, 3000])
def test_the_shortcut_has_room_for_what_the_branch_delays(cycles: int) -> None:
    graph = residual()
    units = units_of(graph, cycles)
    ways, interval = ways_of(graph, units), max(unit.cycles for unit in units.values())
    depths = fifo_depths(units, graph, ways, interval)
    times = simulate_times(units, graph, ways, 3, interval)
    pixels, beats = graph.types["x"].pixels, {e.name: e.to_beats for e in ways.links}
    for name in ("add.0", "add.1"):
        most = backlog(times.arrival[name], times.start["add"])
        assert most * beats[name] <= depths[name] <= (most + 1) * beats[name] + SLACK
    assert depths["add.1"] >= beats["add.1"] * 2 * graph.types["x"].shape[1], (
        "two windows of three rows wait for a row each"
    )
    assert depths["add.1"] <= beats["add.1"] * pixels + SLACK
    assert depths["add.0"] < depths["add.1"]


def test_a_queue_takes_its_cycles_once() -> None:
    """In front of a join it counts before its depth is known; elsewhere where there is one."""
    graph = residual()
    units = units_of(graph, 300)
    bare = ways_of(graph, units)
    joined, lone = (routes(bare.links, TARGET, fifos={f"{name}.0": 8}) for name in ("add", "c1"))
    before, known, more = (simulate_times(units, graph, ways, 2, None).arrival for ways in (bare, joined, lone))
    assert {name: times.tolist() for name, times in known.items()} == {n: t.tolist() for n, t in before.items()}
    assert set((more["c1.0"] - before["c1.0"]).tolist()) == {FIFO_LATENCY}


@pytest.mark.parametrize("channels", [(128, 128), (16, 240), (96, 96, 96), (8, 120, 24, 96)], ids=str)
def test_parts_of_a_concatenation_have_room_until_their_turn(channels: tuple[int, ...]) -> None:
    """Beats come as early as they may, behind those of the pixel before; the others' turns delay that of a part."""
    graph = concatenated(*channels)
    interval = 9 * sum(channels)
    units = units_of(graph, interval)
    ways = ways_of(graph, units)
    depths = fifo_depths(units, graph, ways, interval)
    times = simulate_times(units, graph, ways, 3, interval)
    turn = 1 - channels[0]
    for i, beats in enumerate(channels):
        ends = times.arrival[f"cat.{i}"].tolist()
        arrived = [
            min(before + 1 + b, end - beats + 1 + b) for before, end in pairwise([0, *ends]) for b in range(beats)
        ]
        taken = [start + turn + b for start in times.start["cat"].tolist() for b in range(beats)]
        assert backlog(np.array(arrived), np.array(taken)) <= depths[f"cat.{i}"] <= 3 * beats + SLACK
        turn += beats


@pytest.mark.parametrize(("pads", "rows"), [((1, 2, 1, 2), 4), ((2, 0, 0, 4), 5)])
def test_a_ring_has_a_row_more_where_nothing_hides_the_pipeline(pads: tuple[int, int, int, int], rows: int) -> None:
    """Both windows are three rows high and as fast as their input; the second waits for the end of its row."""
    assert ring_rows((9, 5, 6), 30, (9, 5), Window((3, 5), pads=pads), 6) == rows


def test_a_chain_at_full_speed_needs_no_fifo() -> None:
    graph = plain()
    units = units_of(graph, 1)
    assert fifo_depths(units, graph, ways_of(graph, units), 30) == {}


def test_a_wide_beat_that_waits_is_several_narrow_ones() -> None:
    """A pixel of four beats does not fit the queue in front of the lanes' converter."""
    net = Codenet(1, 2, 4)
    padded = net.build.add(Pad((2, 2, 0, 0), 3), [net.dense("x", 4, "d")], "pad")
    graph = net.graph(padded)
    units = dict(units_of(graph, 12))
    for name, unit in units.items():
        if "lanes" in unit.knobs:
            units[name] = type(unit)(unit.site, {**unit.knobs, "lanes": 1 if name == "d_q" else 4})
    assert set(fifo_depths(units, graph, ways_of(graph, units), 12)) == {"pad.0"}


def test_an_input_no_slower_than_the_interval_leaves_latency_alone() -> None:
    graph = residual()
    units = units_of(graph, 300)
    even = simulate_times(units, graph, ways_of(graph, units), 3, 400)
    ends = even.ready["head_q"]
    assert np.diff(ends).tolist() == [400, 400]


def test_a_join_whose_other_path_takes_frames_holds_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each transposition keeps a frame until the next one has come."""
    net = Codenet(4, 4, 2)
    begin = x = net.dense("x", 2, "d")
    for i in range(6):
        x = net.build.add(Transpose((4, 4, 2), (1, 0, 2), (4, 4, 2)), [x], f"turn{i}")
    graph = net.graph(net.build.add(Add(), [begin, x], "sum"))
    units = units_of(graph, 32)
    ways = ways_of(graph, units)
    depths = fifo_depths(units, graph, ways, 32)
    assert depths["sum.0"] > 6 * 16
    monkeypatch.setattr("tomato.schedule.timing.FRAMES", 20)
    assert depths == fifo_depths(units, graph, ways, 32)
