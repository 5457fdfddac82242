"""Points of tom_margin_pixel."""

from collections.abc import Iterator

from tomato.core.ir import TensorType
from tomato.ops.exits import Sure
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at, codes


def points() -> Iterator[Point]:
    """Bits, channels."""
    for bits, channels, judges in (
        (8, 10, FIT),
        (16, 10, FIT),
        (16, 100, FIT),
        (12, 1000, FIT),
        (10, 37, XCUP),
        (15, 12, XCUP),
        (9, 20, ECP5),
        (14, 200, ECP5),
    ):
        kind = TensorType((1, 1, channels), codes(bits, signed=True))
        yield at("margin_pixel", f"s{bits}_channels{channels}", Sure(3 << bits - 4), (kind,), {"lanes": 1}, judges)
