"""Graphs are read, checked with one clear error, split, weighted, and cut down to a few nodes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.networks.planted import CLASSES, NODES, arrays, planted
from tomato.core.errors import TomatoError
from tomato.search.graphs import data
from tomato.search.graphs.data import FORM, GraphData, of, read

PATH = {
    "x": np.eye(4, dtype=np.float32),
    "edges": np.array([[0, 1, 1, 2], [1, 2, 0, 2]]),
    "labels": np.array([0, 1, 0, 1]),
}
"""0 - 1 - 2, one edge of them twice, 2 with itself, and 3 alone."""
MASKS = {"train": np.array([0, 1]), "valid": np.array([2]), "test": np.array([False, False, False, True])}


def path() -> GraphData:
    return of({**PATH, **MASKS})


def dense(given: GraphData, kind: Any) -> np.ndarray:
    targets, sources, values = given.matrix(kind)
    made = np.zeros((given.nodes, given.nodes))
    made[targets, sources] = values
    return made


def test_edges_are_both_ways_and_each_once() -> None:
    assert path().edges.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    turned = of({**PATH, **MASKS, "edges": PATH["edges"][:, :3].T})
    assert turned.edges.tolist() == path().edges.tolist()


def test_masks_may_be_numbers_of_nodes() -> None:
    assert path().train.tolist() == [True, True, False, False]
    assert path().test.tolist() == [False, False, False, True]


def test_neighbours_are_weighted_as_published() -> None:
    half, sixth = 1 / 2, 1 / np.sqrt(6)
    gcn = [[half, sixth, 0, 0], [sixth, 1 / 3, sixth, 0], [0, sixth, half, 0], [0, 0, 0, 1]]
    np.testing.assert_allclose(dense(path(), "gcn"), gcn)
    mean = np.array([[0, 1, 0, 0], [half, 0, half, 0], [0, 1, 0, 0], [0, 0, 0, 0]], float)
    np.testing.assert_allclose(dense(path(), "mean"), mean)
    np.testing.assert_allclose(dense(path(), "self_mean").sum(axis=1), 1)
    counts = path().edge_counts()
    assert counts == {"gcn": 8, "mean": 4, "self_mean": 8}
    assert all(np.count_nonzero(dense(path(), kind)) == count for kind, count in counts.items())


def test_a_part_keeps_the_edges_between_its_nodes() -> None:
    part = path().part(np.array([2, 1]))
    assert part.edges.tolist() == [[0, 1], [1, 0]]
    assert part.labels.tolist() == [0, 1]
    assert part.train.tolist() == [False, True]


def test_breadth_first_search_finds_so_many_nodes_next_to_each_other() -> None:
    given = planted()
    nodes = given.near(20, 1)
    assert len(set(nodes.tolist())) == 20
    assert nodes.tolist() == given.near(20, 1).tolist()
    assert nodes.tolist() != given.near(20, 2).tolist()
    part = given.part(nodes)
    assert part.edges.shape[1] > 2 * 19 - 1  # a tree at least: it is connected
    assert given.near(NODES + 1).tolist() == list(range(NODES))
    assert len(path().near(4)) == 4  # goes on from another node where a component ends


def test_drawn_splits_are_apart_and_have_all_classes() -> None:
    for nodes in (NODES, 2000):
        labels = np.arange(nodes) % CLASSES
        train, valid, test = data.drawn(labels, 0)
        assert not (train & valid).any()
        assert not (train & test).any()
        assert not (valid & test).any()
        assert set(labels[train]) == set(range(CLASSES))
        assert (data.drawn(labels, 1)[1] != valid).any()
    assert (train.sum(), valid.sum(), test.sum()) == (60, 500, 1000)


def test_bits_of_features() -> None:
    assert planted().entered == 1
    given = arrays()
    assert of({**given, "x": given["x"] / 3}).entered == 8


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"labels": None}, "labels is missing"),
        ({"x": np.zeros(4)}, "x is float64 of shape (4,), not numbers of (nodes, features)"),
        ({"x": np.array([[0], [0], [np.nan], [0]])}, "x of node 2 is not finite"),
        ({"labels": np.array([0, 1])}, "labels are int64 of shape (2,), not a class from 0 of 4 nodes"),
        ({"labels": np.array([0, 1, -1, 0])}, "labels are int64 of shape (4,), not a class from 0 of 4 nodes"),
        ({"labels": np.zeros(4, int)}, "all nodes have one class"),
        ({"edges": np.zeros((3, 5), int)}, "edges are int64 of shape (3, 5), not whole numbers of (2, edges)"),
        ({"edges": np.array([[0.0], [1.0]])}, "edges are float64 of shape (2, 1), not whole numbers of (2, edges)"),
        ({"edges": np.array([[0], [4]])}, "an edge ends at node 4, but there are 4 nodes, from 0"),
        ({"edges": np.array([[0], [-1]])}, "an edge ends at node -1, but there are 4 nodes, from 0"),
        ({"valid": None}, "valid is missing"),
        ({"valid": np.array([7])}, "valid is int64 of shape (1,), not a mask, or numbers, of nodes"),
        ({"valid": np.zeros(4, bool)}, "valid has no nodes"),
        ({"valid": np.array([1])}, "a node is in two of train, valid and test"),
    ],
)
def test_bad_data_is_refused(change: dict[str, Any], said: str) -> None:
    given = {k: v for k, v in {**PATH, **MASKS, **change}.items() if v is not None}
    with pytest.raises(TomatoError) as error:
        of(given)
    assert error.value.what == said


def test_a_file_that_is_no_graph_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_text("nothing")
    np.savez(tmp_path / "b.npz", x=PATH["x"])
    for name, said in (("a", "this is no graph"), ("b", "edges is missing")):
        with pytest.raises(TomatoError) as error:
            read(tmp_path / f"{name}.npz")
        assert str(error.value) == f"error: {said}\n  --> {tmp_path / name}.npz\n  hint: {FORM}"
    with pytest.raises(TomatoError):
        read(tmp_path / "none.npz")
