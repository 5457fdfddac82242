"""Points of tom_depthwise_ring."""

from collections.abc import Iterator

from tomato.core.forms import Cell
from tomato.core.ir import TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.window import Window
from tools.calibrate.point import BLOCK, ECP5, FIT, LUT, XCUP, Point, at, codes, random_tensor


def points() -> Iterator[Point]:
    """Size, channels, kernel, stride, lanes, pace, pack, memory of the weights."""
    table = (
        (12, 8, 3, 1, 1, 1, 1, BLOCK, FIT),
        (28, 16, 3, 1, 4, 1, 1, BLOCK, FIT),
        (14, 64, 3, 1, 1, 2, 0, BLOCK, FIT),
        (56, 32, 3, 2, 1, 2, 0, BLOCK, FIT),
        (112, 16, 3, 1, 1, 1, 1, BLOCK, FIT),
        (14, 12, 5, 1, 2, 1, 1, BLOCK, FIT),
        (7, 16, 3, 1, 8, 1, 1, LUT, FIT),
        (16, 20, 3, 1, 2, 1, 0, BLOCK, XCUP),
        (20, 24, 3, 2, 3, 1, 1, BLOCK, XCUP),
        (10, 32, 3, 1, 1, 1, 1, BLOCK, XCUP),
        (24, 12, 3, 1, 3, 2, 1, BLOCK, ECP5),
        (30, 18, 3, 2, 1, 2, 1, BLOCK, ECP5),
    )
    for size, channels, kernel, stride, lanes, pace, pack, ram, judges in table:
        window = Window((kernel, kernel), (stride, stride), pads=(kernel // 2,) * 4)
        x = TensorType((size, size, channels), codes(8))
        knobs = {"lanes": lanes, "pace": pace, "cell": Cell.FIXED, "pack": pack, "weight_ram": ram}
        name = f"{size}x{size}x{channels}_kernel{kernel}_stride{stride}_lanes{lanes}_pace{pace}_pack{pack}"
        op = Conv2d(random_tensor(kernel, kernel, 1, channels), window, channels)
        yield at("depthwise_ring", name, op, (x,), knobs, judges)
