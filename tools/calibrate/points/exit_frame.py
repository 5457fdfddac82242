"""Points of tom_exit_frame."""

from collections.abc import Iterator

from tomato.core.ir import TensorType
from tomato.ops.exits import BIT, Exit
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at, codes


def points() -> Iterator[Point]:
    """Bits, lanes, channels."""
    for bits, lanes, channels, judges in (
        (16, 1, 10, FIT),
        (16, 5, 10, FIT),
        (8, 10, 10, FIT),
        (12, 4, 1000, FIT),
        (16, 2, 37, XCUP),
        (10, 6, 12, XCUP),
        (14, 3, 21, ECP5),
        (9, 8, 64, ECP5),
    ):
        scores = TensorType((1, 1, channels), codes(bits, signed=True))
        args = (TensorType((1, 1, 1), BIT), scores, scores)
        yield at("exit_frame", f"s{bits}_lanes{lanes}_channels{channels}", Exit(), args, {"lanes": lanes}, judges)
