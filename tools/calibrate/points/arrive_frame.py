"""Points of tom_arrive_frame."""

from collections.abc import Iterator

from tomato.core.ir import TensorType
from tomato.ops.exits import BIT, NUMBER_BITS, Exit
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at, codes


def points() -> Iterator[Point]:
    """Bits, lanes, channels."""
    for bits, lanes, channels, judges in (
        (16, 1, 11, FIT),
        (16, 6, 11, FIT),
        (8, 12, 12, FIT),
        (12, 4, 1002, FIT),
        (16, 2, 37, XCUP),
        (10, 6, 12, XCUP),
        (14, 3, 21, ECP5),
        (9, 8, 64, ECP5),
    ):
        scores = TensorType((1, 1, channels), codes(bits, signed=True))
        args = (TensorType((1, 1, 1), BIT), scores, scores)
        yield at(
            "arrive_frame",
            f"s{bits}_lanes{lanes}_channels{channels}",
            Exit(NUMBER_BITS),
            args,
            {"lanes": lanes},
            judges,
        )
