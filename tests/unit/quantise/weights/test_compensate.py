"""Compensated rounding: the output's error counts, for any alphabet."""

from collections.abc import Mapping

import numpy as np
import pytest

from tests.networks.nets import Net, decoded
from tomato.core.formats import Array
from tomato.core.interpret import interpret
from tomato.ops.window import Window
from tomato.quantise.calibrate import calibrate
from tomato.quantise.post_training import quantise
from tomato.quantise.precision import Precision
from tomato.quantise.weights.alphabet import Alphabet
from tomato.quantise.weights.compensate import Sweep, compensate, output_error
from tomato.quantise.weights.fit import fit_weights
from tomato.quantise.weights.kinds import KINDS
from tomato.quantise.weights.moments import PATCHES, Collector, Moments

INTEGERS = Alphabet(np.arange(-7, 8), np.ones(1))


def correlated(rng: np.random.Generator, groups: int, rows: int) -> Array:
    """Covariances of inputs that go together, one input constant."""
    mixing = rng.normal(size=(groups, rows, 2))
    covariance = mixing @ mixing.transpose(0, 2, 1) + 0.05 * np.eye(rows)
    covariance[:, 0], covariance[:, :, 0] = 0.0, 0.0
    return np.asarray(covariance)


def test_inputs_that_agree_share_an_error() -> None:
    """Two equal inputs with weights 0.4 each: one becomes 1 and the other 0; alone both would become 0."""
    covariance = np.ones((1, 2, 2)) + 1e-3 * np.eye(2)
    target = np.full((1, 2, 1), 0.4)
    assert sorted(compensate(target, INTEGERS, Sweep.of(covariance)).ravel()) == [0, 1]


def test_independent_inputs_are_rounded_to_the_nearest() -> None:
    rng = np.random.default_rng(0)
    target = 3.0 * rng.normal(size=(2, 150, 4))
    covariance = np.stack([np.diag(rng.uniform(0.1, 2.0, 150)) for _ in range(2)])
    assert np.array_equal(compensate(target, INTEGERS, Sweep.of(covariance)), INTEGERS.nearest(target))


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    target, covariance = 3.0 * rng.normal(size=(3, 150, 5)), correlated(rng, 3, 150)
    whole = compensate(target, INTEGERS, Sweep.of(covariance))
    monkeypatch.setattr("tomato.quantise.weights.compensate.BLOCK", 1)
    assert np.array_equal(compensate(target, INTEGERS, Sweep.of(covariance)), whole)


@pytest.mark.parametrize(
    ("kind", "bits"),
    [("fixed", 4), ("fixed", 2), ("shift", 4), ("focused", 4), ("codebook", 4), ("ternary", 2), ("binary", 1)],
)
@pytest.mark.parametrize("groups", [1, 6])
def test_the_output_is_nearer_than_with_nearest_weights(kind: str, bits: int, groups: int) -> None:
    rng = np.random.default_rng(groups)
    rows, channels = 18, 12
    weight = rng.normal(size=(3, 3, 2, channels)) * rng.uniform(0.1, 3.0, channels)
    moments = Moments(np.zeros((groups, rows)), correlated(rng, groups, rows))

    def error(moments_used: Moments | None) -> Array:
        codes, grid = fit_weights(weight, 0.3, bits, 16, kind=kind, moments=moments_used)
        assert np.isin(codes, KINDS[kind].choose(weight.reshape(rows, channels), bits).levels).all()
        wrong = (codes * grid.real - 0.3 * weight).reshape(rows, groups, -1).transpose(1, 0, 2)
        return output_error(wrong, moments.covariance).ravel()

    before, after = error(None), error(moments)
    assert np.all(after <= before * 1.001)
    assert after.sum() < 0.6 * before.sum()


def test_eight_bits_are_left_alone() -> None:
    rng = np.random.default_rng(0)
    weight, moments = rng.normal(size=(10, 4)), Moments(np.zeros((1, 10)), correlated(rng, 1, 10))
    (plain, grid), (same, other) = (fit_weights(weight, 0.3, 8, 16, moments=m) for m in (None, moments))
    assert np.array_equal(plain, same)
    assert np.array_equal(grid.mult, other.mult)


def test_moments_are_those_of_the_windows() -> None:
    """Against plain sums over windows, with groups, stride, dilation and a border."""
    net = Net(7, 6, 4)
    window = Window((3, 2), stride=(2, 1), dilation=(1, 2), pads=(1, 0, 1, 2))
    graph = net.graph(net.conv("x", 6, window, groups=2, pad_value=3))
    x = net.data(5)["x"]
    collector = Collector(graph, lambda _: True)
    collector("x", x[:2])
    collector("x", x[2:])
    padded = window.pad(x, 3)
    rows, columns = window.output((7, 6, 4))
    for group in range(2):
        seen = np.array([
            padded[frame, 2 * i : 2 * i + 3, j : j + 3 : 2, 2 * group : 2 * group + 2].ravel()
            for frame in range(5) for i in range(rows) for j in range(columns)
        ])  # fmt: skip
        found = collector.moments["conv"]
        np.testing.assert_allclose(found.mean[group], seen.mean(axis=0), atol=1e-12)
        np.testing.assert_allclose(found.covariance[group], np.cov(seen.T, bias=True), atol=1e-12)


@pytest.mark.parametrize("text", ["*=w2a8", "*=ternary", "*=binary", "*=codebook3"])
def test_a_network_is_nearer_to_the_reals(text: str) -> None:
    net = Net(8, 8, 3)
    hidden = net.relu(net.conv("x", 8, Window((3, 3), pads=(1, 1, 1, 1))))
    graph = net.graph(net.dense(hidden, 4))
    smooth = np.random.default_rng(0).normal(size=(32, 1, 1, 3)) + 0.2 * net.data(32)["x"]
    collector = Collector(graph, lambda _: True)
    ranges = calibrate(graph, [{"x": smooth}], watch=collector)

    def noise(moments: Mapping[str, Moments]) -> float:
        integer, _ = quantise(graph, ranges, Precision.parse(text), moments=moments)
        (got,) = decoded(integer, {"x": smooth})
        return float(((got - interpret(graph, {"x": smooth})["dense"]) ** 2).mean())

    assert noise(collector.moments) < 0.5 * noise({})


def test_windows_are_taken_from_everywhere() -> None:
    """Values that depend on the column alone: any even distance that divides the width would see few of them."""
    net = Net(32, 32, 1)
    graph = net.graph(net.dense("x", 2))
    x = np.broadcast_to(np.arange(32.0)[:, np.newaxis], (64, 32, 32, 1))
    assert x[..., 0].size > 4 * PATCHES
    collector = Collector(graph, lambda _: True)
    collector("x", x)
    found = collector.moments["dense"]
    assert found.mean[0, 0] == pytest.approx(15.5, abs=0.5)
    assert found.covariance[0, 0, 0] == pytest.approx(np.arange(32).var(), rel=0.05)
