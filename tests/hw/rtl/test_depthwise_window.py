"""tom_depthwise_window against the meaning of a depthwise conv2d."""

import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.rtl.test_conv2d_window import ALL, COLUMNS, SAME, SERIAL, conv
from tomato.core.formats import Codes
from tomato.core.ir import TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.window import Window


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("op", "size", "lanes", "taps"),
    [
        pytest.param(conv(Window((3, 3), pads=SAME), 5, 5, groups=5, border=3), (6, 5), 2, ALL, id="all_ragged"),
        pytest.param(conv(Window((3, 3), (2, 2), pads=(0, 0, 1, 1)), 4, 4, groups=4), (8, 6), 4, COLUMNS, id="columns"),
        pytest.param(conv(Window((5, 2), dilation=(1, 3)), 3, 3, groups=3, bits=5), (7, 9), 1, SERIAL, id="serial"),
    ],
)
def test_rtl_matches_golden(op: Conv2d, size: tuple[int, int], lanes: int, taps: tuple[int, int]) -> None:
    kind = TensorType((*size, op.groups), Codes.of(8, signed=False))
    knobs = {"lanes": lanes, "parallel_rows": taps[0], "parallel_columns": taps[1], "cell": 0, "pack": 0,
             "weight_ram": 0}  # fmt: skip
    check_engine("depthwise_window", op, [kind], knobs)
