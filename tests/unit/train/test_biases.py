"""Means of channels, and numbers that go into the biases of layers."""

import numpy as np
import pytest

from tests.networks.nets import Net, ops_of
from tomato.core.formats import Tensor
from tomato.core.interpret import in_batches, interpret
from tomato.core.ir import Graph
from tomato.ops.join import Add
from tomato.ops.real import Affine
from tomato.train.biases import Means, add_to_biases

EXTRA = {"layer": np.array([1.0, -2.0, 0.5])}


def _case(kind: str) -> Graph:
    net = Net(2, 2, 4)
    x = net.dense("x", 3, name="layer")
    match kind:
        case "scaled":
            return net.graph(net.relu(net.affine(x)))
        case "one offset":
            return net.graph(net.add(Affine(Tensor(np.array([2.0])), Tensor(np.array([1.0]))), x))
        case "read twice":
            return net.graph(net.add(Add(), net.affine(x), x))
        case "seen outside":
            return net.graph(net.affine(x, name="behind"), x)
        case "no bias":
            return net.graph(net.relu(x))
    return net.graph(x)


@pytest.mark.parametrize(
    ("kind", "more"),
    [("scaled", 0), ("one offset", 0), ("read twice", 1), ("seen outside", 1), ("no bias", 1), ("last", 1)],
)
def test_numbers_are_added_to_what_a_layer_gives(kind: str, more: int) -> None:
    graph, frames = _case(kind), {"x": np.random.default_rng(1).normal(size=(3, 2, 2, 4))}
    changed = add_to_biases(graph, EXTRA)
    changed.verify()
    assert changed.outputs == graph.outputs
    assert len(ops_of(changed)) == len(ops_of(graph)) + more
    env = {"x": frames["x"]}
    for node in graph:
        env[node.name] = node.op.golden([env[a] for a in node.args]) + (EXTRA["layer"] if node.name == "layer" else 0)
    got = interpret(changed, frames)
    for name in graph.outputs:
        np.testing.assert_allclose(got[name], env[name], atol=1e-12)


def test_means_are_those_of_all_frames_and_pixels() -> None:
    net = Net(2, 3, 4)
    graph, frames = net.graph(net.dense("x", 5)), net.data(100)
    means = Means()
    for batch in in_batches(frames):
        interpret(graph, batch, watch=means)
    np.testing.assert_allclose(means.means["x"], frames["x"].mean(axis=(0, 1, 2)), atol=1e-12)
    np.testing.assert_allclose(means.means["dense"], interpret(graph, frames)["dense"].mean(axis=(0, 1, 2)), atol=1e-12)
