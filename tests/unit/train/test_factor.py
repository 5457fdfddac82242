"""Layers of lower rank: nothing is lost at full rank, and as little as can be below."""

from pathlib import Path

import numpy as np
import pytest

from tests.models import model_path
from tests.networks.nets import Net, same_meaning
from tests.unit.train.smaller import macs, reweighted
from tomato import frontend
from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.interpret import in_batches, interpret
from tomato.core.ir import Graph
from tomato.ops.window import Window
from tomato.passes import CLEAN, run
from tomato.quantise.weights.moments import Collector, Moments
from tomato.train import lowrank
from tomato.train.factor import Layer, Ranks, factor_layers, ranks_by_energy, ranks_by_macs

SAME = Window((3, 3), pads=(1, 1, 1, 1))


def correlated(size: int, seed: int) -> Array:
    """A covariance whose eigenvalues span three decades."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(size, size)))[0]
    return np.asarray((axes * np.logspace(0, -3, size)) @ axes.T)


def drawn(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("shape", [(12, 20), (20, 12)])
@pytest.mark.parametrize("rank", [1, 5, 11])
def test_on_white_inputs_it_is_the_singular_value_decomposition(shape: tuple[int, int], rank: int) -> None:
    weight = drawn(*shape)
    left, right = lowrank.svd(weight, rank)
    u, s, v = np.linalg.svd(weight, full_matrices=False)
    np.testing.assert_allclose(left @ right, (u[:, :rank] * s[:rank]) @ v[:rank], atol=1e-12)
    assert left.shape == (shape[0], rank)
    assert lowrank.error(weight, left @ right) == pytest.approx(lowrank.tails(weight)[rank])


@pytest.mark.parametrize("rank", [2, 6, 10])
def test_on_correlated_inputs_it_is_the_best_of_its_rank(rank: int) -> None:
    weight, covariance = drawn(16, 12), correlated(16, 1)
    plain = np.matmul(*lowrank.svd(weight, rank))
    aware = np.matmul(*lowrank.svd(weight, rank, covariance))
    error = lowrank.error(weight, aware, covariance)
    assert error < 0.8 * lowrank.error(weight, plain, covariance)
    assert error == pytest.approx(lowrank.tails(weight, covariance)[rank], rel=1e-2)
    root = lowrank.root(covariance)
    u, s, v = np.linalg.svd(root @ weight, full_matrices=False)
    best = np.linalg.solve(root, (u[:, :rank] * s[:rank]) @ v[:rank])
    np.testing.assert_allclose(aware, best, atol=1e-9)


def test_a_weight_of_low_rank_loses_nothing() -> None:
    core = drawn(9, 3, 4)
    weight = np.einsum("ci,tio,od->tcd", drawn(8, 3), core, drawn(4, 10, seed=1))
    for covariance in (None, correlated(72, 2)):
        found = lowrank.tucker(weight, (3, 4), covariance)
        assert found.core.shape == core.shape
        np.testing.assert_allclose(found.product, weight, atol=1e-9)


@pytest.mark.parametrize("ranks", [(8, 10), (8, 4), (3, 10), (3, 4), (7, 9)])
def test_a_convolution_keeps_most_where_its_inputs_are(ranks: tuple[int, int]) -> None:
    weight, covariance = drawn(9, 8, 10), correlated(72, 3)
    plain, aware = lowrank.tucker(weight, ranks), lowrank.tucker(weight, ranks, covariance)
    ahead, behind = lowrank.tucker_tails(weight)
    assert lowrank.error(weight, plain.product) <= ahead[ranks[0]] + behind[ranks[1]] + 1e-12
    got = [lowrank.error(weight, t.product, covariance) for t in (plain, aware)]
    if ranks == (8, 10):
        np.testing.assert_array_equal(aware.product, weight)
    else:
        assert got[1] < got[0]
    assert (aware.into is None, aware.out is None) == (ranks[0] == 8, ranks[1] == 10)


def test_turns_improve_on_the_first_subspaces(monkeypatch: pytest.MonkeyPatch) -> None:
    weight = drawn(9, 8, 10)
    many = lowrank.error(weight, lowrank.tucker(weight, (3, 4)).product)
    monkeypatch.setattr(lowrank, "ROUNDS", 1)
    assert many < lowrank.error(weight, lowrank.tucker(weight, (3, 4)).product)


def net() -> tuple[Graph, Net]:
    """Layers of every kind, with biases."""
    made = Net(8, 8, 6)
    x = made.relu(made.affine(made.conv("x", 16, SAME, name="stem"), bias_only=True))
    x = made.relu(made.affine(made.conv(x, 16, SAME, groups=16, name="filters"), bias_only=True))
    x = made.relu(made.affine(made.dense(x, 24, name="pointwise"), bias_only=True))
    x = made.conv(x, 12, Window((3, 3), (2, 2), pads=(1, 1, 0, 0)), name="strided")
    return made.graph(made.conv(x, 10, SAME, name="border", pad_value=1)), made


def measured(graph: Graph, frames: dict[str, Array]) -> dict[str, Moments]:
    seen = Collector(graph, lambda _: True)
    for batch in in_batches(frames):
        interpret(graph, batch, watch=seen)
    return seen.moments


def test_at_the_rank_of_the_weights_nothing_changes() -> None:
    graph, made = net()

    def low(node_name: str, ranks: Ranks) -> Array:
        layer = Layer.of(graph.producers[node_name], graph.types[graph.producers[node_name].args[0]])
        assert layer is not None
        shape = graph.producers[node_name].op.constants[0].shape
        return layer.factors(ranks, None)[1].reshape(shape)

    weights = {"pointwise": low("pointwise", (5,)), "strided": low("strided", (7, 5)), "stem": low("stem", (6, 4))}
    graph = reweighted(graph, weights)
    frames = dict(made.data(40))
    ranks: dict[str, Ranks] = {"pointwise": (5,), "str*": (7, 5), "stem": (6, 4)}
    for moments in ({}, measured(graph, frames)):
        smaller = factor_layers(graph, ranks, moments)
        names = ["stem_core", "stem", "pointwise_in", "pointwise", "strided_in", "strided_core", "strided"]
        assert [n.name for n in smaller if n.name in names] == names
        same_meaning(graph, smaller, frames)
        assert macs(smaller) < macs(graph)
        assert smaller.producers["strided_core"].origin == ("/strided",)


def test_the_error_that_is_left_on_average_goes_into_the_bias() -> None:
    made = Net(1, 1, 16)
    graph = made.graph(made.dense("x", 12, name="layer"))
    frames = {"x": made.data(500)["x"] + 3.0}
    moments = measured(graph, frames)
    smaller = factor_layers(graph, {"layer": (3,)}, moments)
    before, after = (interpret(g, frames)["layer"] for g in (graph, smaller))
    np.testing.assert_allclose(after.mean(axis=(0, 1, 2)), before.mean(axis=(0, 1, 2)), atol=1e-9)
    assert np.square(after - before).mean() > 1e-3


def test_layers_that_would_not_multiply_less_stay() -> None:
    graph, _ = net()
    assert str(factor_layers(graph, {"pointwise": (12,), "stem": (6, 16), "filters": (1, 1), "border": (1, 1)})) == str(
        graph
    )


def test_ranks_keep_the_energy() -> None:
    graph, made = net()
    moments = measured(graph, dict(made.data(64)))
    ranks = ranks_by_energy(graph, 0.7, moments, step=2)
    assert ranks
    for name, found in ranks.items():
        layer = Layer.of(graph.producers[name], graph.types[graph.producers[name].args[0]])
        assert layer is not None
        assert all(r % 2 == 0 or r == full for r, full in zip(found, layer.full, strict=True))
        modes = layer.tails(moments[name].covariance[0])
        assert all(mode[r] <= 0.3 for mode, r in zip(modes, found, strict=True))
        assert all(r <= 2 or mode[r - 2] > 0.3 for mode, r in zip(modes, found, strict=True) if r < len(mode) - 1)
    assert set(ranks) <= {"stem", "pointwise", "strided"}
    assert macs(factor_layers(graph, ranks, moments)) < macs(graph)


def test_ranks_fit_a_budget() -> None:
    graph, made = net()
    moments = measured(graph, dict(made.data(64)))
    lost = []
    for share in (0.9, 0.7, 0.5):
        ranks = ranks_by_macs(graph, share, moments)
        smaller = factor_layers(graph, ranks, moments)
        assert (share - 0.1) * macs(graph) < macs(smaller) <= share * macs(graph)
        frames = made.data(16)
        lost.append(float(np.square(interpret(graph, frames)["border"] - interpret(smaller, frames)["border"]).mean()))
    assert lost == sorted(lost)
    assert not ranks_by_macs(graph, 1.0, moments)


def test_a_budget_that_no_ranks_meet() -> None:
    with pytest.raises(TomatoError) as caught:
        ranks_by_macs(net()[0], 0.1)
    assert str(caught.value).endswith("not 10.0%\n  hint: leave more, or take a smaller step of ranks")


@pytest.mark.parametrize(
    ("name", "ranks", "takes"), [("stem", (3,), "2, of 1 to 6 and 1 to 16"), ("pointwise", (17,), "1, of 1 to 16")]
)
def test_ranks_that_do_not_suit_a_layer(name: str, ranks: Ranks, takes: str) -> None:
    with pytest.raises(TomatoError) as caught:
        factor_layers(net()[0], {name: ranks})
    assert str(caught.value) == (
        f"error: the layer /{name} cannot have the ranks {', '.join(map(str, ranks))}\n  hint: it takes {takes}"
    )


@pytest.mark.models
def test_trained_layers_lose_less_where_their_inputs_are_known() -> None:
    graph = run(frontend.settle(Path(model_path("kws_float.onnx"))).graph, CLEAN)
    with np.load(model_path("kws_1000.npz")) as stored:
        x = np.asarray(stored["x"][:64], dtype=np.float64).reshape(64, *graph.inputs[0][1].shape)
    frames = {graph.inputs[0][0]: x}
    moments = measured(graph, frames)
    want = interpret(graph, frames)[graph.outputs[0]]
    ranks = ranks_by_macs(graph, 0.8, moments, step=4)
    got = [interpret(factor_layers(graph, ranks, m), frames)[graph.outputs[0]] for m in ({}, moments)]
    plain, aware = (np.square(y - want).mean() for y in got)
    assert aware < 0.7 * plain
