"""Points of tom_pad_stream."""

from collections.abc import Iterator

from tomato.core.ir import TensorType
from tomato.ops.move import Pad
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at, codes


def points() -> Iterator[Point]:
    """Size, lanes."""
    s8 = codes(8, signed=True)
    for size, lanes, judges in (
        (6, 1, FIT),
        (28, 4, FIT),
        (14, 8, FIT),
        (56, 6, FIT),
        (20, 3, XCUP),
        (32, 2, ECP5),
        (18, 12, ECP5),
    ):
        x = TensorType((size, size, 24), s8)
        yield at("pad_stream", f"size{size}_lanes{lanes}", Pad((1, 1, 1, 1), 3), (x,), {"lanes": lanes}, judges)
