"""What pruning layers costs, and the cheapest way to a sparsity of all."""

from pathlib import Path

import numpy as np
import pytest

from tests.models import model_path
from tests.networks.nets import Net
from tomato import frontend
from tomato.core.errors import TomatoError
from tomato.core.formats import Array, Tensor
from tomato.core.interpret import interpret
from tomato.core.ir import Graph
from tomato.ops.dense import Dense
from tomato.ops.weighted import Weighted
from tomato.passes import CLEAN, run
from tomato.search.subject import distance
from tomato.train.sensitivity import Curve, allocate, magnitude_mask, measure, pruned, sizes


def test_the_smallest_weights_go() -> None:
    weight = np.array([[3.0, -0.1], [0.2, -4.0], [0.2, 1.0]])
    np.testing.assert_array_equal(magnitude_mask(weight, 0.5), [[True, False], [False, True], [False, True]])
    np.testing.assert_array_equal(magnitude_mask(weight, 1 / 3), [[True, False], [False, True], [True, True]])
    assert magnitude_mask(weight, 0.0).all()
    assert not magnitude_mask(weight, 1.0).any()


def sparse_then_dense() -> tuple[Graph, Net]:
    """A layer half of whose weights matter little, then one whose weights all matter."""
    net = Net(1, 1, 16)
    weight = net.rng.normal(size=(16, 32))
    weight[:, ::2] *= 1e-3
    hidden = net.relu(net.add(Dense(Tensor(weight)), "x", name="half"))
    return net.graph(net.dense(hidden, 8, name="whole")), net


def test_curves_tell_which_layer_can_be_pruned() -> None:
    graph, net = sparse_then_dense()
    frames = net.data(100)
    steps: list[tuple[int, int]] = []
    curves = measure(graph, frames, grid=(0.9, 0.5), progress=lambda _, done, of: steps.append((done, of)))
    assert steps == [(0, 2), (1, 2), (2, 2)]
    assert curves["half"].sparsities == (0.5, 0.9)
    assert curves["half"].losses[0] < 1e-4 < 0.1 < curves["half"].losses[1]
    assert curves["whole"].losses[0] > 100 * curves["half"].losses[0]
    got, want = (interpret(g, frames)["whole"] for g in (pruned(graph, {"whole": 0.5}), graph))
    assert curves["whole"].losses[0] == pytest.approx(distance(want, got))
    shared = allocate(curves, sizes(graph), 0.3)
    assert shared == pytest.approx({"half": 0.45, "whole": 0.0})


def zeros(graph: Graph) -> float:
    weights = [n.op.weight.values for n in graph if isinstance(n.op, Weighted)]
    return sum(int(np.count_nonzero(w == 0.0)) for w in weights) / sum(w.size for w in weights)


@pytest.mark.models
def test_a_sparsity_costs_less_where_it_is_shared_out() -> None:
    graph = run(frontend.settle(Path(model_path("mnist8_float.onnx"))).graph, CLEAN)
    with np.load(model_path("mnist_t10k_2000.npz")) as stored:
        x = np.asarray(stored["x"][:128], dtype=np.float64).reshape(128, 28, 28, 1)
    frames = {graph.inputs[0][0]: x}
    curves = measure(graph, frames)
    assert all(c.losses[-1] > c.losses[0] for c in curves.values())
    for macs in (False, True):
        counted = sizes(graph, macs=macs)
        shared = allocate(curves, counted, 0.7)
        assert sum(shared[n] * counted[n] for n in counted) == pytest.approx(0.7 * sum(counted.values()))
        if not macs:
            even = dict.fromkeys(counted, 0.7)
            assert zeros(pruned(graph, shared)) == pytest.approx(zeros(pruned(graph, even)), abs=1e-3)
            costs = [_loss(graph, pruned(graph, s), frames) for s in (shared, even)]
            assert costs[0] < 0.8 * costs[1]


def _loss(real: Graph, other: Graph, frames: dict[str, Array]) -> float:
    want, got = (interpret(g, frames)[real.outputs[0]] for g in (real, other))
    return distance(want, got)


def test_a_sparsity_is_reached_exactly_at_the_least_cost() -> None:
    curves = {"a": Curve((0.5, 0.9), (1.0, 9.0)), "b": Curve((0.5, 0.9), (2.0, 3.0))}
    weights = {"a": 100, "b": 200, "c": 100}
    got = allocate(curves, weights, 0.5)
    assert got == pytest.approx({"a": 0.2, "b": 0.9})
    assert sum(share * weights[name] for name, share in got.items()) == pytest.approx(0.5 * 400)


def test_a_sparsity_beyond_what_was_tried() -> None:
    with pytest.raises(TomatoError) as caught:
        allocate({"a": Curve((0.5,), (1.0,))}, {"a": 10, "b": 10}, 0.3)
    assert str(caught.value) == (
        "error: a sparsity of 30.0% is more than the 25.0% that was tried\n"
        "  hint: try higher sparsities, or ask for less"
    )
