"""The layers of networks on graphs: what they compute against formulas written otherwise, and how large they are."""

import numpy as np
import pytest

from tests.networks.planted import CLASSES, FEATURES, planted
from tomato.core.formats import Array
from tomato.core.interpret import Player
from tomato.search.graphs import build
from tomato.search.graphs.data import GraphData
from tomato.search.graphs.layers import Activation, Block, Forms, Layer, Operator, counts, layers

FLOATS = Forms("", "", 0, 0)
FORMS = Forms("w4a8", "w2a6", 5, 3)


def played(found: tuple[Layer, ...], data: GraphData) -> Array:
    """The scores of all nodes, (nodes, classes)."""
    made = build.graph(found, data, build.glorot(1))
    made.verify()
    x = data.x.astype(np.float64)[None, :, None]
    (scores,) = Player(made).play({"x": x}).values()
    return np.asarray(scores).reshape(-1)[build.ports(found, made)[1].order.values]


def weight(found: tuple[Layer, ...], name: str, given: int) -> Array:
    (layer,) = (one for one in found if one.name == name)
    return build.glorot(1)(layer, given)[0]


def neighbours(data: GraphData) -> Array:
    near = np.zeros((data.nodes, data.nodes))
    near[data.edges[1], data.edges[0]] = 1
    return near


@pytest.mark.parametrize("operator", ["linear", "gcn", "sage", "gat"])
@pytest.mark.parametrize(("hops", "activation", "skip"), [(1, "none", False), (2, "relu", True), (1, "tanh", False)])
def test_operators_are_what_they_say(operator: Operator, hops: int, activation: Activation, skip: bool) -> None:
    data = planted()
    skip = skip and operator in ("gcn", "gat")
    found = layers([Block(operator, hops, CLASSES, activation, skip, FLOATS)])
    near, x, own = neighbours(data), data.x.astype(np.float64), np.eye(data.nodes)
    mapped = x @ weight(found, "scores_map", FEATURES)
    degree = near.sum(axis=1)
    match operator:
        case "linear":
            want = mapped
        case "gcn":
            by = (degree + 1) ** -0.5
            want = np.linalg.matrix_power(by[:, None] * (near + own) * by[None], hops) @ mapped
        case "sage":
            mean = near / np.maximum(degree, 1)[:, None]
            want = np.linalg.matrix_power(mean, hops) @ mapped + x @ weight(found, "scores_own", FEATURES)
        case "gat":
            gate = np.clip(mapped @ weight(found, "scores_gate", CLASSES), 0, 1)
            mean = (near + own) / (degree + 1)[:, None]
            want = np.linalg.matrix_power(mean, hops) @ (mapped * gate)
    if skip:
        want = want + x @ weight(found, "scores_own", FEATURES)
    want = {"none": want, "relu": np.maximum(want, 0), "tanh": np.tanh(want)}[activation]
    np.testing.assert_allclose(played(found, data), want, atol=1e-9)


def test_sizes_by_hand() -> None:
    found = layers([Block("gcn", 2, 8, "relu", True, FORMS), Block("sage", 1, 3, "none", False, FORMS)])
    links = {"gcn": 30, "mean": 20, "self_mean": 30}
    got = counts(found, 12, 10, links, entered=1)  # type: ignore[arg-type]
    first, second = 12 * 8, 8 * 3
    assert got.weights == 2 * first + 2 * second
    assert got.bits == first * (4 + 2) + second * (4 + 2) + 32 * (2 * 8 + 2 * 3)
    assert got.macs == 10 * got.weights + 2 * 30 * 8 + 20 * 3
    gathered = 30 * 8 * 5 * 8 + 30 * 8 * 5 * 3 + 20 * 3 * 5 * 8  # the second hop reads what the first gives
    assert got.bit_operations == 10 * (first * (4 + 2) * 1 + second * (4 + 2) * 3) + gathered


def test_floats_have_32_bits() -> None:
    found = layers([Block("gcn", 1, 3, "none", False, FLOATS)])
    got = counts(found, 12, 10, {"gcn": 30, "mean": 20, "self_mean": 30})
    assert got.bits == 32 * (36 + 3)
    assert got.bit_operations == got.macs * 32 * 32


def test_ports_are_nodes_by_features() -> None:
    data, found = planted(), layers([Block("gcn", 1, CLASSES, "none", False, FLOATS)])
    made = build.graph(found, data, build.glorot(0))
    assert [port.shape for port in build.ports(found, made)] == [(data.nodes, FEATURES), (data.nodes, CLASSES)]
