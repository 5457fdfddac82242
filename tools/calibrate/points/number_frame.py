"""Points of tom_number_frame."""

from collections.abc import Iterator

from tomato.core.ir import TensorType
from tomato.ops.exits import BIT, Number
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at


def points() -> Iterator[Point]:
    """Bits of a number and of a digit, lanes."""
    for bits, digit, lanes, judges in (
        (16, 16, 1, FIT),
        (16, 8, 1, FIT),
        (16, 4, 1, FIT),
        (16, 8, 2, FIT),
        (12, 2, 1, FIT),
        (16, 6, 1, XCUP),
        (14, 7, 2, XCUP),
        (16, 5, 1, ECP5),
        (20, 10, 2, ECP5),
    ):
        args = (TensorType((1, 1, 1), BIT),)
        name = f"n{bits}_digit{digit}_lanes{lanes}"
        yield at("number_frame", name, Number(bits, digit, signed=True), args, {"lanes": lanes}, judges)
