"""Points of tom_gated_fold: gates of the result, of the input, of both."""

from collections.abc import Iterator

from tomato.core.forms import Cell
from tomato.core.ir import TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.gated_conv2d import GatedConv2d
from tomato.ops.window import Window
from tools.calibrate.point import BLOCK, ECP5, FIT, LUT, XCUP, Point, at, codes, random_tensor


def points() -> Iterator[Point]:
    """Size, channels, kernel, groups and chosen ones of the result and the input, lanes, taps, pack, memory."""
    table = (
        (14, (16, 16), 3, (4, 2), (4, 2), (4, 4), (0, 0), 2, BLOCK, FIT),
        (14, (16, 32), 3, (8, 4), (1, 0), (4, 4), (0, 0), 2, BLOCK, FIT),
        (16, (16, 8), 3, (1, 0), (8, 4), (2, 4), (0, 0), 1, BLOCK, FIT),
        (12, (16, 32), 1, (16, 4), (8, 2), (2, 2), (0, 0), 2, LUT, FIT),
        (20, (8, 8), 3, (8, 4), (4, 2), (2, 1), (1, 1), 1, LUT, FIT),
        (16, (8, 16), 3, (4, 1), (2, 1), (4, 2), (0, 1), 2, BLOCK, FIT),
        (8, (64, 64), 1, (64, 16), (64, 16), (1, 1), (0, 0), 1, BLOCK, FIT),
        (10, (32, 48), 3, (6, 3), (1, 0), (2, 8), (0, 0), 2, BLOCK, FIT),
        (12, (12, 24), 3, (6, 2), (3, 1), (2, 2), (0, 0), 2, BLOCK, XCUP),
        (16, (8, 8), 3, (4, 2), (1, 0), (4, 2), (1, 1), 2, LUT, XCUP),
        (14, (12, 12), 3, (3, 1), (3, 2), (2, 2), (0, 0), 1, BLOCK, ECP5),
        (12, (16, 24), 1, (12, 4), (4, 2), (4, 2), (0, 0), 1, LUT, ECP5),
    )
    for size, (channels, filters), kernel, out, into, lanes, taps, pack, ram, judges in table:
        conv = Conv2d(
            random_tensor(kernel, kernel, channels, filters), Window((kernel, kernel), pads=(kernel // 2,) * 4)
        )
        op = GatedConv2d(conv, out[1], into[1], base=-128 if into[1] else 0, zero_in=-128 if into[1] else 0)
        gates = [TensorType((1, 1, n), codes(8, signed=True)) for n, keep in (out, into) if keep]
        knobs = {
            "lanes_in": lanes[0], "lanes_out": lanes[1], "parallel_rows": taps[0], "parallel_columns": taps[1],
            "cell": Cell.FIXED, "pack": pack, "weight_ram": ram,
        }  # fmt: skip
        name = (
            f"{size}x{size}x{channels}x{filters}_kernel{kernel}_{out[1]}of{out[0]}_{into[1]}of{into[0]}"
            f"_lanes{lanes[0]}x{lanes[1]}_taps{taps[0]}{taps[1]}_pack{pack}"
        )
        yield at(
            "gated_fold", name, op, (TensorType((size, size, channels), codes(8, signed=True)), *gates), knobs, judges
        )
