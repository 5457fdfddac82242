"""Points of tom_dense_fold."""

from collections.abc import Iterator

from tomato.core.forms import Cell
from tomato.core.ir import TensorType
from tomato.ops.dense import Dense
from tools.calibrate.point import BLOCK, ECP5, FIT, FIT_ECP5, LUT, ULTRA, XCUP, Point, at, codes, random_tensor


def points() -> Iterator[Point]:
    """Bits of weights and inputs, channels in and out, lanes in and out, pack, memory of the weights."""
    table = (
        (8, 8, 16, 16, 4, 4, 1, LUT, FIT),
        (8, 8, 16, 16, 4, 4, 2, LUT, FIT),
        (8, 8, 64, 64, 8, 8, 2, BLOCK, FIT),
        (8, 8, 64, 16, 16, 4, 2, LUT, FIT),
        (8, 8, 16, 16, 4, 4, 0, LUT, FIT),
        (4, -4, 16, 16, 4, 4, 4, LUT, FIT),
        (4, 8, 24, 12, 4, 3, 2, LUT, FIT),
        (8, 8, 10, 7, 1, 1, 1, LUT, FIT),
        (8, 8, 128, 8, 32, 1, 1, BLOCK, FIT),
        (2, 2, 16, 18, 4, 9, 9, LUT, FIT),
        (4, 4, 16, 16, 4, 4, 0, LUT, FIT),
        (2, 2, 32, 16, 16, 4, 0, LUT, FIT),
        (8, -8, 32, 32, 8, 4, 2, BLOCK, FIT),
        (4, 4, 24, 12, 6, 3, 0, LUT, FIT),
        (4, 4, 32, 12, 8, 6, 3, LUT, FIT),
        (8, 8, 96, 48, 12, 8, 2, BLOCK, FIT),
        (8, 8, 48, 24, 6, 6, 2, BLOCK, XCUP),
        (6, 6, 40, 20, 5, 4, 2, BLOCK, XCUP),
        (8, -8, 24, 12, 3, 2, 0, BLOCK, FIT),
        (8, 8, 24, 12, 3, 2, 0, BLOCK, FIT),
        (6, -6, 24, 12, 3, 2, 0, BLOCK, FIT),
        (4, -4, 24, 12, 3, 2, 0, BLOCK, FIT),
        (4, 8, 24, 12, 3, 2, 0, BLOCK, FIT),
        (8, 4, 24, 12, 3, 2, 0, BLOCK, FIT),
        (4, -8, 24, 12, 3, 2, 0, BLOCK, FIT),
        (8, -4, 24, 12, 3, 2, 0, BLOCK, FIT),
        (2, 8, 24, 12, 3, 2, 0, BLOCK, FIT),
        (2, -2, 24, 12, 3, 2, 0, BLOCK, FIT),
        (7, -7, 30, 10, 5, 2, 0, BLOCK, XCUP),
        (5, 6, 28, 12, 4, 3, 0, BLOCK, XCUP),
        (6, -8, 20, 12, 2, 3, 0, BLOCK, XCUP),
        (3, 8, 24, 15, 2, 5, 0, BLOCK, FIT),
        (3, 8, 20, 12, 2, 4, 0, BLOCK, XCUP),
        (8, 8, 72, 40, 9, 5, 2, BLOCK, XCUP),
        (4, -4, 48, 24, 6, 8, 4, BLOCK, XCUP),
        (8, 8, 64, 64, 4, 2, 2, ULTRA, XCUP),
        (8, 8, 40, 20, 5, 5, 2, BLOCK, ECP5),
        (8, 8, 20, 10, 5, 2, 1, LUT, ECP5),
        (8, -8, 36, 12, 6, 4, 1, BLOCK, ECP5),
        (4, 8, 64, 24, 8, 8, 2, BLOCK, ECP5),
        (3, 4, 30, 12, 5, 4, 3, BLOCK, ECP5),
        (5, 5, 24, 12, 4, 4, 0, BLOCK, FIT),
        (7, 8, 20, 8, 2, 2, 0, BLOCK, FIT),
        (6, -5, 20, 9, 4, 3, 0, BLOCK, FIT),
        (8, 8, 784, 64, 4, 1, 1, BLOCK, FIT_ECP5),
        (8, 8, 640, 128, 1, 1, 0, BLOCK, FIT_ECP5),
        (4, 4, 256, 16, 2, 1, 0, BLOCK, FIT),
        (4, 8, 400, 10, 1, 1, 1, BLOCK, FIT_ECP5),
        (8, 8, 512, 48, 2, 1, 1, BLOCK, ECP5),
        (8, 4, 300, 12, 1, 2, 1, BLOCK, ECP5),
        (5, -7, 20, 8, 3, 2, 0, BLOCK, ECP5),
        (7, 5, 18, 8, 3, 4, 0, BLOCK, ECP5),
    )
    for w, a, channels, filters, lanes_in, lanes_out, pack, ram, judges in table:
        x = TensorType((2, 2, channels), codes(abs(a), signed=a < 0))
        knobs = {"lanes_in": lanes_in, "lanes_out": lanes_out, "cell": Cell.FIXED, "pack": pack, "weight_ram": ram}
        name = f"w{w}_{x.codes}_{channels}x{filters}_lanes{lanes_in}x{lanes_out}_pack{pack}_ram{ram}"
        yield at("dense_fold", name, Dense(random_tensor(channels, filters, bits=w)), (x,), knobs, judges)
