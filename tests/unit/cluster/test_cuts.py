"""Where networks are cut, and which cuts are chosen."""

from itertools import combinations

import numpy as np
import pytest

from tests.networks.codenets import Codenet, plain, residual
from tomato.cluster.boards import choose, interval_of
from tomato.cluster.choose import Runs
from tomato.cluster.cuts import cuts, segments
from tomato.core.errors import TomatoError
from tomato.core.interpret import interpret
from tomato.core.ir import Graph
from tomato.core.progress import silent
from tomato.schedule.scheduler import PROBE, select
from tomato.targets import Cluster, Link, Resources, load_cluster

CLUSTER = load_cluster("zcu102,zcu102").clocked(100)


def chain(layers: int) -> Graph:
    """Convolutions one behind the other, wider and wider."""
    net = Codenet(6, 6, 2)
    x = "x"
    for i in range(layers):
        x = net.conv(x, 2 + 2 * i, f"c{i}")
    return net.graph(x)


def boards(count: int, gbits_per_s: float = 38.0) -> Cluster:
    one = CLUSTER.boards[0]
    return Cluster("test", (one,) * count, (Link("any", gbits_per_s, 100),) * (count - 1))


def test_one_value_crosses_and_no_sums() -> None:
    assert [cut.value for cut in cuts(residual(size=4, channels=2))] == ["add_q", "sum_q"]
    assert [cut.value for cut in cuts(plain())] == ["c1_q"]
    assert [cut.value for cut in cuts(chain(4))] == ["c0_q", "c1_q", "c2_q"]


@pytest.mark.parametrize("graph", [residual(size=4, channels=2), chain(4)], ids=["residual", "chain"])
def test_the_parts_compute_what_the_whole_does(graph: Graph) -> None:
    chosen = cuts(graph)
    (name, kind), *_ = graph.inputs
    x = np.random.default_rng(0).integers(kind.codes.lo, kind.codes.hi, (3, *kind.shape), endpoint=True)
    values = {name: x}
    for part in segments(graph, chosen):
        part.verify()
        values |= interpret(part, {n: values[n] for n, _ in part.inputs})
    (out,) = graph.outputs
    np.testing.assert_array_equal(values[out], interpret(graph, {name: x})[out])


@pytest.mark.parametrize("count", [2, 3])
def test_no_other_cuts_are_faster(count: int) -> None:
    """Every choice of cuts, at the interval below the one that was found, leaves a board without room."""
    graph, cluster = chain(6), boards(count)
    places, shares = cuts(graph), [0.02] * count
    runs = Runs(graph, cluster, places)
    found = runs.fastest(shares)
    assert found
    interval, chosen = found
    assert runs.at(interval, shares) is not None
    (board, *_), offers = cluster.boards, runs.offers[cluster.boards[0].name]
    room = Resources(**{kind: int(n * shares[0]) for kind, n in board.usable.counts().items()})
    faster = [step for step in runs.steps if step < interval][-1]

    def fits(some: tuple[int, ...], at: int) -> bool:
        parts = segments(graph, [places[i] for i in some])
        kinds = [{n.name: offers[n.name] for n in part} for part in parts]
        return all(select(kind, at, room, PROBE) for kind in kinds)

    every = list(combinations(range(len(places)), count - 1))
    assert not any(fits(some, faster) for some in every)
    assert fits(tuple(places.index(cut) for cut in chosen), interval)
    assert (runs.bound() or 0) <= interval


def test_boards_are_filled_evenly() -> None:
    graph = chain(6)
    made = choose(graph, boards(2), fps=1000, model="", given=False, progress=silent).boards
    assert all(len(board.lowered.units) >= 4 for board in made)


def test_a_slow_link_limits_where_the_network_is_cut() -> None:
    """The wide value cannot cross at that rate, so the network is cut where less goes over."""
    graph = chain(6)
    fast = choose(graph, boards(2), fps=None, model="", given=False, progress=silent)
    slow = choose(graph, boards(2, gbits_per_s=0.3), fps=None, model="", given=False, progress=silent)
    assert slow.cuts[0].bits < fast.cuts[0].bits
    assert interval_of(slow.boards) >= interval_of(fast.boards)
    assert all(b.goes.cycles <= interval_of(slow.boards) for b in slow.boards if b.goes)


def test_too_few_places_are_told() -> None:
    with pytest.raises(TomatoError, match="1 places at which it can be cut, 3 boards need 2"):
        choose(plain(), boards(3), fps=None, model="", given=False, progress=silent)


def test_a_rate_out_of_reach_is_told() -> None:
    with pytest.raises(TomatoError, match="is out of reach on test at 100 MHz: the fastest that fits makes"):
        choose(chain(3), boards(2), fps=1e8, model="", given=False, progress=silent)


def test_copies_are_told_where_they_are_faster() -> None:
    """A network that one board holds at its fastest gains nothing from being cut."""
    found = choose(chain(3), boards(2), fps=None, model="", given=False, progress=silent)
    assert found.copies == (2, interval_of(found.boards))
