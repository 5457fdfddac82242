"""Points of tom_double_fold."""

from collections.abc import Iterator

from tomato.core.forms import Cell
from tomato.core.ir import TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.window import Window
from tools.calibrate.point import BLOCK, ECP5, FIT, LUT, XCUP, Point, at, codes, random_tensor


def points() -> Iterator[Point]:
    """Dense layers, then convolutions."""
    yield from _dense()
    yield from _convolutions()


def _dense() -> Iterator[Point]:
    """Bits of weights, channels in and out, lanes in and out, pack, memory of the weights."""
    table = (
        (8, (24, 12), (3, 4), 2, BLOCK, FIT),
        (8, (40, 12), (10, 4), 2, LUT, FIT),
        (8, (16, 16), (4, 4), 1, LUT, FIT),
        (8, (16, 8), (8, 2), 0, LUT, FIT),
        (8, (30, 18), (5, 6), 2, BLOCK, XCUP),
        (6, (36, 12), (6, 3), 1, BLOCK, ECP5),
    )
    for bits, (channels, filters), lanes, pack, ram, judges in table:
        knobs = {"lanes_in": lanes[0], "lanes_out": lanes[1], "cell": Cell.FIXED, "pack": pack, "weight_ram": ram}
        name = f"w{bits}_{channels}x{filters}_lanes{lanes[0]}x{lanes[1]}_pack{pack}_ram{ram}"
        op = Dense(random_tensor(channels, filters, bits=bits))
        yield at("double_fold", name, op, (TensorType((2, 2, channels), codes(8)),), knobs, judges)


def _convolutions() -> Iterator[Point]:
    """Size, channels in and out, lanes in and out, rows and columns at once, pack, memory."""
    table = (
        (14, (8, 8), (2, 4), (0, 0), 2, BLOCK, FIT),
        (16, (4, 8), (2, 4), (0, 1), 2, BLOCK, FIT),
        (12, (2, 8), (1, 4), (1, 1), 2, LUT, FIT),
        (16, (6, 12), (3, 4), (0, 0), 2, BLOCK, XCUP),
        (12, (4, 9), (2, 3), (0, 0), 1, BLOCK, ECP5),
    )
    for size, (channels, filters), lanes, taps, pack, ram, judges in table:
        knobs = {
            "lanes_in": lanes[0], "lanes_out": lanes[1], "parallel_rows": taps[0], "parallel_columns": taps[1],
            "pixels": 1, "cell": Cell.FIXED, "pack": pack, "weight_ram": ram,
        }  # fmt: skip
        name = (
            f"{size}x{size}x{channels}x{filters}_kernel3_lanes{lanes[0]}x{lanes[1]}_taps{taps[0]}{taps[1]}"
            f"_pack{pack}_ram{ram}"
        )
        op = Conv2d(random_tensor(3, 3, channels, filters, bits=8), Window((3, 3), pads=(1,) * 4))
        yield at("double_fold", name, op, (TensorType((size, size, channels), codes(8)),), knobs, judges)
