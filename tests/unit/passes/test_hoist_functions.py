"""Functions ahead of movement: the same reals, and one place less to round."""

import numpy as np
import pytest

from tests.networks.nets import Net, ops_of, same_meaning
from tomato.core.formats import Tensor
from tomato.core.ir import Op
from tomato.ops.move import Concat, DepthToSpace, Pad, Reshape, Slice, Upsample
from tomato.ops.pool import MaxPool
from tomato.ops.real import Affine, Clip, Function
from tomato.ops.window import Window
from tomato.passes.hoist_functions import hoist_functions

POOL = MaxPool(Window((2, 2), (2, 2)))
HALF = Affine(Tensor(np.full(1, 0.5)), Tensor(np.ones(1)))
SQUARE = Function(("mul", "x", "x"))


@pytest.mark.parametrize("function", [Clip(0, 6), HALF, SQUARE], ids=str)
def test_a_function_moves_ahead_of_a_chain_of_movements(function: Op) -> None:
    net = Net(4, 4, 8)
    x = net.conv("x", 8, Window((1, 1)))
    for op in (DepthToSpace(2), Slice((1, 0, 0), (8, 7, 2)), function, Upsample((2, 1))):
        x = net.add(op, x)
    before = net.graph(x)
    after = hoist_functions(before)
    assert ops_of(after) == ["conv2d", function.name, "depthtospace", "slice", "upsample"]
    assert after.outputs == before.outputs
    same_meaning(before, after, net.data())


def test_no_network_ends_in_a_reshape_because_of_it() -> None:
    net = Net(4, 4, 8)
    graph = net.graph(net.relu(net.add(Reshape((16, 1, 8)), net.conv("x", 8, Window((1, 1))))))
    assert hoist_functions(graph) == graph


def test_several_functions_keep_their_order() -> None:
    net = Net(4, 4, 8)
    x = net.add(HALF, net.add(Clip(0, 1), net.add(Upsample((2, 2)), net.conv("x", 8, Window((1, 1))))))
    before = net.graph(x)
    after = hoist_functions(before)
    assert ops_of(after) == ["conv2d", "clip", "affine", "upsample"]
    same_meaning(before, after, net.data())


def test_a_function_moves_ahead_of_all_that_is_joined() -> None:
    net = Net(4, 4, 8)
    joined = net.add(Concat(), net.conv("x", 8, Window((1, 1))), net.conv("x", 3, Window((1, 1))))
    before = net.graph(net.add(Clip(0, 1), net.add(Upsample((1, 2)), joined)))
    after = hoist_functions(before)
    assert ops_of(after) == ["conv2d", "conv2d", "clip", "clip", "concat", "upsample"]
    same_meaning(before, after, net.data())


def test_limits_alone_pass_a_maximum() -> None:
    for function, moved in ((Clip(0, 1), True), (SQUARE, False), (HALF, False)):
        net = Net(4, 4, 8)
        before = net.graph(net.add(function, net.add(POOL, net.conv("x", 8, Window((1, 1))))))
        after = hoist_functions(before)
        assert (ops_of(after)[1] == function.name) == moved
        same_meaning(before, after, net.data())


def test_what_differs_by_channel_is_read_twice_or_has_a_border_stays() -> None:
    per_channel = Affine(Tensor(np.arange(1.0, 9.0)), Tensor(np.zeros(1)))
    for op, function in ((Upsample((2, 2)), per_channel), (Pad((1, 1, 1, 1), 2.0), Clip(0, 1))):
        net = Net(4, 4, 8)
        graph = net.graph(net.add(function, net.add(op, net.conv("x", 8, Window((1, 1))))))
        assert hoist_functions(graph) == graph
    net = Net(4, 4, 8)
    y = net.conv("x", 8, Window((1, 1)))
    parts = [net.add(Clip(0, 1), net.add(Slice((0, 0, c), (4, 4, c + 4)), y)) for c in (0, 4)]
    graph = net.graph(*parts)
    assert hoist_functions(graph) == graph
    net = Net(4, 4, 8)
    graph = net.graph(net.relu(net.add(Upsample((2, 2)), "x")))
    assert hoist_functions(graph) == graph
