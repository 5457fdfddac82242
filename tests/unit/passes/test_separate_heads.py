"""Heads that divide into no beats become chains of their own; all others stay together."""

import numpy as np
import pytest

from tests.networks.nets import Net, ops_of, same_meaning
from tomato.core.formats import Tensor
from tomato.core.ir import Graph
from tomato.ops.matmul import MatMul
from tomato.ops.move import Slice
from tomato.ops.real import Affine
from tomato.ops.softmax import Softmax
from tomato.ops.window import Window
from tomato.passes.separate_heads import separate_heads

HALF = Affine(Tensor(np.full(1, 0.5)), Tensor(np.zeros(1)))


def attention(pixels: int, *, groups: int = 3, scale: Affine = HALF, watched: bool = False) -> tuple[Net, Graph]:
    net = Net(1, pixels, 4, seed=1)
    packed = net.conv("x", 18, Window((1, 1)), name="packed")
    query, key, value = (
        net.add(Slice((0, 0, b), (1, pixels, b + 6)), packed, name=name)
        for name, b in (("query", 0), ("key", 6), ("value", 12))
    )
    scores = net.add(scale, net.add(MatMul(groups, transposed=True), query, key, name="scores"), name="scaled")
    shares = net.add(Softmax(groups), scores, name="shares")
    out = net.add(MatMul(groups), shares, value, name="product")
    return net, net.graph(out, *([shares] if watched else []))


def test_heads_of_a_prime_number_of_pixels_are_separated() -> None:
    net, graph = attention(37)
    after = separate_heads(graph)
    after.verify()
    same_meaning(graph, after, net.data())
    assert all(node.op.groups == 1 for node in after if isinstance(node.op, MatMul | Softmax))
    assert ops_of(after).count("matmul") == 6
    assert ops_of(after).count("slice") == 9, "of the packed layer: no slices of slices"


@pytest.mark.parametrize(
    ("pixels", "groups", "scale", "watched"),
    [
        (36, 3, HALF, False),
        (37, 1, HALF, False),
        (37, 3, HALF, True),
        (37, 3, Affine(Tensor(np.arange(1.0, 112.0)), Tensor(np.zeros(1))), False),
    ],
    ids=["divisible", "one head", "read elsewhere", "scale per channel"],
)
def test_others_stay_together(pixels: int, groups: int, scale: Affine, watched: bool) -> None:
    _, graph = attention(pixels, groups=groups, scale=scale, watched=watched)
    assert separate_heads(graph) is graph
