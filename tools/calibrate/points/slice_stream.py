"""Points of tom_slice_stream."""

from collections.abc import Iterator

from tomato.core.ir import TensorType
from tomato.ops.move import Slice
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
        crop = Slice((1, 1, 0), (size, size, 24), (1, 1))
        yield at("slice_stream", f"size{size}_lanes{lanes}", crop, (x,), {"lanes": lanes}, judges)
