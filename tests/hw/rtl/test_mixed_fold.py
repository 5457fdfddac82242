"""tom_mixed_fold against the meanings of dense and conv2d."""

from collections.abc import Mapping

import numpy as np
import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.rtl.test_conv2d_window import SAME, conv
from tomato.core.formats import Codes, Tensor
from tomato.core.ir import Op, Shape, TensorType
from tomato.ops.dense import Dense
from tomato.ops.window import Window


def dense(channels: int, filters: int, bits: int = 8) -> Dense:
    least = -(1 << (bits - 1))
    return Dense(
        Tensor(np.random.default_rng(channels).integers(least, -least - 1, (channels, filters), endpoint=True))
    )


def array(lanes_in: int, lanes_out: int, pack: int, in_luts: int, **knobs: int) -> Mapping[str, int]:
    lanes = {"lanes_in": lanes_in, "lanes_out": lanes_out}
    return {**lanes, **knobs, "cell": 0, "pack": pack, "in_luts": in_luts, "weight_ram": 0}


def window(rows: int, columns: int, pixels: int = 1) -> Mapping[str, int]:
    return {"parallel_rows": rows, "parallel_columns": columns, "pixels": pixels}


CASES = [
    pytest.param(dense(33, 10), (2, 2, 33), False, array(8, 5, 2, 3), id="vector_ragged"),
    pytest.param(dense(6, 4), (5, 3, 6), True, array(6, 4, 1, 2), id="one_cycle_a_pixel"),
    pytest.param(dense(24, 9, 4), (3, 3, 24), False, array(24, 9, 3, 3), id="blocks_wait_or_luts"),
    pytest.param(conv(Window((3, 3), pads=SAME), 4, 6), (5, 6, 4), False, array(2, 6, 2, 2, **window(1, 1)), id="all"),
    pytest.param(
        conv(Window((3, 3), (2, 2), pads=SAME), 8, 8, groups=2, border=5),
        (7, 8, 8),
        True,
        array(2, 4, 2, 2, **window(0, 1)),
        id="groups_stride_border",
    ),
    pytest.param(
        conv(Window((3, 3), (2, 2), pads=SAME), 3, 5), (6, 8, 3), False, array(3, 5, 1, 4, **window(1, 1, 2)), id="wide"
    ),
]


@pytest.mark.rtl
@pytest.mark.parametrize(("op", "shape", "signed", "knobs"), CASES)
def test_rtl_matches_golden(op: Op, shape: Shape, signed: bool, knobs: Mapping[str, int]) -> None:
    check_engine("mixed_fold", op, [TensorType(shape, Codes.of(8, signed=signed))], knobs)
