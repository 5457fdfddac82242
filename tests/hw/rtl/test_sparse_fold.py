"""tom_sparse_fold against the meanings of dense and conv2d."""

from collections.abc import Mapping

import numpy as np
import pytest

from tests.hw.rtl.harness import check_engine
from tomato.core.formats import Codes, Tensor
from tomato.core.ir import Op, Shape, TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.window import Window

SAME = (1, 1, 1, 1)


def sparse(shape: tuple[int, ...], share: float, bits: int = 8) -> Tensor:
    """Weights of which that share is zero, in no pattern."""
    rng = np.random.default_rng(int(np.prod(shape)))
    limit = (1 << (bits - 1)) - 1
    weight = rng.integers(-limit, limit, shape, endpoint=True)
    return Tensor(weight * (rng.random(shape) >= share))


def conv(window: Window, channels: int, filters: int, share: float, *, groups: int = 1, border: int = 0) -> Conv2d:
    return Conv2d(sparse((*window.kernel, channels // groups, filters), share), window, groups, border)


def second_only(window: Window) -> Conv2d:
    """Two channels to three, of which the first has no weights."""
    return Conv2d(Tensor(sparse((*window.kernel, 2, 3), 0.0).values * np.array([[0], [1]])), window)


ONE = {"parts": 1, "lists": 1, "cell": 0, "pack": 1, "weight_ram": 0}
"""Knobs: one list, beats of one word."""


def array(lanes_in: int, lanes_out: int, taps: tuple[int, int], **knobs: int) -> Mapping[str, int]:
    """Knobs of a convolution."""
    both = {"parallel_rows": taps[0], "parallel_columns": taps[1], "pixels": 1}
    return {**ONE, "lanes_in": lanes_in, "lanes_out": lanes_out, **both, **knobs}


def dense(lanes_in: int, lanes_out: int, **knobs: int) -> Mapping[str, int]:
    return {**ONE, "lanes_in": lanes_in, "lanes_out": lanes_out, **knobs}


def depthwise(lanes: int, taps: tuple[int, int]) -> Mapping[str, int]:
    return {**ONE, "lanes": lanes, "parallel_rows": taps[0], "parallel_columns": taps[1]}


CASES = [
    pytest.param(Dense(sparse((33, 10), 0.8)), (1, 1, 33), False, dense(4, 3, pack=2), id="vector_ragged"),
    pytest.param(Dense(sparse((6, 4), 0.9)), (5, 3, 6), True, dense(1, 4, pack=2), id="fewer_reads_than_beats"),
    pytest.param(Dense(sparse((8, 6), 1.0)), (3, 3, 8), False, dense(2, 2), id="all_zero"),
    pytest.param(Dense(sparse((37, 12), 0.8)), (2, 3, 37), False, dense(3, 6, pack=2, parts=4), id="parts_ragged"),
    pytest.param(
        conv(Window((3, 3), (2, 2), pads=SAME), 8, 6, 0.9),
        (7, 8, 8),
        True,
        array(1, 3, (1, 1), parts=4),
        id="parts_all",
    ),
    pytest.param(Dense(sparse((37, 12), 0.8)), (2, 3, 37), False, dense(3, 6, pack=2, lists=3), id="lists_ragged"),
    pytest.param(
        Dense(sparse((40, 8), 0.9)), (3, 3, 40), True, dense(4, 2, pack=2, parts=4, lists=4), id="lists_parts"
    ),
    pytest.param(
        conv(Window((3, 3), pads=SAME), 10, 6, 0.8), (5, 6, 10), False, array(4, 3, (0, 0), lists=4), id="lists_taps"
    ),
    pytest.param(
        conv(Window((3, 3), (2, 2), pads=SAME), 8, 6, 0.9, border=5),
        (7, 8, 8),
        False,
        array(2, 3, (0, 1), parts=2, lists=2),
        id="lists_columns",
    ),
    pytest.param(
        conv(Window((3, 3), (1, 2)), 9, 4, 0.95), (6, 9, 9), True, array(3, 1, (1, 1), lists=3), id="lists_all_taps"
    ),
    pytest.param(Dense(sparse((40, 40), 0.95)), (2, 3, 40), False, dense(2, 1, weight_ram=1), id="block_ram"),
    pytest.param(
        conv(Window((3, 3), pads=SAME), 5, 7, 0.8), (6, 7, 5), False, array(1, 3, (0, 0), pack=2), id="taps_in_turn"
    ),
    pytest.param(
        conv(Window((3, 3), (2, 2), pads=(0, 0, 1, 1)), 6, 6, 0.9), (8, 8, 6), True, array(1, 2, (0, 1)), id="columns"
    ),
    pytest.param(
        conv(Window((2, 5), (1, 3), pads=(1, 2, 0, 1), dilation=(2, 2)), 2, 3, 0.7, border=9),
        (7, 16, 2),
        False,
        array(1, 1, (0, 0)),
        id="dilated_border",
    ),
    pytest.param(
        conv(Window((3, 2), pads=(1, 0, 1, 0)), 6, 8, 0.7, groups=2), (5, 4, 6), False, array(1, 2, (0, 0)), id="groups"
    ),
    pytest.param(
        conv(Window((3, 3), pads=SAME), 6, 6, 0.6, groups=6), (5, 5, 6), False, depthwise(2, (0, 0)), id="depthwise"
    ),
    pytest.param(
        conv(Window((1, 1), (2, 2)), 3, 5, 0.5), (5, 7, 3), False, array(1, 2, (0, 0), pack=2), id="skips_rows"
    ),
    pytest.param(second_only(Window((2, 2))), (3, 3, 2), False, array(1, 3, (1, 1)), id="one_read_two_columns"),
    pytest.param(second_only(Window((2, 3))), (3, 3, 2), False, array(1, 3, (1, 1)), id="one_read_two_rows"),
    pytest.param(Dense(sparse((40, 40), 0.95)), (2, 3, 40), False, dense(2, 1, weight_ram=2), id="ultra_ram"),
]


@pytest.mark.rtl
@pytest.mark.parametrize(("op", "shape", "signed", "knobs"), CASES)
def test_rtl_matches_golden(op: Op, shape: Shape, signed: bool, knobs: Mapping[str, int]) -> None:
    check_engine("sparse_fold", op, [TensorType(shape, Codes.of(8, signed=signed))], knobs)
