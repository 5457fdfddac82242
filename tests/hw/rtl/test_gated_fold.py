"""tom_gated_fold against the meaning of a gated convolution."""

from collections.abc import Mapping

import numpy as np
import pytest

from tests.hw.rtl.harness import check_engine
from tomato.core.formats import Codes, Tensor
from tomato.core.ir import TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.gated_conv2d import GatedConv2d
from tomato.ops.window import Window

SAME, POINT = Window((3, 3), pads=(1, 1, 1, 1)), Window((1, 1))
S8, U8, U4 = Codes.of(8, signed=True), Codes.of(8, signed=False), Codes.of(4, signed=False)


def conv(window: Window, channels: int, filters: int, border: int = 0) -> Conv2d:
    rng = np.random.default_rng(channels * filters)
    return Conv2d(
        Tensor(rng.integers(-127, 127, (*window.kernel, channels, filters), endpoint=True)), window, 1, border
    )


def array(lanes_in: int, lanes_out: int, taps: tuple[int, int] = (0, 0), **knobs: int) -> Mapping[str, int]:
    """Knobs."""
    both = {"parallel_rows": taps[0], "parallel_columns": taps[1]}
    return {"lanes_in": lanes_in, "lanes_out": lanes_out, **both, "cell": 0, "pack": 1, "weight_ram": 0, **knobs}


def x(size: tuple[int, int], channels: int, codes: Codes = S8) -> TensorType:
    return TensorType((*size, channels), codes)


def gate(groups: int, codes: Codes = U4) -> TensorType:
    return TensorType((1, 1, groups), codes)


CASES = [
    pytest.param(
        GatedConv2d(conv(SAME, 6, 8), keep=2, keep_in=1), (x((5, 6), 6), gate(4), gate(3)), array(2, 2), id="both"
    ),
    pytest.param(
        GatedConv2d(conv(SAME, 5, 6, border=-9), keep=2),
        (x((4, 5), 5), gate(3)),
        array(2, 1, (0, 1), pack=1),
        id="result_only_border",
    ),
    pytest.param(
        GatedConv2d(conv(Window((3, 3), (2, 2), pads=(0, 0, 1, 1)), 8, 7), keep_in=3, base=-128),
        (x((6, 8), 8), gate(4)),
        array(1, 3, (1, 1), pack=2),
        id="input_only_base",
    ),
    pytest.param(
        GatedConv2d(conv(POINT, 4, 16), keep=3, keep_in=1, zero=-8, zero_in=5),
        (x((3, 4), 4), gate(16, Codes(-8, 7)), gate(4)),
        array(1, 1),
        id="slower_out_than_read",
    ),
    pytest.param(
        GatedConv2d(conv(POINT, 12, 12), keep=6), (x((1, 1), 12), gate(12, U8)), array(12, 1), id="slower_gates"
    ),
    pytest.param(
        GatedConv2d(conv(POINT, 12, 4), keep_in=1), (x((2, 3), 12), gate(3)), array(4, 4, pack=2), id="slower_in"
    ),
    pytest.param(
        GatedConv2d(conv(Window((2, 3), (1, 2), (2, 1), (1, 1, 1, 1)), 6, 6), keep=2, keep_in=2),
        (x((5, 7), 6, U8), gate(3, Codes(0, 1)), gate(3, Codes(0, 1))),
        array(1, 2, pack=2, weight_ram=1),
        id="few_gates_positive",
    ),
    pytest.param(
        GatedConv2d(conv(SAME, 4, 8), keep=7, keep_in=1, base=3),
        (x((4, 4), 4, U4), gate(8), gate(2)),
        array(2, 1, (1, 1), weight_ram=2),
        id="ultra_ram",
    ),
    pytest.param(
        GatedConv2d(conv(Window((3, 1)), 2, 2), keep=1, keep_in=1),
        (x((4, 1), 2), gate(2), gate(2)),
        array(1, 1, (1, 1)),
        id="one_read_one_column",
    ),
]


@pytest.mark.rtl
@pytest.mark.parametrize(("op", "args", "knobs"), CASES)
def test_rtl_matches_golden(op: GatedConv2d, args: tuple[TensorType, ...], knobs: Mapping[str, int]) -> None:
    check_engine("gated_fold", op, args, knobs)
