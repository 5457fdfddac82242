"""Points of tom_fetched_fold: matrix products and convolutions, tiles of one pixel and of many."""

from collections.abc import Iterator

from tomato.core.forms import Cell
from tomato.core.ir import Op, Shape, TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.window import Window
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at, codes, random_tensor


def points() -> Iterator[Point]:
    """Size, kernel, channels and filters, lanes, pack, tile."""
    table = (
        (1, 1, (256, 64), (8, 4), 2, 1, FIT),
        (1, 1, (512, 32), (16, 2), 2, 1, FIT),
        (1, 1, (96, 96), (6, 3), 0, 1, FIT),
        (4, 1, (64, 64), (8, 4), 2, 4, FIT),
        (8, 1, (64, 96), (4, 8), 2, 16, FIT),
        (6, 1, (48, 32), (4, 2), 0, 12, FIT),
        (8, 3, (16, 32), (4, 4), 2, 16, FIT),
        (6, 3, (32, 24), (8, 2), 1, 6, FIT),
        (4, 3, (24, 16), (2, 2), 0, 16, FIT),
        (4, 1, (128, 48), (8, 3), 1, 16, XCUP),
        (7, 3, (24, 48), (6, 4), 2, 7, XCUP),
        (1, 1, (300, 40), (10, 5), 1, 1, XCUP),
        (4, 1, (40, 40), (5, 2), 1, 8, ECP5),
        (5, 3, (12, 20), (3, 2), 0, 5, ECP5),
    )
    for size, kernel, (channels, filters), lanes, pack, tile, judges in table:
        shape: Shape = (size, size, channels)
        window = Window((kernel, kernel), pads=(kernel // 2,) * 4)
        op: Op = Dense(random_tensor(channels, filters))
        if kernel > 1:
            op = Conv2d(random_tensor(kernel, kernel, channels, filters), window)
        knobs = {"lanes_in": lanes[0], "lanes_out": lanes[1], "cell": Cell.FIXED, "pack": pack, "tile": tile}
        name = f"{size}x{size}x{channels}x{filters}_kernel{kernel}_lanes{lanes[0]}x{lanes[1]}_pack{pack}_tile{tile}"
        yield at("fetched_fold", name, op, (TensorType(shape, codes(8, signed=False)),), knobs, judges)
