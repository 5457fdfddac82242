"""Channels in another order: ports give the same, and every value says which order it has."""

import numpy as np
import pytest

from tests.networks.generator import HARDWARE, LAYOUT, MEANING, TRAINED, network, thinned
from tests.networks.nets import Net
from tomato.core.formats import Array
from tomato.core.interpret import interpret
from tomato.core.ir import Graph
from tomato.passes import CLEAN, run
from tomato.passes.coupling import Coupling
from tomato.passes.reorder_channels import exchangeable, reorder_channels
from tomato.quantise.calibrate import calibrate
from tomato.quantise.post_training import quantise
from tomato.quantise.precision import Precision

STYLES = {"hardware": HARDWARE, "meaning": MEANING, "layout": LAYOUT, "trained": TRAINED}


def shuffled(graph: Graph, seed: int) -> tuple[Graph, int]:
    """The graph with the channels of all families in a random order, and how many families there are."""
    coupling, rng = Coupling.of(graph), np.random.default_rng(seed)
    taken, families = np.arange(coupling.free.size), exchangeable(graph, coupling)
    for family in families:
        taken[family] = rng.permutation(family)
    return reorder_channels(graph, coupling, taken), len(families)


def check(graph: Graph, seed: int) -> int:
    """Every value has the codes that it had, in the order that the graph says; ports in the model's."""
    moved, families = shuffled(graph, seed)
    moved.verify()
    assert moved.types == graph.types
    assert not set(moved.orders) & {*graph.outputs, *(name for name, _ in graph.inputs)}
    rng = np.random.default_rng(seed)
    codes = {n: rng.integers(k.codes.lo, k.codes.hi, (2, *k.shape), endpoint=True) for n, k in graph.inputs}
    before, after = dict[str, Array](), dict[str, Array]()
    interpret(graph, codes, watch=before.__setitem__)
    interpret(moved, codes, watch=after.__setitem__)
    for name, values in before.items():
        np.testing.assert_array_equal(moved.in_order(name, after[name]), values, name)
    back, _ = shuffled(moved, seed + 1)
    again = interpret(back, codes, watch=after.__setitem__)
    for name in graph.outputs:
        np.testing.assert_array_equal(again[name], before[name])
    for name, values in before.items():
        np.testing.assert_array_equal(back.in_order(name, after[name]), values, name)
    return families


def on_codes(graph: Graph, net: Net) -> Graph:
    clean = run(graph, CLEAN)
    return quantise(clean, calibrate(clean, [net.data(8)]), Precision())[0]


@pytest.mark.parametrize("style", STYLES)
def test_random_networks_give_the_same(style: str) -> None:
    found = []
    for seed in range(40):
        graph, net = network(seed, STYLES[style])
        found.append(check(on_codes(thinned(graph, seed), net), seed))
    assert sum(n > 0 for n in found) >= 5, "the networks have something to reorder"
