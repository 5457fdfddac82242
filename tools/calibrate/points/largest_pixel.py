"""Points of tom_largest_pixel."""

from collections.abc import Iterator

from tomato.core.ir import TensorType
from tomato.hardware.memory import Ram
from tomato.ops.keep_largest import KeepLargest
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at, codes


def points() -> Iterator[Point]:
    """Channels, how many of them are kept, bits."""
    for channels, keep, bits, judges in (
        (8, 4, 8, FIT),
        (16, 8, 8, FIT),
        (32, 28, 8, FIT),
        (64, 32, 4, FIT),
        (128, 16, 12, FIT),
        (24, 12, 8, XCUP),
        (48, 40, 6, XCUP),
        (20, 10, 8, ECP5),
        (96, 24, 8, ECP5),
    ):
        x = TensorType((1, 1, channels), codes(bits))
        knobs = {"lanes": 1, "ram": Ram.LUT}
        yield at("largest_pixel", f"{keep}_of_{channels}x{bits}", KeepLargest(keep), (x,), knobs, judges)
