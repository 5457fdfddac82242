"""Points of tom_columns_window."""

from collections.abc import Iterator

from tomato.core.forms import Cell
from tomato.core.ir import Op, TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.window import Window
from tools.calibrate.point import ECP5, FIT, LUT, XCUP, Point, at, codes, random_tensor


def points() -> Iterator[Point]:
    """Size, channels, filters (0: one each), kernel (0: none), stride, pixels, columns, whole rows, bits, pack."""
    table = (
        (16, 8, 8, 0, 1, 2, 2, 0, 8, 1, FIT),
        (16, 8, 8, 0, 1, 2, 2, 0, 8, 0, FIT),
        (24, 16, 12, 0, 1, 2, 2, 0, 4, 0, FIT),
        (28, 16, 16, 0, 1, 4, 4, 0, 4, 2, FIT),
        (32, 6, 0, 3, 1, 2, 2, 1, 8, 0, FIT),
        (28, 8, 0, 3, 1, 4, 4, 0, 4, 0, FIT),
        (32, 12, 0, 3, 2, 4, 1, 1, 4, 0, FIT),
        (32, 3, 8, 3, 2, 8, 2, 1, 8, 1, FIT),
        (24, 3, 5, 3, 1, 2, 2, 1, 4, 0, FIT),
        (30, 2, 6, 3, 1, 3, 3, 0, 8, 0, FIT),
        (20, 12, 10, 0, 1, 4, 4, 0, 4, 0, XCUP),
        (24, 12, 0, 3, 1, 2, 2, 1, 4, 0, XCUP),
        (28, 4, 5, 3, 1, 4, 4, 0, 8, 1, XCUP),
        (20, 8, 6, 0, 1, 2, 2, 0, 8, 1, ECP5),
        (20, 6, 0, 3, 1, 2, 2, 1, 8, 1, ECP5),
        (20, 3, 5, 3, 1, 2, 2, 0, 4, 0, ECP5),
        (12, 2, 0, 3, 1, 2, 2, 1, 8, 1, ECP5),
    )
    for size, channels, filters, kernel, stride, pixels, columns, rows, bits, pack, judges in table:
        x, out = TensorType((size, size, channels), codes(bits)), filters or channels
        op: Op = Dense(random_tensor(channels, out, bits=bits))
        if kernel:
            window = Window((kernel, kernel), (stride, stride), pads=(kernel // 2,) * 4)
            weight = random_tensor(kernel, kernel, channels if filters else 1, out, bits=bits)
            op = Conv2d(weight, window, 1 if filters else channels)
        knobs = {
            "pixels": pixels, "columns": columns, "parallel_rows": rows,
            "cell": Cell.FIXED, "pack": pack, "weight_ram": LUT,
        }  # fmt: skip
        name = f"{size}x{size}x{channels}_to{out}_kernel{kernel}_stride{stride}_columns{columns}_rows{rows}"
        yield at("columns_window", f"{name}_bits{bits}_pack{pack}", op, (x,), knobs, judges)
