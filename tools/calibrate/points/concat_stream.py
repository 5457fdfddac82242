"""Points of tom_concat_stream."""

from collections.abc import Iterator

from tomato.core.ir import TensorType
from tomato.ops.move import Concat
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at, codes


def points() -> Iterator[Point]:
    """Channels of the inputs, lanes."""
    s8 = codes(8, signed=True)
    for split, lanes, judges in (
        ((8, 8), 4, FIT),
        ((4, 4, 8), 4, FIT),
        ((16, 8), 8, FIT),
        ((12, 6, 6), 6, FIT),
        ((10, 5), 5, XCUP),
        ((6, 12, 6, 3), 3, XCUP),
        ((9, 6), 3, ECP5),
        ((20, 10, 10), 10, ECP5),
    ):
        args = tuple(TensorType((4, 4, n), s8) for n in split)
        name = f"channels{'_'.join(map(str, split))}_lanes{lanes}"
        yield at("concat_stream", name, Concat(), args, {"lanes": lanes}, judges)
