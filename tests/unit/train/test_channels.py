"""The channels that matter least are removed: which they are, and how many."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.models import model_path
from tests.networks.nets import Net, same_meaning
from tests.unit.train.smaller import macs, reweighted, weights
from tomato import frontend
from tomato.core.errors import TomatoError
from tomato.core.formats import Tensor
from tomato.core.interpret import interpret
from tomato.core.ir import Graph
from tomato.ops.conv2d import Conv2d
from tomato.ops.pool import GlobalSum
from tomato.ops.real import Affine
from tomato.ops.window import Window
from tomato.passes import CLEAN, run
from tomato.passes.coupling import Coupling
from tomato.train.biases import Means
from tomato.train.budgets import Limit, Shares, Sizer, Steps
from tomato.train.channels import group_norms, remove_channels

SAME = Window((3, 3), pads=(1, 1, 1, 1))


@pytest.mark.models
@pytest.mark.parametrize("name", ["resnet8_float", "kws_float", "mobilenet_v1_025_128_float", "mnist8_float"])
def test_a_third_of_the_channels_of_trained_networks_goes(name: str) -> None:
    graph = run(frontend.settle(Path(model_path(f"{name}.onnx"))).graph, CLEAN)
    smaller = remove_channels(graph, Shares({"*": 1 / 3}))
    smaller.verify()
    coupling = Coupling.of(graph)
    left = np.array([f.size - f.size // 3 for f in coupling.families])
    assert macs(smaller) == round(Sizer(graph, coupling).left(left).macs * macs(graph))
    assert macs(smaller) < 0.7 * macs(graph)
    rng = np.random.default_rng(0)
    data = {n: rng.normal(size=(2, *kind.shape)) for n, kind in graph.inputs}
    outputs = interpret(smaller, data)
    assert {n: x.shape for n, x in outputs.items()} == {n: x.shape for n, x in interpret(graph, data).items()}
    half = remove_channels(graph, Limit(macs=0.5), steps=Steps(step=4))
    assert 0.35 * macs(graph) < macs(half) <= 0.5 * macs(graph)
    assert all(kind.channels % 4 == 0 for n, kind in half.types.items() if kind != graph.types[n])


def small() -> Graph:
    """Two layers of 8 channels, then scores."""
    net = Net(4, 4, 3)
    x = net.relu(net.affine(net.conv("x", 8, SAME, name="first"), bias_only=True))
    x = net.relu(net.affine(net.conv(x, 8, Window((1, 1)), name="second"), bias_only=True))
    return net.graph(net.dense(net.add(GlobalSum(), x), 4, name="scores"))


def test_the_channels_with_the_least_weights_go_first() -> None:
    graph = small()
    first = graph.producers["first"].op
    assert isinstance(first, Conv2d)
    weak = first.weight.values.copy()
    weak[..., [2, 5]] *= 1e-3
    second = graph.producers["second"].op
    assert isinstance(second, Conv2d)
    faint = second.weight.values.copy()
    faint[:, :, [2, 5]] *= 1e-3
    smaller = remove_channels(reweighted(graph, {"first": weak, "second": faint}), Shares({"first": 0.25}))
    op = smaller.producers["first"].op
    assert isinstance(op, Conv2d)
    np.testing.assert_array_equal(op.weight.values, np.delete(weak, [2, 5], axis=3))
    assert smaller.types["second"].channels == 8


def test_scores_can_be_given() -> None:
    smaller = remove_channels(small(), Shares({"/second": 0.5}), scores={"relu_2": np.arange(8.0)[::-1]})
    before, after = (g.producers["second"].op for g in (small(), smaller))
    assert isinstance(before, Conv2d)
    assert isinstance(after, Conv2d)
    np.testing.assert_array_equal(after.weight.values, before.weight.values[..., :4])


def test_norms_are_in_units_of_the_mean_of_a_layer() -> None:
    coupling = Coupling.of(small())
    norms = group_norms(small(), coupling)
    assert [float(norms[family].mean()) for family in coupling.families] == pytest.approx([1.0, 1.0])


@pytest.mark.parametrize(("steps", "left"), [(Steps(), 6), (Steps(step=4), 8), (Steps(keep=7), 7)])
def test_numbers_of_channels_are_rounded_up(steps: Steps, left: int) -> None:
    smaller = remove_channels(small(), Shares({"first": 0.25}), steps=steps)
    assert smaller.types["first"].channels == left


def test_a_limit_of_weights_is_met_by_whole_steps() -> None:
    smaller = remove_channels(small(), Limit(weights=0.6), steps=Steps(step=2))
    assert weights(smaller) <= 0.6 * weights(small())
    assert {kind.channels % 2 for kind in smaller.types.values()} == {0, 1}  # the input has 3
    assert smaller.types["first"].channels % 2 == smaller.types["second"].channels % 2 == 0


def constant() -> tuple[Graph, Net]:
    """A network, some of whose channels do not depend on its input."""
    net = Net(4, 4, 3)
    x = net.conv("x", 8, SAME, name="first")
    offset = Tensor(np.linspace(0.1, 0.9, 8))
    x = net.relu(net.add(Affine(Tensor(np.ones(1)), offset), x))
    y = net.dense(x, 6, name="second")
    graph = net.graph(net.conv(y, 4, Window((2, 2), (2, 2)), name="last"))
    op = graph.producers["first"].op
    assert isinstance(op, Conv2d)
    still = op.weight.values.copy()
    still[..., ::2] = 0.0
    return reweighted(graph, {"first": still}), net


def test_what_constant_channels_give_goes_into_biases() -> None:
    graph, net = constant()
    frames = net.data(8)
    means = Means()
    interpret(graph, frames, watch=means)
    scores = {"first": np.arange(8) % 2.0}
    plain = remove_channels(graph, Shares({"first": 0.5}), scores=scores)
    moved = remove_channels(graph, Shares({"first": 0.5}), scores=scores, means=means.means)
    assert moved.types["first"].channels == 4
    same_meaning(graph, moved, frames)
    assert moved.outputs == graph.outputs
    with pytest.raises(AssertionError):
        same_meaning(graph, plain, frames)


def test_means_of_what_the_last_layer_reads_keep_its_name() -> None:
    net = Net(2, 2, 3)
    graph = net.graph(net.dense(net.dense("x", 6, name="hidden"), 4, name="scores"))
    frames = net.data(64)
    means = Means()
    interpret(graph, frames, watch=means)
    moved = remove_channels(graph, Shares({"hidden": 0.5}), means=means.means)
    assert moved.outputs == ("scores",)
    got = [interpret(g, frames)["scores"].mean(axis=(0, 1, 2)) for g in (graph, moved)]
    np.testing.assert_allclose(got[1], got[0], atol=1e-12)


REFUSED: Mapping[str, tuple[Shares | Limit, str, str]] = {
    "all of a layer": (Shares({"first": 1.0}), "no channel of /first would be left", "remove a share of less than 1"),
    "an output": (
        Shares({"scores": 0.5}),
        "no channel of /scores can be removed",
        "outputs of the network, and what moves between channels and pixels, keep all channels",
    ),
    "an unknown layer": (
        Shares({"third": 0.5}),
        "no layer is called third",
        "layers with weights are /first, /second, /scores",
    ),
    "too much": (
        Limit(macs=0.1),
        "70.7% of the multiply-accumulates and 71.2% of the weights are left when all channels are removed that may be",
        "allow more to be left, or fewer channels to be kept",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_removed(case: str) -> None:
    budget, what, hint = REFUSED[case]
    with pytest.raises(TomatoError) as caught:
        remove_channels(small(), budget, steps=Steps(keep=6))
    assert str(caught.value) == f"error: {what}\n  hint: {hint}"


def test_scores_of_nothing() -> None:
    with pytest.raises(TomatoError) as caught:
        remove_channels(small(), Shares({"first": 0.5}), scores={"first": np.zeros(3)})
    assert str(caught.value) == "error: scores of shape (3,) are given for first, which has 8 channels"


def test_a_share_is_a_share() -> None:
    with pytest.raises(TomatoError) as caught:
        Shares({"first": 1.5})
    assert str(caught.value) == (
        "error: the share of channels to remove from first must be a number from 0 to 1, not 1.5"
    )


def test_the_first_pattern_that_fits_a_layer_counts() -> None:
    smaller = remove_channels(small(), Shares({"first": 0.25, "*": 0.5}))
    assert (smaller.types["first"].channels, smaller.types["second"].channels) == (6, 4)
