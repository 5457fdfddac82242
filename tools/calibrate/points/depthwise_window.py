"""Points of tom_depthwise_window."""

from collections.abc import Iterator

from tomato.core.forms import Cell
from tomato.core.ir import TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.window import Window
from tools.calibrate.point import BLOCK, ECP5, FIT, LUT, XCUP, Point, at, codes, random_tensor


def points() -> Iterator[Point]:
    """Size, channels, kernel, stride, lanes, rows and columns at once, pack, memory of the weights."""
    table = (
        (12, 8, 3, 1, 1, (0, 0), 1, BLOCK, FIT),
        (28, 16, 3, 1, 4, (0, 0), 1, BLOCK, FIT),
        (14, 16, 3, 1, 4, (0, 1), 1, LUT, FIT),
        (28, 16, 3, 1, 2, (1, 1), 1, LUT, FIT),
        (56, 32, 3, 2, 4, (1, 1), 1, LUT, FIT),
        (14, 64, 3, 1, 1, (1, 1), 0, BLOCK, FIT),
        (28, 24, 3, 1, 3, (1, 1), 1, LUT, FIT),
        (14, 32, 3, 2, 8, (0, 1), 1, LUT, FIT),
        (24, 12, 3, 1, 3, (0, 1), 1, LUT, XCUP),
        (16, 20, 3, 1, 2, (0, 0), 0, BLOCK, XCUP),
        (14, 8, 5, 1, 1, (1, 1), 1, LUT, FIT),
        (14, 12, 5, 1, 1, (1, 1), 1, LUT, FIT),
        (20, 24, 3, 1, 6, (0, 0), 1, BLOCK, XCUP),
        (18, 10, 3, 2, 2, (1, 1), 1, LUT, XCUP),
        (20, 16, 3, 1, 2, (0, 1), 1, LUT, ECP5),
        (24, 12, 3, 2, 3, (1, 1), 1, LUT, ECP5),
        (30, 18, 3, 1, 3, (0, 0), 1, BLOCK, ECP5),
    )
    for size, channels, kernel, stride, lanes, taps, pack, ram, judges in table:
        window = Window((kernel, kernel), (stride, stride), pads=(kernel // 2,) * 4)
        x = TensorType((size, size, channels), codes(8))
        knobs = {
            "lanes": lanes, "parallel_rows": taps[0], "parallel_columns": taps[1],
            "cell": Cell.FIXED, "pack": pack, "weight_ram": ram,
        }  # fmt: skip
        name = f"{size}x{size}x{channels}_kernel{kernel}_stride{stride}_lanes{lanes}_taps{taps[0]}{taps[1]}_pack{pack}"
        op = Conv2d(random_tensor(kernel, kernel, 1, channels), window, channels)
        yield at("depthwise_window", name, op, (x,), knobs, judges)
