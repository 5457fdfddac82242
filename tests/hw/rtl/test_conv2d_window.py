"""tom_conv2d_window against the meaning of conv2d."""

import numpy as np
import pytest

from tests.hw.rtl.harness import check_engine
from tomato.core.formats import Codes, Tensor
from tomato.core.ir import TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.window import Window

SERIAL, COLUMNS, ALL = (0, 0), (0, 1), (1, 1)


def conv(window: Window, channels: int, filters: int, *, groups: int = 1, bits: int = 8, border: int = 0) -> Conv2d:
    rng = np.random.default_rng(channels * 100 + filters)
    limit = (1 << (bits - 1)) - 1
    weight = rng.integers(-limit, limit, (*window.kernel, channels // groups, filters), endpoint=True)
    return Conv2d(Tensor(weight), window, groups, border)


SAME = (1, 1, 1, 1)
CASES = [
    pytest.param(conv(Window((3, 3), pads=SAME), 5, 7), (6, 7), False, 2, 3, SERIAL, id="same_ragged"),
    pytest.param(conv(Window((3, 3), pads=SAME), 4, 4), (5, 6), False, 4, 4, ALL, id="one_cycle_a_pixel"),
    pytest.param(
        conv(Window((3, 3), (2, 2), pads=(0, 0, 1, 1)), 3, 6), (8, 8), True, 3, 2, ALL, id="stride_asymmetric"
    ),
    pytest.param(
        conv(Window((2, 5), (1, 3), pads=(1, 2, 0, 1), dilation=(2, 2)), 2, 3, border=9),
        (7, 16),
        False,
        1,
        2,
        COLUMNS,
        id="dilated_columns",
    ),
    pytest.param(
        conv(Window((3, 3), (2, 1), dilation=(1, 2)), 3, 2, bits=4), (9, 9), True, 2, 1, ALL, id="dilated_all"
    ),
    pytest.param(conv(Window((3, 2), pads=(1, 0, 1, 0)), 6, 4, groups=2), (5, 4), False, 3, 1, SERIAL, id="groups"),
    pytest.param(conv(Window((4, 4)), 3, 5), (4, 4), False, 3, 5, COLUMNS, id="whole_frame"),
    pytest.param(conv(Window((1, 1), (2, 2)), 3, 5), (5, 7), False, 3, 5, SERIAL, id="skips_rows"),
    pytest.param(conv(Window((2, 3), (3, 4)), 2, 2), (11, 13), False, 2, 2, ALL, id="stride_beyond_kernel"),
    pytest.param(conv(Window((3, 5), pads=(2, 0, 0, 4)), 6, 6), (9, 5), True, 1, 6, ALL, id="row_needed_to_its_end"),
    pytest.param(conv(Window((3, 1), pads=(1, 0, 1, 0)), 1, 2), (9, 1), False, 1, 1, (1, 0), id="one_column"),
]


@pytest.mark.rtl
@pytest.mark.parametrize(("op", "size", "signed", "lanes_in", "lanes_out", "taps"), CASES)
def test_rtl_matches_golden(
    op: Conv2d, size: tuple[int, int], signed: bool, lanes_in: int, lanes_out: int, taps: tuple[int, int]
) -> None:
    kind = TensorType((*size, op.weight.shape[2] * op.groups), Codes.of(8, signed=signed))
    knobs = {
        "lanes_in": lanes_in,
        "lanes_out": lanes_out,
        "parallel_rows": taps[0],
        "parallel_columns": taps[1],
        "pixels": 1,
        "cell": 0,
        "pack": min(lanes_out, 2),  # two products of 8 x 8 bits fit every DSP48
        "weight_ram": lanes_out % 2,
    }
    check_engine("conv2d_window", op, [kind], knobs)


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("window", "size", "channels", "pixels"),
    [
        pytest.param(Window((3, 3), (2, 2), pads=(0, 0, 1, 1)), (6, 8), 3, 2, id="two"),
        pytest.param(Window((7, 7), (2, 2), pads=(3, 3, 3, 3)), (9, 16), 2, 4, id="four"),
        pytest.param(Window((2, 3), (1, 4), dilation=(1, 2)), (4, 16), 1, 8, id="eight_dilated"),
    ],
)
def test_several_pixels_a_beat(window: Window, size: tuple[int, int], channels: int, pixels: int) -> None:
    """The stem of a fast network: the input comes faster than one pixel per cycle."""
    op = conv(window, channels, 2)
    knobs = {"lanes_in": channels, "lanes_out": 2, "parallel_rows": 1, "parallel_columns": 1, "pixels": pixels,
             "cell": 0, "pack": 2, "weight_ram": 0}  # fmt: skip
    check_engine("conv2d_window", op, [TensorType((*size, channels), Codes.of(8, signed=False))], knobs)
