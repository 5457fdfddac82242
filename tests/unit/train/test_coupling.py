"""Which channels go together, and that nothing else changes when they go."""

import random
from collections.abc import Mapping

import numpy as np
import pytest

from tests.networks.generator import HARDWARE, LAYOUT, MEANING, TRAINED, network
from tests.networks.maker import Style
from tests.networks.nets import Net, same_meaning
from tests.unit.train.smaller import macs, reweighted, weights
from tomato.core.formats import Array
from tomato.core.ir import Graph
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Concat, DepthToSpace, Reshape, Slice, SpaceToDepth, Transpose
from tomato.ops.pool import GlobalSum
from tomato.ops.quantise import Bias
from tomato.ops.real import Function
from tomato.ops.weighted import Weighted
from tomato.ops.window import Window
from tomato.passes import CLEAN, run
from tomato.passes.coupling import Coupling, without
from tomato.train.budgets import Sizer

SAME = Window((3, 3), pads=(1, 1, 1, 1))
STYLES = {"hardware": HARDWARE, "meaning": MEANING, "layout": LAYOUT, "trained": TRAINED}


def unread(graph: Graph, coupling: Coupling, sets: Array) -> Graph:
    """The graph with zeros for all weights that meet the channels of some sets."""
    change = {}
    for node in graph:
        if isinstance(node.op, Weighted):
            gone = np.isin(coupling.sets[node.args[0]], sets)
            change[node.name] = np.where(node.op.per_weight(gone), 0.0, node.op.weight.values)
    return reweighted(graph, change)


def some_sets(coupling: Coupling, draw: random.Random) -> Array:
    """Sets that can go together: never all of a family."""
    chosen = [draw.sample(f.tolist(), draw.randint(0, f.size - 1)) for f in coupling.families]
    return np.array([i for part in chosen for i in part], dtype=np.int64)


def check_removal(graph: Graph, frames: Mapping[str, Array], draw: random.Random) -> int:
    """Channels that nothing reads go, outputs stay; how many sets went."""
    coupling = Coupling.of(graph)
    removed = some_sets(coupling, draw)
    smaller = without(unread(graph, coupling, removed), coupling, removed)
    same_meaning(unread(graph, coupling, removed), smaller, frames)
    kept = {name: np.count_nonzero(~np.isin(labels, removed)) for name, labels in coupling.sets.items()}
    assert {name: kind.channels for name, kind in smaller.types.items()} == kept
    left = [f.size - np.count_nonzero(np.isin(f, removed)) for f in coupling.families]
    shares = Sizer(graph, coupling).left(np.array(left, dtype=np.int64))
    assert np.isclose(shares.macs * macs(graph), macs(smaller))
    assert np.isclose(shares.weights * weights(graph), weights(smaller))
    return int(removed.size)


@pytest.mark.parametrize("style", STYLES)
def test_channels_that_nothing_reads_can_go(style: str) -> None:
    went = [_random_network(STYLES[style], seed) for seed in range(120)]
    assert sum(n > 0 for n in went) > 12, "the networks have something to remove"


def _random_network(style: Style, seed: int) -> int:
    graph, net = network(seed, style)
    return check_removal(run(graph, CLEAN), net.data(2), random.Random(seed))


def _case(kind: str) -> Graph:
    """A layer of 12 channels, what channels go through, and a layer behind."""
    net = Net(4, 4, 3)
    x = net.conv("x", 12, SAME)
    match kind:
        case "flatten":
            y = net.add(Reshape((1, 1, 192)), x)
        case "picture first":
            y = net.add(Transpose((4, 4, 12), (2, 0, 1), (1, 1, 192)), x)
        case "back":
            x = net.dense(net.add(Reshape((1, 1, 48)), "x"), 48)
            y = net.add(Transpose((12, 2, 2), (1, 2, 0), (2, 2, 12)), x)
        case "shuffle":
            y = net.add(Transpose((4, 4, 3, 4), (0, 1, 3, 2), (4, 4, 12)), x)
        case "mixed":
            y = net.add(Reshape((4, 6, 8)), x)
        case "to space":
            y = net.add(DepthToSpace(2), x)
        case "to depth":
            y = net.add(SpaceToDepth(2), x)
        case "residual":
            y = net.add(Add(), net.relu(x), net.conv(net.relu(x), 12, SAME))
        case "gate":
            y = net.add(Multiply(), x, net.conv(x, 12, SAME, groups=12))
        case "concat":
            y = net.add(Concat(), x, net.conv("x", 5, SAME), x)
        case "split":
            y = net.add(Slice((0, 0, 4), (4, 4, 10)), x)
        case "groups":
            y = net.conv(net.conv(x, 9, SAME, groups=3), 6, SAME, groups=3)
        case "several each":
            y = net.conv(x, 24, SAME, groups=12)
        case "slopes":
            y = net.add(Function(("max", "x", ("mul", "x", net.tensor(12)))), net.affine(x))
        case _:
            y = net.add(Bias(net.tensor(12)), x)
    return net.graph(net.dense(net.add(GlobalSum(), y), 2, name="last")).prune()


SETS = {
    "flatten": [12],
    "picture first": [12],
    "back": [12],
    "shuffle": [4],
    "mixed": [4],
    "to space": [3],
    "to depth": [12],
    "residual": [12],
    "gate": [12],
    "concat": [12, 5],
    "split": [6, 6],
    "groups": [2, 3, 4],
    "several each": [12],
    "slopes": [12],
    "unknown": [],
}
"""Sizes of the families of each case."""


@pytest.mark.parametrize("kind", SETS)
def test_channels_are_followed(kind: str) -> None:
    graph = _case(kind)
    assert sorted(f.size for f in Coupling.of(graph).families) == sorted(SETS[kind])
    for seed in range(10):
        check_removal(graph, {"x": np.random.default_rng(seed).normal(size=(2, 4, 4, 3))}, random.Random(seed))
