"""Convolutions behind and in front of gates: what they leave out changes no output."""

import numpy as np
import pytest

from tests.networks.gates import GATED, SAME, gated
from tests.networks.generator import network
from tests.networks.nets import Net
from tomato.core.interpret import interpret
from tomato.core.ir import Graph
from tomato.ops.gated_conv2d import GatedConv2d, chosen
from tomato.ops.keep_largest import KeepLargest
from tomato.ops.pool import MaxPool
from tomato.ops.real import Expression, Function
from tomato.ops.window import Window
from tomato.passes import CLEAN, run
from tomato.passes.gate_convolutions import computed_whole, gate_convolutions
from tomato.quantise.calibrate import calibrate
from tomato.quantise.post_training import quantise


def on_codes(net: Net, *outputs: str) -> Graph:
    clean = run(net.graph(*outputs), CLEAN)
    return quantise(clean, calibrate(clean, [net.data(16)]))[0]


def two_layers(groups: tuple[int, int], keep: tuple[int, int], second: Window = SAME) -> Net:
    net = Net(7, 8, 3)
    first = gated(net, "x", 8, groups[0], KeepLargest(keep[0]), name="a")
    pooled = net.add(MaxPool(Window((2, 2), (2, 2))), first, name="pool")
    net.conv(gated(net, pooled, 12, groups[1], KeepLargest(keep[1]), second, name="b"), 5, SAME, name="c")
    return net


def same_codes(before: Graph, after: Graph) -> None:
    after.verify()
    rng = np.random.default_rng(3)
    frames = {n: rng.integers(k.codes.lo, k.codes.hi, (20, *k.shape), endpoint=True) for n, k in before.inputs}
    old, new = interpret(before, frames), interpret(after, frames)
    assert before.outputs == after.outputs
    for name in before.outputs:
        np.testing.assert_array_equal(new[name], old[name])


@pytest.mark.parametrize("second", [SAME, Window((1, 1))])
@pytest.mark.parametrize("groups", [(8, 12), (4, 3)])
def test_layers_in_a_row(groups: tuple[int, int], second: Window) -> None:
    before = on_codes(two_layers(groups, (2, 1), second), "c")
    after = gate_convolutions(before)
    same_codes(before, after)
    found = {n.name: (n.op.keep, n.op.keep_in) for n in after if isinstance(n.op, GatedConv2d)}
    assert found == {"a": (2, 0), "b": (1, 2), "c": (0, 1)}


def test_random_networks() -> None:
    """Gates of results, of inputs, of both; what a base adds to a sum goes into the step behind it."""
    kinds = set()
    for seed in range(40):
        real, net = network(seed, GATED)
        clean = run(real, CLEAN)
        before = quantise(clean, calibrate(clean, [net.data(8)]))[0]
        after = gate_convolutions(before)
        same_codes(before, after)
        found = [n.op for n in after if isinstance(n.op, GatedConv2d)]
        kinds |= {(bool(op.keep), bool(op.keep_in), op.base != 0, any(op.conv.window.pads)) for op in found}
    assert {kind[:2] for kind in kinds} == {(True, False), (False, True), (True, True)}
    assert {(True, True, True, True), (False, True, True, True)} <= kinds


def test_a_gate_of_another_layer_changes_nothing() -> None:
    """What is read elsewhere, too, is needed whole; so is what has a border that other channels do not have."""
    net = Net(6, 6, 3)
    y = gated(net, "x", 8, 4, KeepLargest(2), name="a")
    assert not [n for n in gate_convolutions(on_codes(net, y, "a_relu")) if isinstance(n.op, GatedConv2d)]
    net = Net(6, 6, 3)
    net.conv(gated(net, "x", 8, 4, KeepLargest(2), name="a"), 5, SAME, pad_value=1, name="b")
    assert [n.name for n in gate_convolutions(on_codes(net, "b")) if isinstance(n.op, GatedConv2d)] == ["a"]


STEEP: Expression = ("where", ("gt", "x", 0.3), "x", 0.0)


@pytest.mark.parametrize(("gate", "told"), [(STEEP, True), (("sigmoid", "x"), False), (("max", "x", 0.0), False)])
def test_a_comparison_is_no_gate(gate: Expression, told: bool) -> None:
    net = Net(6, 6, 3)
    graph = on_codes(net, gated(net, "x", 8, 8, Function(gate), name="a"))
    assert gate_convolutions(graph) is graph
    why = "%a: how many channels %a_kept keeps depends on the data, and so would the interval: computed whole"
    assert computed_whole(graph) == ((why,) if told else ())


def test_chosen_are_always_as_many() -> None:
    gates = np.array([[0, 0, 5, 0], [0, 0, 0, 0], [7, 0, 0, 1], [0, 3, 0, 0]]).reshape(4, 1, 1, 4)
    want = [[0, 0, 1, 1], [0, 0, 1, 1], [1, 0, 0, 1], [0, 1, 0, 1]]
    assert chosen(gates, 2, 0).reshape(4, 4).astype(int).tolist() == want
