"""What edges take: cycles through narrow lanes, registers between regions."""

import numpy as np

from tests.networks.codenets import plain
from tests.unit.schedule.test_timing import units_of, ways_of
from tomato.schedule.regions import CROSSING, crossings
from tomato.schedule.streams import edges
from tomato.schedule.timing import simulate_times


def test_pixels_come_through_narrow_lanes_no_faster_than_their_beats() -> None:
    graph = plain()
    fast, slow = units_of(graph, graph.types["c1"].pixels), units_of(graph, 3000)
    units = {**slow, "c1": fast["c1"], "c1_q": fast["c1_q"]}
    (edge,) = (e for e in edges(graph, units) if e.consumer == "head")
    assert (edge.from_lanes, edge.to_lanes, edge.to_type.channels) == (4, 1, 4)
    times = simulate_times(units, graph, ways_of(graph, units), 2, None)
    assert set(np.diff(times.start["c1"])) != {4}
    assert set(np.diff(times.start["c1_q"])) == {4}  # the engine in front of them waits with its work
    assert set(np.diff(times.arrival[edge.name])) == {4}


def test_edges_between_regions_cross_and_outputs_leave_where_they_are_made() -> None:
    graph = plain()
    links = edges(graph, units_of(graph, 3000))
    assert crossings(links, {"c1": 0, "c1_q": 0, "head": 2, "head_q": 2}) == {"head.0": 2 * CROSSING}
    assert crossings(links, dict.fromkeys(("c1", "c1_q", "head", "head_q"), 1)) == {"c1.0": CROSSING}
