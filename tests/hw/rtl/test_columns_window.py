"""tom_columns_window against the meanings of conv2d, with one filter per channel too, and dense."""

import numpy as np
import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.rtl.test_conv2d_window import SAME, conv
from tomato.core.formats import Codes, Tensor
from tomato.core.ir import Op, Shape, TensorType
from tomato.ops.dense import Dense
from tomato.ops.window import Window


def dense(channels: int, filters: int) -> Dense:
    return Dense(Tensor(np.random.default_rng(channels).integers(-127, 127, (channels, filters), endpoint=True)))


CASES = [
    pytest.param(conv(Window((3, 3), pads=SAME), 3, 4), (5, 6, 3), False, 2, 2, 1, 2, id="two_columns"),
    pytest.param(conv(Window((3, 3), pads=SAME), 2, 3), (6, 9, 2), True, 3, 3, 0, 0, id="three_row_by_row"),
    pytest.param(
        conv(Window((3, 3), (2, 2), pads=(0, 0, 1, 1)), 3, 5, border=7), (8, 16, 3), False, 8, 2, 1, 1, id="stride"
    ),
    pytest.param(conv(Window((5, 3), (1, 1), pads=(2, 1, 2, 1)), 2, 2), (7, 8, 2), True, 8, 8, 1, 1, id="whole_row"),
    pytest.param(conv(Window((3, 3)), 2, 3), (6, 10, 2), False, 5, 4, 1, 0, id="no_border"),
    pytest.param(conv(Window((1, 3), dilation=(1, 2), pads=(0, 2, 0, 2)), 3, 2), (4, 8, 3), True, 4, 4, 0, 1, id="dil"),
    pytest.param(conv(Window((1, 1), (2, 2)), 3, 4), (6, 12, 3), False, 6, 3, 0, 1, id="skips"),
    pytest.param(conv(Window((2, 4), (1, 3)), 2, 2), (5, 13, 2), False, 13, 4, 1, 1, id="odd_width"),
    pytest.param(
        conv(Window((3, 3), pads=SAME), 5, 5, groups=5, border=3), (6, 8, 5), False, 4, 4, 1, 1, id="depthwise"
    ),
    pytest.param(
        conv(Window((3, 3), (2, 2), pads=SAME), 4, 4, groups=4), (8, 8, 4), True, 2, 1, 1, 0, id="depthwise_one_column"
    ),
    pytest.param(conv(Window((3, 3), (2, 2), pads=SAME), 3, 3, groups=3), (8, 12, 3), False, 2, 2, 0, 1, id="dw_rows"),
    pytest.param(dense(6, 5), (4, 6, 6), True, 2, 2, 0, 2, id="dense"),
    pytest.param(dense(3, 2), (3, 5, 3), False, 5, 5, 0, 0, id="dense_whole_row"),
]


@pytest.mark.rtl
@pytest.mark.parametrize(("op", "shape", "signed", "pixels", "columns", "rows", "pack"), CASES)
def test_rtl_matches_golden(
    op: Op, shape: Shape, signed: bool, pixels: int, columns: int, rows: int, pack: int
) -> None:
    knobs = {"pixels": pixels, "columns": columns, "parallel_rows": rows, "cell": 0, "pack": pack, "weight_ram": 0}
    check_engine("columns_window", op, [TensorType(shape, Codes.of(8, signed=signed))], knobs)
