"""Rings of pixels: what windows see of a frame, and how many pixels they keep."""

from itertools import product

import numpy as np
import pytest

from tomato.engines.parts.pixel_ring import pixels_seen, ring_places
from tomato.engines.parts.ring import ring_rows
from tomato.ops.window import Window

SAME = (1, 1, 1, 1)


def drawn(seed: int) -> tuple[tuple[int, int], Window]:
    """A frame and a window of any kind that it holds."""
    rng = np.random.default_rng(seed)
    while True:
        kernel, stride, dilation = ((int(a), int(b)) for a, b in rng.integers(1, 4, (3, 2)))
        window = Window(kernel, stride, dilation)
        top, left, bottom, right = (int(rng.integers(0, span)) for span in window.span * 2)
        window = Window(kernel, stride, dilation, (top, left, bottom, right))
        size = int(rng.integers(1, 12)), int(rng.integers(1, 12))
        if all(
            n + a + b >= span for n, a, b, span in zip(size, (top, left), (bottom, right), window.span, strict=True)
        ):
            return size, window


@pytest.mark.parametrize("seed", range(40))
def test_a_pixel_is_there_while_a_window_sees_it(seed: int) -> None:
    (height, width), window = drawn(seed)
    need, oldest = pixels_seen((height, width), window)
    rows, columns = window.output((height, width, 1))
    assert need.size == rows * columns == oldest.size - 1
    assert np.all(np.diff(oldest) >= 0)
    assert oldest[-1] == height * width
    assert np.all(need >= oldest[1:] - 1), "what leaves has come"
    for pixel, (row, column) in enumerate(product(range(rows), range(columns))):
        taps = product(range(window.kernel[0]), range(window.kernel[1]))
        seen = [
            (row * window.stride[0] - window.pads[0] + h * window.dilation[0],
             column * window.stride[1] - window.pads[1] + w * window.dilation[1])
            for h, w in taps
        ]  # fmt: skip
        inside = [y * width + x for y, x in seen if 0 <= y < height and 0 <= x < width]
        assert all(oldest[pixel] <= place <= need[pixel] for place in inside)


@pytest.mark.parametrize(
    ("stride", "pace", "rows", "pixels"),
    [
        pytest.param(1, 1, 2, 5, id="two_rows"),
        pytest.param(2, 1, 3, 6, id="and_one_beside_a_stride"),
        pytest.param(2, 2, 2, 6, id="which_leisure_saves"),
    ],
)
def test_a_ring_holds_the_rows_above_and_a_few_pixels(stride: int, pace: int, rows: int, pixels: int) -> None:
    window = Window((3, 3), (stride, stride), pads=SAME)
    assert ring_places((56, 56), 144, window, 9 * 144, pace) == rows * 56 + pixels
    assert ring_rows((56, 56, 144), 56 * 144, (56 // stride,) * 2, window, 9 * 144) == 3 + stride
