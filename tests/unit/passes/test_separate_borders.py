"""Borders beyond the bits of their stream: the same numbers, from a Pad."""

import numpy as np
import pytest

from tests.networks.nets import ops_of
from tomato.core.formats import Codes, Tensor
from tomato.core.interpret import interpret
from tomato.core.ir import Builder, Graph, Op, TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.pool import MaxPool, SumPool
from tomato.ops.window import Window
from tomato.passes.separate_borders import separate_borders

WINDOW = Window((2, 3), pads=(1, 0, 0, 2))
WEIGHT = Tensor(np.arange(-9, 9).reshape(2, 3, 1, 3))


def graph(op: Op, fmt: Codes) -> Graph:
    build = Builder([("x", TensorType((4, 5, 1), fmt))])
    build.add(op, ["x"], "y")
    return Graph("net", (("x", build.types["x"]),), tuple(build.nodes), ("y",))


@pytest.mark.parametrize(
    ("op", "fmt", "apart"),
    [
        pytest.param(SumPool(WINDOW, -128), Codes(28, 127), True, id="needs_a_sign"),
        pytest.param(Conv2d(WEIGHT, WINDOW, 1, 130), Codes(0, 127), True, id="needs_a_bit"),
        pytest.param(Conv2d(WEIGHT, WINDOW, 1, 127), Codes(3, 100), False, id="bits_suffice"),
        pytest.param(Conv2d(WEIGHT, Window((2, 3)), 1, -128), Codes(0, 127), False, id="no_border"),
        pytest.param(MaxPool(WINDOW), Codes(3, 100), False, id="maximum_has_none"),
    ],
)
def test_pad_only_where_the_bits_do_not_suffice(op: Op, fmt: Codes, apart: bool) -> None:
    before = graph(op, fmt)
    after = separate_borders(before)
    after.verify()
    assert ops_of(after) == (["pad"] if apart else []) + [op.name]
    assert after.outputs == before.outputs
    x = {"x": np.random.default_rng(0).integers(fmt.lo, fmt.hi, (3, 4, 5, 1), endpoint=True)}
    np.testing.assert_array_equal(interpret(after, x)["y"], interpret(before, x)["y"])
