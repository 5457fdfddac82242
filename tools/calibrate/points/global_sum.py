"""Points of tom_global_sum."""

from collections.abc import Iterator

from tomato.core.ir import TensorType
from tomato.ops.pool import GlobalSum
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at, codes


def points() -> Iterator[Point]:
    """Size, channels, lanes."""
    for size, channels, lanes, judges in (
        (7, 16, 1, FIT),
        (7, 64, 4, FIT),
        (14, 8, 8, FIT),
        (7, 96, 6, FIT),
        (9, 40, 5, XCUP),
        (8, 32, 4, ECP5),
        (12, 6, 6, ECP5),
    ):
        x = TensorType((size, size, channels), codes(8))
        yield at("global_sum", f"{size}x{size}x{channels}_lanes{lanes}", GlobalSum(), (x,), {"lanes": lanes}, judges)
