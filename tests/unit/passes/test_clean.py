"""Clean-up passes: exact on reals, and they do what they say."""

from collections.abc import Mapping
from math import inf

import numpy as np
import pytest
from hypothesis import given

from tests.networks.generator import networks
from tests.networks.nets import Net, ops_of, same_meaning
from tomato.core.formats import Array, Tensor
from tomato.core.ir import Graph
from tomato.ops.conv2d import Conv2d
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Concat, DepthToSpace, Pad, Reshape, Slice, SpaceToDepth, Transpose, Upsample
from tomato.ops.pool import MaxPool, SumPool
from tomato.ops.real import Affine, Clip, Function
from tomato.ops.window import Window
from tomato.passes import CLEAN, run
from tomato.passes.drop_identities import drop_identities
from tomato.passes.fold_affine_backward import fold_affine_backward
from tomato.passes.fold_affine_forward import fold_affine_forward
from tomato.passes.fold_pads import fold_pads
from tomato.passes.fuse_functions import fuse_functions
from tomato.passes.merge_lines import merge_lines
from tomato.passes.simplify_windows import simplify_windows

SAME = Window((3, 3), pads=(1, 1, 1, 1))
ONE, ZERO = Tensor(np.ones(1)), Tensor(np.zeros(1))


@pytest.mark.slow
@given(networks())
def test_every_pass_keeps_the_meaning_of_random_networks(case: tuple[Graph, Mapping[str, Array]]) -> None:
    graph, frames = case
    for step in CLEAN:
        after = step(graph)
        same_meaning(graph, after, frames)
        graph = after
    assert run(graph, CLEAN).outputs == graph.outputs


@pytest.mark.parametrize(
    "op",
    [
        Affine(ONE, ZERO),
        Clip(-inf, inf),
        Function("x"),
        Reshape((4, 4, 8)),
        Transpose((4, 4, 8), (0, 1, 2), (4, 4, 8)),
        Transpose((16, 1, 8), (1, 0, 2), (4, 4, 8)),
        Pad((0, 0, 0, 0)),
        Slice((0, 0, 0), (4, 4, 8)),
        Upsample((1, 1)),
        DepthToSpace(1),
        SpaceToDepth(1),
        Concat(),
        MaxPool(Window((1, 1))),
        SumPool(Window((1, 1))),
    ],
    ids=str,
)
def test_identities_are_dropped(op: Add) -> None:
    net = Net(4, 4, 8)
    before = net.graph(net.relu(net.add(op, "x")))
    after = drop_identities(before)
    assert ops_of(after) == ["clip"]
    same_meaning(before, after, net.data())


@pytest.mark.parametrize(
    "op",
    [Clip(0, inf), Slice((0, 0, 0), (4, 4, 8), (2, 1)), Transpose((4, 4, 8), (1, 0, 2), (4, 4, 8)), Upsample((1, 2))],
)
def test_what_changes_values_stays(op: Add) -> None:
    net = Net(4, 4, 8)
    graph = net.graph(net.add(op, "x"))
    assert drop_identities(graph) == graph


def test_neighbours_merge() -> None:
    net = Net(4, 4, 2)
    x = net.affine(net.affine("x", "first"), "second")
    x = net.add(Clip(-3, -1), net.relu(x), name="clip")
    x = net.add(Reshape((2, 8, 2)), net.add(Reshape((1, 16, 2)), x), name="last")
    before = net.graph(x)
    after = merge_lines(before)
    assert [(n.name, n.origin) for n in after] == [
        ("second", ("/first", "/second")),
        ("clip", ("/relu", "/clip")),
        ("last", ("/reshape", "/last")),
    ]
    assert after.producers["clip"].op == Clip(-1.0, -1.0)
    same_meaning(before, after, net.data())


def test_neighbours_that_others_read_do_not_merge() -> None:
    net = Net(4, 4, 2)
    first = net.affine("x", "first")
    graph = net.graph(net.add(Add(), first, net.affine(first, "second")))
    assert merge_lines(graph) == graph


def test_scale_goes_into_the_weights_in_front() -> None:
    net = Net(4, 4, 2)
    before = net.graph(net.affine(net.conv("x", 3, SAME)))
    after = fold_affine_backward(before)
    conv, affine = after.nodes
    old = before.nodes[1].op
    assert isinstance(old, Affine)
    assert affine.op == Affine(ONE, old.offset)
    assert conv.name == "conv"
    same_meaning(before, after, net.data())


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_affine_moves_behind_a_window_without_border(groups: int) -> None:
    net = Net(5, 5, 4)
    before = net.graph(net.conv(net.affine("x", "normalise"), 8, Window((3, 3)), groups))
    after = fold_affine_forward(before)
    assert [(n.name, n.op.name, n.origin) for n in after] == [
        ("conv", "conv2d", ("/normalise", "/conv")),
        ("conv_offset", "affine", ("/normalise",)),
    ]
    same_meaning(before, after, net.data())


def test_affine_moves_behind_a_border_only_without_offset() -> None:
    net = Net(5, 5, 4)
    scaled = net.graph(net.conv(net.affine("x", zero_offset=True), 2, SAME))
    assert ops_of(fold_affine_forward(scaled)) == ["conv2d"]
    same_meaning(scaled, fold_affine_forward(scaled), net.data())
    net = Net(5, 5, 4)
    moved = net.graph(net.conv(net.affine("x"), 2, SAME))
    assert fold_affine_forward(moved) == moved


def test_pad_becomes_the_padding_of_the_window() -> None:
    net = Net(5, 5, 2)
    x = net.conv(net.add(Pad((1, 0, 1, 2), 3.0), "x"), 2, Window((3, 3)))
    x = net.add(SumPool(Window((3, 3), pads=(1, 0, 1, 0))), net.add(Pad((0, 1, 0, 1)), x))
    x = net.add(MaxPool(Window((2, 2))), net.add(Pad((1, 1, 0, 0)), net.relu(x)))
    before = net.graph(x)
    after = fold_pads(before)
    assert ops_of(after) == ["conv2d", "sumpool", "clip", "maxpool"]
    same_meaning(before, after, net.data())


def test_pad_that_the_window_cannot_do_stays() -> None:
    net = Net(5, 5, 2)
    wide = net.graph(net.conv(net.add(Pad((1, 1, 1, 1)), "x"), 2, Window((1, 1))))
    assert fold_pads(wide) == wide
    net = Net(5, 5, 2)
    half = net.graph(net.conv(net.add(Pad((1, 1, 1, 1), 0.5), "x"), 2, Window((3, 3))))
    assert fold_pads(half) == half
    net = Net(5, 5, 2)
    signed = net.graph(net.add(MaxPool(Window((2, 2))), net.add(Pad((1, 1, 1, 1)), "x")))
    assert fold_pads(signed) == signed


def test_windows_that_need_no_line_buffer() -> None:
    net = Net(8, 8, 2)
    x = net.conv("x", 4, Window((1, 1)), name="point")
    x = net.conv(x, 4, Window((1, 1), stride=(2, 2)), name="strided")
    x = net.conv(x, 4, Window((1, 1)), 4, name="scale")
    y = net.conv(x, 3, Window((4, 4)), name="full")
    before = net.graph(y, net.add(SumPool(Window((4, 4))), x, name="sum"))
    after = simplify_windows(before)
    assert [(n.name, n.op.name) for n in after] == [
        ("point", "dense"),
        ("strided_slice", "slice"),
        ("strided", "dense"),
        ("scale", "affine"),
        ("full_vector", "reshape"),
        ("full", "dense"),
        ("sum", "globalsum"),
    ]
    same_meaning(before, after, net.data())


def test_functions_fuse_into_one() -> None:
    net = Net(4, 4, 2)
    x = net.add(MaxPool(Window((2, 2))), "x")
    inner = net.add(Affine(Tensor(np.array([0.5])), ONE), x, name="inner")
    y = net.add(Function(("tanh", "x")), inner, name="tanh")
    before = net.graph(net.add(Clip(-0.5, 0.5), net.add(Function(("exp", "x")), y, name="exp"), name="end"))
    after = fuse_functions(before)
    assert [str(n.op) for n in after][1:] == ["function<max(-0.5, min(0.5, exp(tanh(add(mul(0.5, x), 1)))))>"]
    assert after.nodes[1].origin == ("/inner", "/tanh", "/exp", "/end")
    same_meaning(before, after, net.data())


def test_hard_swish_spelled_out_becomes_one_function_behind_the_bias() -> None:
    net = Net(4, 4, 2)
    x = net.affine(net.conv("x", 3, SAME), "bias", bias_only=True)
    gate = net.add(Affine(Tensor(np.array([1 / 6])), Tensor(np.array([0.5]))), x, name="sixth")
    before = net.graph(net.add(Multiply(), x, net.add(Clip(0, 1), gate), name="swish"))
    after = fuse_functions(before)
    assert [(n.name, n.op.name) for n in after] == [("conv", "conv2d"), ("bias", "affine"), ("swish", "function")]
    same_meaning(before, after, net.data())


def test_square_is_a_function() -> None:
    net = Net(4, 4, 2)
    after = fuse_functions(net.graph(net.add(Multiply(), "x", "x")))
    assert [str(n.op) for n in after] == ["function<mul(x, x)>"]


def test_what_a_requant_absorbs_stays_behind_arithmetic() -> None:
    net = Net(4, 4, 2)
    graph = net.graph(net.relu(net.affine(net.add(Add(), "x", net.conv("x", 2, SAME)))))
    assert fuse_functions(graph) == graph


def test_a_whole_block_comes_out_lean() -> None:
    net = Net(8, 8, 2)
    x = net.affine(net.affine(net.conv(net.affine("x", "norm"), 4, Window((3, 3))), "bias"), "bn")
    x = net.add(Function(("tanh", "x")), net.relu(x))
    before = net.graph(net.conv(x, 3, Window((1, 1)), name="point"))
    after = run(before, CLEAN)
    assert ops_of(after) == ["conv2d", "affine", "clip", "function", "dense"]
    same_meaning(before, after, net.data())


def test_conv_is_unchanged_otherwise() -> None:
    net = Net(4, 4, 2)
    graph = net.graph(net.conv("x", 3, SAME))
    assert run(graph, CLEAN) == graph
    assert isinstance(graph.nodes[0].op, Conv2d)
