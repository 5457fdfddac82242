"""Points of tom_reorder_band."""

from collections.abc import Iterator

from tomato.core.ir import TensorType
from tomato.ops.move import Transpose, Upsample
from tools.calibrate.point import BLOCK, ECP5, FIT, LUT, XCUP, Point, at, codes


def points() -> Iterator[Point]:
    """Size, lanes; a transposition."""
    s8 = codes(8, signed=True)
    for size, lanes, judges in (
        (8, 1, FIT),
        (14, 4, FIT),
        (28, 8, FIT),
        (20, 6, FIT),
        (10, 2, XCUP),
        (36, 3, XCUP),
        (12, 3, ECP5),
        (24, 4, ECP5),
    ):
        x = TensorType((size, size, 24), s8)
        knobs = {"lanes": lanes, "ram": LUT if size < 20 else BLOCK}
        yield at("reorder_band", f"upsample{size}_lanes{lanes}", Upsample((2, 2)), (x,), knobs, judges)
    swap = Transpose((6, 5, 8), (1, 0, 2), (5, 6, 8))
    yield at("reorder_band", "transpose_lanes2", swap, (TensorType((6, 5, 8), s8),), {"lanes": 2, "ram": LUT})
