"""tom_pool_window against the meaning of the pools."""

import pytest

from tests.hw.rtl.harness import check_engine
from tomato.core.formats import Codes
from tomato.core.ir import Shape, TensorType
from tomato.ops.pool import MaxPool, SumPool
from tomato.ops.window import Window


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("op", "shape", "fmt", "lanes", "taps"),
    [
        pytest.param(
            MaxPool(Window((3, 3), (2, 2), pads=(1, 1, 1, 1))),
            (7, 6, 5),
            Codes.of(8, signed=True),
            2,
            (1, 1),
            id="max_signed",
        ),
        pytest.param(MaxPool(Window((2, 2), (2, 2))), (6, 8, 3), Codes(3, 200), 3, (0, 0), id="max_serial"),
        pytest.param(
            SumPool(Window((3, 2), pads=(1, 0, 1, 1)), 7),
            (5, 6, 4),
            Codes.of(6, signed=False),
            2,
            (0, 1),
            id="sum_border",
        ),
    ],
)
def test_rtl_matches_golden(op: MaxPool | SumPool, shape: Shape, fmt: Codes, lanes: int, taps: tuple[int, int]) -> None:
    knobs = {"lanes": lanes, "parallel_rows": taps[0], "parallel_columns": taps[1]}
    check_engine("pool_window", op, [TensorType(shape, fmt)], knobs)
