"""tom_double_fold, with both clocks, against the meanings of dense and conv2d."""

from collections.abc import Mapping

import numpy as np
import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.rtl.test_conv2d_window import SAME, conv
from tests.hw.rtl.test_mixed_fold import dense, window
from tomato.core.formats import Codes, Tensor
from tomato.core.forms import Cell
from tomato.core.ir import Op, Shape, TensorType
from tomato.ops.dense import Dense
from tomato.ops.window import Window


def array(lanes_in: int, lanes_out: int, pack: int, cell: int = Cell.FIXED, **knobs: int) -> Mapping[str, int]:
    return {"lanes_in": lanes_in, "lanes_out": lanes_out, **knobs, "cell": cell, "pack": pack, "weight_ram": 0}


SIGNS = Dense(Tensor(np.resize([-1, 1, 1], (10, 4))))
S8, U8, S3 = Codes.of(8, signed=True), Codes.of(8, signed=False), Codes.of(3, signed=True)
CASES = [
    pytest.param(dense(6, 4), (5, 3, 6), S8, array(6, 4, 1), id="one_cycle_a_pixel_odd_latency"),
    pytest.param(dense(7, 3), (4, 3, 7), U8, array(7, 3, 0), id="one_cycle_a_pixel_even_latency"),
    pytest.param(SIGNS, (3, 3, 10), S3, array(5, 4, 0, Cell.BINARY), id="signs_odd"),
    pytest.param(
        conv(Window((3, 3), (2, 2), pads=SAME), 8, 8, groups=2, border=5),
        (7, 8, 8),
        S8,
        array(2, 4, 2, **window(0, 1)),
        id="groups_stride_border",
    ),
    pytest.param(
        conv(Window((3, 3), (2, 2), pads=SAME), 3, 5), (6, 8, 3), U8, array(3, 5, 2, **window(1, 1, 2)), id="wide_odd"
    ),
]


@pytest.mark.rtl
@pytest.mark.parametrize(("op", "shape", "codes", "knobs"), CASES)
def test_rtl_matches_golden(op: Op, shape: Shape, codes: Codes, knobs: Mapping[str, int]) -> None:
    check_engine("double_fold", op, [TensorType(shape, codes)], knobs)
