"""Requant: nudged inputs, and what is refused of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tomato.build import archive
from tomato.core.formats import Array, Codes, Tensor
from tomato.core.ir import Graph, Node, TensorType
from tomato.frontend import Network
from tomato.ops.requant import Requant

S12 = TensorType((2, 3, 3), Codes.of(12, signed=True))
NUDGES = [[[100, 1], [0, 0]], [[0, 0], [0, 0]], [[-7, -1], [2047, -1]]]


def requant(nudges: object = NUDGES) -> Requant:
    """x, 2 x and -x, without loss."""
    return Requant(Tensor(np.array([1, 2, -1])), Tensor(np.zeros(3, int)), 0, -4096, 4095, Tensor(np.array(nudges)))


def everywhere(op: Requant) -> Array:
    """The results of every input, for every channel."""
    x = np.arange(-2048, 2048).repeat(3).reshape(1, 1, -1, 3)
    return np.asarray(op.golden([x])[0, 0])


def test_only_the_nudged_move() -> None:
    x = np.arange(-2048, 2048)
    expected = np.stack([x, 2 * x, -x], axis=1)
    expected[2048 + 100, 0] = 101
    expected[2048 - 7, 2] = 8
    expected[2048 + 2047, 2] = -2046
    assert np.array_equal(everywhere(requant()), expected)


def test_nudges_of_all_channels_may_be_the_same_sums() -> None:
    added, mult = np.array([0, 5, -3]), np.full(3, 3)
    nudges = Tensor(np.array([[[1 - a, 1], [40 - a, -1]] for a in added]))
    alike = Requant(Tensor(mult), Tensor(mult * added), 2, -4096, 4095, nudges)
    assert alike.nudged_sums == ((3, 1), (120, -1))
    assert requant().nudged_sums is None, "channels have others"
    assert replace(alike, shift=3).nudged_sums is None, "a step of the input is less than one of the result"
    assert replace(alike, nudges=None).nudged_sums == ()


def test_neighbouring_nudges_do_not_chain() -> None:
    codes = everywhere(requant([[[5, 1], [6, 1]], [[0, 0]] * 2, [[0, 0]] * 2]))[:, 0]
    assert codes[2048 + 4 : 2048 + 8].tolist() == [4, 6, 7, 7]


def test_the_input_is_left_alone() -> None:
    x = np.full((1, 1, 1, 3), 100)
    requant().golden([x])
    assert np.all(x == 100)


def test_results_lie_in_the_inferred_type() -> None:
    fmt = requant().infer([S12]).fmt
    assert fmt == Codes(-4096, 4094)
    assert str(requant()).endswith(" in -4096..4095 3 nudges>")


@pytest.mark.parametrize(
    ("nudges", "message"),
    [
        pytest.param([[[0, 1]]], "nudges (1, 1, 2) must be [x, d] pairs per channel (3)", id="channels"),
        pytest.param([[], [], []], "nudges (3, 0) must be [x, d] pairs per channel (3)", id="none"),
        pytest.param([[[0, 2]]] * 3, "a nudge moves its input by more than 1", id="far"),
        pytest.param([[[2047, 1]]] * 3, "a nudge leads out of s12", id="out"),
        pytest.param([[[2048, -1]]] * 3, "a nudge leads out of s12", id="from_outside"),
        pytest.param([[[4, 1], [4, -1]]] * 3, "two nudges of a channel share an input", id="twice"),
    ],
)
def test_refused(nudges: object, message: str) -> None:
    with pytest.raises(ValueError, match=r"nudge") as error:
        requant(nudges).infer([S12])
    assert str(error.value) == message


def test_unused_entries_may_repeat() -> None:
    requant([[[9, 0], [9, 0]]] * 3).infer([S12])


@pytest.mark.parametrize("op", [requant(), Requant(Tensor(np.ones(3, int)), Tensor(np.ones(3, int)), 2, 0, 9)])
def test_comes_back_from_disk(tmp_path: Path, op: Requant) -> None:
    graph = Graph("net", (("x", S12),), (Node("y", op, ("x",), op.infer([S12])),), ("y",))
    archive.save(tmp_path, Network(graph, (), ()))
    assert archive.load(tmp_path).graph == graph
