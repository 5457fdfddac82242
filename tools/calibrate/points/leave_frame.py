"""Points of tom_leave_frame."""

from collections.abc import Iterator

from tomato.core.ir import TensorType
from tomato.ops.exits import BIT, Leave
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at, codes


def points() -> Iterator[Point]:
    """Bits, lanes, height and width."""
    for bits, lanes, size, judges in (
        (8, 1, 4, FIT),
        (8, 8, 16, FIT),
        (4, 6, 30, FIT),
        (8, 16, 8, FIT),
        (6, 3, 9, XCUP),
        (8, 5, 28, XCUP),
        (8, 4, 7, ECP5),
        (5, 12, 14, ECP5),
    ):
        args = TensorType((1, 1, 1), BIT), TensorType((size, size, 2 * lanes), codes(bits, signed=True))
        yield at("leave_frame", f"s{bits}_lanes{lanes}_size{size}", Leave(), args, {"lanes": lanes}, judges)
