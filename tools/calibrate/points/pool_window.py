"""Points of tom_pool_window."""

from collections.abc import Iterator

from tomato.core.ir import TensorType
from tomato.ops.pool import MaxPool, SumPool
from tomato.ops.window import Window
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at, codes


def points() -> Iterator[Point]:
    """Kind, size, channels, kernel, stride, padding, lanes, rows and columns at once."""
    table = (
        (MaxPool, 16, 8, 2, 2, 0, 1, (0, 0), FIT),
        (MaxPool, 28, 16, 2, 2, 0, 4, (0, 0), FIT),
        (MaxPool, 28, 16, 3, 2, 1, 4, (1, 1), FIT),
        (SumPool, 14, 16, 3, 1, 1, 2, (0, 0), FIT),
        (SumPool, 14, 16, 2, 2, 0, 4, (1, 1), FIT),
        (MaxPool, 14, 16, 2, 2, 0, 8, (1, 1), FIT),
        (MaxPool, 28, 16, 3, 1, 1, 2, (0, 1), FIT),
        (MaxPool, 56, 16, 3, 2, 1, 8, (0, 1), XCUP),
        (MaxPool, 20, 12, 3, 1, 1, 3, (0, 0), XCUP),
        (SumPool, 24, 12, 3, 2, 1, 3, (1, 1), FIT),
        (MaxPool, 22, 12, 3, 1, 1, 3, (1, 1), XCUP),
        (MaxPool, 24, 16, 2, 2, 0, 4, (0, 1), ECP5),
        (SumPool, 20, 8, 3, 1, 1, 2, (1, 1), ECP5),
        (MaxPool, 32, 12, 3, 2, 1, 3, (0, 0), ECP5),
    )
    for kind, size, channels, kernel, stride, pad, lanes, taps, judges in table:
        x = TensorType((size, size, channels), codes(8))
        knobs = {"lanes": lanes, "parallel_rows": taps[0], "parallel_columns": taps[1]}
        name = f"{kind.__name__.lower()}_{size}x{size}x{channels}_{kernel}_{stride}_{pad}"
        name += f"_lanes{lanes}_taps{taps[0]}{taps[1]}"
        yield at(
            "pool_window", name, kind(Window((kernel, kernel), (stride, stride), pads=(pad,) * 4)), (x,), knobs, judges
        )
