"""tom_fetched_fold against the meaning of matrix products and convolutions: its weights come as a stream."""

import numpy as np
import pytest

from tests.hw.rtl.harness import check_engine
from tomato.core.formats import Codes, Tensor
from tomato.core.ir import Shape, TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.window import Window

SAME = (1, 1, 1, 1)


def weights(*shape: int, bits: int) -> Tensor:
    limit = (1 << (bits - 1)) - 1
    return Tensor(np.random.default_rng(shape[-1]).integers(-limit, limit, shape, endpoint=True))


def dense(channels: int, filters: int, bits: int = 8) -> Dense:
    return Dense(weights(channels, filters, bits=bits))


def conv(window: Window, channels: int, filters: int, border: int = 0) -> Conv2d:
    return Conv2d(weights(*window.kernel, channels, filters, bits=8), window, 1, border)


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("op", "shape", "lanes", "tile", "pack"),
    [
        pytest.param(dense(33, 10), (1, 1, 33), (8, 3), 1, 2, id="vector"),
        pytest.param(dense(6, 4), (4, 3, 6), (6, 4), 1, 0, id="word_a_pixel"),
        pytest.param(dense(6, 4, 4), (4, 3, 6), (6, 4), 6, 3, id="one_fold"),
        pytest.param(dense(7, 9, 3), (3, 4, 7), (2, 4), 4, 3, id="folds_and_reads"),
        pytest.param(dense(3, 40), (2, 3, 3), (3, 4), 6, 1, id="more_folds_than_reads"),
        pytest.param(dense(9, 4), (2, 2, 9), (1, 2), 2, 0, id="two_folds"),
        pytest.param(conv(Window((3, 3), pads=SAME), 5, 7), (6, 7, 5), (2, 3), 7, 2, id="conv_row"),
        pytest.param(conv(Window((3, 3), pads=SAME), 4, 4), (4, 6, 4), (4, 2), 24, 2, id="conv_frame"),
        pytest.param(conv(Window((3, 3), (2, 2), pads=(0, 0, 1, 1)), 3, 6), (8, 8, 3), (3, 2), 4, 2, id="stride"),
        pytest.param(
            conv(Window((2, 3), pads=(1, 2, 0, 1), dilation=(1, 2)), 2, 3, 9), (5, 8, 2), (1, 3), 1, 1, id="dilated"
        ),
        pytest.param(conv(Window((1, 1), (2, 2)), 3, 5), (5, 7, 3), (3, 5), 4, 2, id="skips_rows"),
    ],
)
def test_hardware_matches_golden(
    op: Dense | Conv2d, shape: Shape, lanes: tuple[int, int], tile: int, pack: int
) -> None:
    knobs = {"lanes_in": lanes[0], "lanes_out": lanes[1], "cell": 0, "pack": pack, "tile": tile}
    check_engine("fetched_fold", op, [TensorType(shape, Codes.of(8, signed=False))], knobs)
