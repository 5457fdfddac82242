"""Points of tom_maximum_stream."""

from collections.abc import Iterator

from tomato.core.ir import TensorType
from tomato.ops.maximum import Maximum
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at, codes


def points() -> Iterator[Point]:
    """Bits of both, whether the lesser, lanes."""
    for a, b, least, lanes, judges in (
        (8, 8, False, 1, FIT),
        (8, 8, True, 8, FIT),
        (4, 4, False, 16, FIT),
        (12, 8, False, 4, FIT),
        (16, 16, True, 2, FIT),
        (10, 10, False, 3, XCUP),
        (9, 5, True, 2, XCUP),
        (7, 7, False, 4, ECP5),
        (8, 8, True, 6, ECP5),
    ):
        args = tuple(TensorType((4, 4, lanes if lanes > 2 else 16), codes(bits, signed=True)) for bits in (a, b))
        name = f"s{a}_{b}_{'min' if least else 'max'}_lanes{lanes}"
        yield at("maximum_stream", name, Maximum(least), args, {"lanes": lanes}, judges)
