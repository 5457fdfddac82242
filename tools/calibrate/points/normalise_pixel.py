"""Points of tom_normalise_pixel."""

from collections.abc import Iterator

from tomato.core.ir import TensorType
from tomato.hardware.memory import Ram
from tomato.ops.normalise import Normalise
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at, codes


def points() -> Iterator[Point]:
    """Channels, bits, lanes."""
    for channels, bits, lanes, judges in (
        (16, 8, 1, FIT),
        (64, 8, 4, FIT),
        (192, 8, 2, FIT),
        (32, 4, 8, FIT),
        (48, 8, 3, XCUP),
        (24, 6, 2, ECP5),
    ):
        x = TensorType((4, 4, channels), codes(bits))
        knobs = {"lanes": lanes, "ram": Ram.LUT}
        yield at("normalise_pixel", f"{channels}x{bits}_lanes{lanes}", Normalise(17), (x,), knobs, judges)
