"""Steps on flattened frames take the frames: the same codes, and hardware that sees pixels."""

from collections.abc import Sequence

import numpy as np
import pytest

from tests.networks.cases import random_codes
from tests.networks.nets import ops_of
from tomato.core.formats import Codes, Tensor
from tomato.core.interpret import interpret
from tomato.core.ir import Builder, Graph, Op, TensorType
from tomato.ops.frame_requant import FrameRequant
from tomato.ops.join import Add
from tomato.ops.move import Reshape
from tomato.ops.piecewise import Piecewise
from tomato.ops.requant import Requant
from tomato.ops.table import Table
from tomato.ops.threshold import Threshold
from tomato.passes.unflatten import unflatten

SHAPE = (3, 4, 5)
X = TensorType(SHAPE, Codes(-128, 127))
RNG = np.random.default_rng(0)
FLAT, FRAME = Reshape((1, 1, 60)), Reshape(SHAPE)


def chain(*ops: Op) -> Graph:
    build = Builder([("x", X)])
    value = "x"
    for i, op in enumerate(ops):
        value = build.add(op, [value], f"{op.name}_{i}")
    return Graph("g", (("x", X),), tuple(build.nodes), (value,))


def requant(mult: Sequence[int] | np.ndarray, bias: Sequence[int] | np.ndarray) -> Requant:
    return Requant(Tensor(np.asarray(mult)), Tensor(np.asarray(bias)), 3, -128, 127)


def same(before: Graph, after: Graph) -> None:
    after.verify()
    x = random_codes(RNG, (3, *SHAPE), X.codes)
    for a, b in zip(before.outputs, after.outputs, strict=True):
        mine, theirs = interpret(before, {"x": x})[a], interpret(after, {"x": x})[b]
        np.testing.assert_array_equal(mine.reshape(3, -1), theirs.reshape(3, -1))


PLACES, ONES, EIGHTS = RNG.integers(-300, 300, 60), np.ones(60, dtype=np.int64), np.full(60, 8)
PER_CHANNEL = np.tile(np.arange(5), 12)
TABLE = Table(Tensor(RNG.integers(-9, 9, (1, 256))), -128)
LINES = Piecewise(Tensor(RNG.integers(-9, 9, 4)), Tensor(RNG.integers(-99, 99, 4)), -100, 5, 2, -128, 127)
LEVELS = np.sort(RNG.integers(-128, 128, (5, 7)), axis=1)


@pytest.mark.parametrize(
    ("ops", "names"),
    [
        pytest.param([requant(EIGHTS, PLACES)], ["framerequant"], id="constants_of_places"),
        pytest.param([requant(EIGHTS, PER_CHANNEL)], ["requant"], id="constants_of_channels"),
        pytest.param([requant(EIGHTS, PLACES), TABLE], ["framerequant", "table"], id="a_table_behind"),
        pytest.param([Threshold(Tensor(np.tile(LEVELS, (12, 1))), 0)], ["threshold"], id="thresholds_of_channels"),
        pytest.param([requant(EIGHTS, PLACES), LINES], ["framerequant", "piecewise"], id="lines_behind"),
        pytest.param([requant(PLACES, ONES), requant(ONES, PLACES)], ["framerequant"] * 2, id="two"),
    ],
)
def test_steps_between_reshapes(ops: Sequence[Op], names: list[str]) -> None:
    before = chain(FLAT, *ops, FRAME)
    after = unflatten(before)
    assert ops_of(after) == names
    assert {node.type.shape for node in after} == {SHAPE}
    same(before, after)


def test_the_output_may_stay_flat_no_more() -> None:
    before = chain(FLAT, requant(EIGHTS, PLACES))
    after = unflatten(before)
    assert ops_of(after) == ["framerequant"]
    same(before, after)


def test_constants_are_kept_once_along_axes_where_they_do_not_change() -> None:
    rows = np.repeat(np.arange(3), 20)
    (node,) = unflatten(chain(FLAT, requant(EIGHTS + rows, np.tile(np.repeat([1, 2, 3, 4], 5), 3)), FRAME))
    assert isinstance(node.op, FrameRequant)
    assert (node.op.mult.shape, node.op.bias.shape) == ((3, 1, 1), (1, 4, 1))


def test_a_sum_of_flattened_frames() -> None:
    build = Builder([("x", X)])
    flat = build.add(FLAT, ["x"], "flat")
    left, right = (build.add(requant(EIGHTS, PLACES + i), [flat], f"side{i}") for i in range(2))
    total = build.add(Add(), [left, right], "sum")
    last = build.add(FRAME, [total], "frame")
    before = Graph("g", (("x", X),), tuple(build.nodes), (last,))
    after = unflatten(before)
    assert ops_of(after) == ["framerequant", "framerequant", "add"]
    same(before, after)


def test_vectors_and_what_knows_no_other_form_stay() -> None:
    for op in (
        Requant(Tensor(EIGHTS), Tensor(PLACES), 3, -128, 127, Tensor(np.tile([[[5, 1]]], (60, 1, 1)))),
        Table(Tensor(RNG.integers(-9, 9, (60, 256))), -128),
    ):
        before = chain(FLAT, op, FRAME)
        assert unflatten(before) == before
    alone = Graph("g", (("x", TensorType((1, 1, 60), X.codes)),), (), ("x",))
    assert unflatten(alone) == alone
