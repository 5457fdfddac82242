"""tom_depthwise_ring against the meaning of a depthwise conv2d."""

import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.rtl.test_conv2d_window import SAME, conv
from tomato.core.formats import Codes
from tomato.core.ir import TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.window import Window


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("op", "size", "lanes", "pace"),
    [
        pytest.param(conv(Window((3, 3), pads=SAME), 5, 5, groups=5, border=3), (6, 5), 2, 1, id="ragged"),
        pytest.param(conv(Window((3, 3), (2, 2), pads=SAME), 4, 4, groups=4), (9, 8), 1, 1, id="stride"),
        pytest.param(conv(Window((3, 3), (2, 2), pads=SAME), 4, 4, groups=4), (9, 8), 2, 2, id="stride_at_leisure"),
        pytest.param(conv(Window((5, 2), (1, 3), dilation=(1, 3)), 3, 3, groups=3, bits=5), (7, 9), 3, 1, id="dilated"),
        pytest.param(conv(Window((1, 2), (3, 3)), 6, 6, groups=6), (7, 11), 6, 2, id="skips_pixels"),
        pytest.param(conv(Window((3, 3), pads=(2, 2, 2, 2)), 2, 2, groups=2), (1, 1), 1, 1, id="one_pixel"),
    ],
)
def test_rtl_matches_golden(op: Conv2d, size: tuple[int, int], lanes: int, pace: int) -> None:
    kind = TensorType((*size, op.groups), Codes.of(8, signed=False))
    knobs = {"lanes": lanes, "pace": pace, "cell": 0, "pack": 0, "weight_ram": 0}
    check_engine("depthwise_ring", op, [kind], knobs)
