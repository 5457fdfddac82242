"""Where nodes stand: nothing covers anything else."""

from hypothesis import given
from hypothesis import strategies as st

from tomato.build.page.lanes import DIRECT, Placed, place

RESIDUAL = {"in": [], "a": ["in"], "b": ["a"], "c": ["b"], "add": ["c", "a"], "out": ["add"]}


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    """Acyclic graphs; every node but the first reads one to three earlier ones."""
    count = draw(st.integers(1, 14))
    return {
        f"n{i}": [f"n{s}" for s in draw(st.lists(st.integers(0, i - 1), min_size=1, max_size=3))] if i else []
        for i in range(count)
    }


@given(graphs())
def test_no_two_nodes_share_a_place(reads: dict[str, list[str]]) -> None:
    placed = place(reads)
    assert len({(placed.lane[n], placed.row[n]) for n in reads}) == len(reads)
    assert all(placed.row[s] < placed.row[n] for n, sources in reads.items() for s in sources)
    assert all(0 <= placed.lane[n] < placed.lanes for n in reads)


@given(graphs())
def test_no_edge_runs_through_a_node(reads: dict[str, list[str]]) -> None:
    placed = place(reads)
    assert {(e.source, e.sink) for e in placed.edges} == {(s, n) for n, sources in reads.items() for s in sources}
    for edge in placed.edges:
        if edge.margin == DIRECT:
            passed = range(placed.row[edge.source] + 1, placed.row[edge.sink])
            assert not [n for n in reads if placed.lane[n] == edge.lane and placed.row[n] in passed]


@given(graphs())
def test_edges_in_the_margin_keep_apart(reads: dict[str, list[str]]) -> None:
    placed = place(reads)
    tracks = [(e.margin, placed.row[e.source], placed.row[e.sink]) for e in placed.edges if e.margin != DIRECT]
    for i, (track, first, last) in enumerate(tracks):
        assert track < placed.margins
        assert not [t for t in tracks[i + 1 :] if t[0] == track and t[1] < last and first < t[2]]


def test_a_residual_branch_runs_in_the_margin() -> None:
    placed = place(RESIDUAL)
    assert placed.lanes == 1
    assert _margins(placed) == {("a", "add"): 0}


def test_a_branch_with_a_layer_takes_a_lane() -> None:
    placed = place({"in": [], "a": ["in"], "skip": ["a"], "b": ["a"], "c": ["b"], "add": ["c", "skip"]})
    assert placed.lanes == 2
    assert placed.lane["skip"] == 1
    assert _margins(placed) == {}


def test_nothing_is_placed_of_nothing() -> None:
    assert place({}) == Placed({}, {}, (), 1, 0)


def _margins(placed: Placed) -> dict[tuple[str, str], int]:
    return {(e.source, e.sink): e.margin for e in placed.edges if e.margin != DIRECT}
