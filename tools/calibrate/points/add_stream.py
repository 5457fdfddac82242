"""Points of tom_add_stream."""

from collections.abc import Iterator

from tomato.core.ir import TensorType
from tomato.ops.join import Add
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at, codes


def points() -> Iterator[Point]:
    """Bits, factors, lanes."""
    for bits, a, b, lanes, judges in (
        (8, 1, 1, 1, FIT),
        (8, 1, 1, 8, FIT),
        (8, 4, 1, 4, FIT),
        (8, 11213, 9001, 4, FIT),
        (12, 1, -1, 4, FIT),
        (8, 1, 1, 16, FIT),
        (8, 7001, 16383, 6, FIT),
        (10, 1, 1, 3, XCUP),
        (9, 5001, 9999, 2, XCUP),
        (11, 1, 1, 2, ECP5),
        (9, -1, 1, 4, ECP5),
        (8, 3001, 777, 3, ECP5),
    ):
        x = TensorType((4, 4, 16 if lanes != 6 else 6), codes(bits, signed=True))
        yield at("add_stream", f"s{bits}_{a}_{b}_lanes{lanes}", Add(a, b), (x, x), {"lanes": lanes}, judges)
