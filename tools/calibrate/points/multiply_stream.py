"""Points of tom_multiply_stream."""

from collections.abc import Iterator

from tomato.core.ir import TensorType
from tomato.ops.join import Multiply
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at, codes


def points() -> Iterator[Point]:
    """Bits, zero point, lanes."""
    for bits, zero, lanes, judges in (
        (8, 0, 1, FIT),
        (8, 3, 4, FIT),
        (8, 0, 8, FIT),
        (8, 5, 6, FIT),
        (6, 2, 3, XCUP),
        (9, 0, 5, ECP5),
        (7, 4, 2, ECP5),
    ):
        x = TensorType((4, 4, 24), codes(bits, signed=True))
        yield at(
            "multiply_stream",
            f"s{bits}_zero{zero}_lanes{lanes}",
            Multiply(zero, -zero),
            (x, x),
            {"lanes": lanes},
            judges,
        )
