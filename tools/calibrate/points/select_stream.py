"""Points of tom_select_stream."""

from collections.abc import Iterator

from tomato.core.formats import Codes
from tomato.core.ir import TensorType
from tomato.ops.select import Select
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at, codes


def points() -> Iterator[Point]:
    """Bits, bits of the condition, lanes."""
    for bits, wide, lanes, judges in (
        (8, 1, 1, FIT),
        (8, 1, 8, FIT),
        (4, 1, 16, FIT),
        (12, 1, 4, FIT),
        (8, 8, 4, FIT),
        (10, 1, 3, XCUP),
        (9, 1, 2, XCUP),
        (7, 1, 4, ECP5),
        (8, 1, 6, ECP5),
    ):
        shape = (4, 4, lanes if lanes > 2 else 16)
        values = TensorType(shape, codes(bits, signed=True))
        condition = TensorType(shape, Codes.of(wide, signed=False))
        args = (condition, values, values)
        yield at("select_stream", f"s{bits}_{wide}_lanes{lanes}", Select(), args, {"lanes": lanes}, judges)
