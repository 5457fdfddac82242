"""Points of tom_conv2d_window."""

from collections.abc import Iterator

from tomato.core.forms import Cell
from tomato.core.ir import TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.window import Window
from tools.calibrate.point import BLOCK, ECP5, FIT, LUT, ULTRA, XCUP, Point, at, codes, random_tensor


def points() -> Iterator[Point]:
    """Bits, size, channels, kernel, stride, lanes in and out, rows and columns at once, pixels, pack, memory."""
    table = (
        (8, 12, (8, 8), 3, 1, (1, 1), (0, 0), 1, 1, BLOCK, FIT),
        (8, 14, (8, 8), 3, 1, (4, 4), (0, 0), 1, 2, BLOCK, FIT),
        (8, 16, (4, 8), 3, 1, (2, 2), (0, 1), 1, 2, BLOCK, FIT),
        (8, 28, (4, 16), 3, 1, (1, 4), (1, 1), 1, 1, LUT, FIT),
        (8, 28, (8, 8), 3, 1, (4, 2), (1, 1), 1, 2, LUT, FIT),
        (8, 56, (32, 64), 3, 1, (8, 4), (0, 0), 1, 2, BLOCK, FIT),
        (8, 64, (3, 16), 3, 2, (3, 4), (1, 1), 2, 2, LUT, FIT),
        (8, 56, (16, 16), 1, 2, (4, 4), (0, 0), 1, 2, LUT, FIT),
        (8, 32, (4, 16), 3, 1, (2, 4), (1, 1), 1, 2, LUT, FIT),
        (8, 28, (16, 16), 3, 2, (8, 2), (0, 0), 1, 1, BLOCK, FIT),
        (8, 28, (8, 16), 3, 1, (4, 4), (0, 1), 1, 2, BLOCK, FIT),
        (2, 16, (8, 18), 3, 1, (2, 9), (0, 0), 1, 9, BLOCK, XCUP),
        (8, 32, (4, 8), 3, 2, (4, 2), (1, 1), 2, 2, LUT, FIT),
        (8, 14, (32, 32), 3, 1, (4, 4), (0, 0), 1, 2, ULTRA, XCUP),
        (6, 12, (6, 12), 3, 1, (2, 3), (0, 0), 1, 0, BLOCK, XCUP),
        (8, 20, (6, 12), 3, 1, (3, 2), (0, 1), 1, 2, BLOCK, XCUP),
        (4, 16, (4, 16), 3, 1, (2, 4), (1, 1), 1, 0, LUT, FIT),
        (8, 28, (2, 8), 5, 1, (1, 2), (1, 1), 1, 2, LUT, FIT),
        (8, 20, (3, 6), 5, 1, (1, 2), (1, 1), 1, 2, LUT, FIT),
        (8, 20, (12, 24), 3, 1, (3, 4), (0, 0), 1, 2, BLOCK, XCUP),
        (8, 18, (6, 6), 3, 1, (2, 3), (1, 1), 1, 1, LUT, XCUP),
        (8, 24, (8, 12), 3, 1, (2, 4), (0, 0), 1, 1, BLOCK, ECP5),
        (8, 16, (6, 8), 3, 1, (2, 2), (1, 1), 1, 1, LUT, ECP5),
        (8, 24, (6, 12), 3, 2, (3, 3), (0, 1), 1, 2, BLOCK, ECP5),
        (4, 20, (8, 12), 3, 1, (4, 3), (0, 0), 1, 0, BLOCK, ECP5),
        (8, 16, (2, 4), 5, 1, (1, 1), (1, 1), 1, 1, LUT, ECP5),
    )
    for bits, size, (channels, filters), kernel, stride, lanes, taps, pixels, pack, ram, judges in table:
        window = Window((kernel, kernel), (stride, stride), pads=(kernel // 2,) * 4)
        x = TensorType((size, size, channels), codes(bits))
        knobs = {
            "lanes_in": lanes[0], "lanes_out": lanes[1], "parallel_rows": taps[0], "parallel_columns": taps[1],
            "pixels": pixels, "cell": Cell.FIXED, "pack": pack, "weight_ram": ram,
        }  # fmt: skip
        name = (
            f"w{bits}_{x.codes}_{size}x{size}x{channels}x{filters}_kernel{kernel}_stride{stride}"
            f"_lanes{lanes[0]}x{lanes[1]}_taps{taps[0]}{taps[1]}_pixels{pixels}_pack{pack}_ram{ram}"
        )
        op = Conv2d(random_tensor(kernel, kernel, channels, filters, bits=bits), window)
        yield at("conv2d_window", name, op, (x,), knobs, judges)
