"""Points of tom_softmax_pixel."""

from collections.abc import Iterator

from tomato.core.ir import TensorType
from tomato.hardware.memory import Ram
from tomato.ops.softmax import Softmax
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at, codes


def points() -> Iterator[Point]:
    """Channels of a run, runs, bits, lanes."""
    for run, groups, bits, lanes, judges in (
        (16, 1, 8, 1, FIT),
        (64, 3, 8, 4, FIT),
        (196, 1, 20, 2, FIT),
        (32, 2, 16, 4, FIT),
        (48, 1, 8, 3, XCUP),
        (24, 2, 12, 2, ECP5),
    ):
        x = TensorType((4, 4, groups * run), codes(bits))
        knobs = {"lanes": lanes, "ram": Ram.LUT}
        op = Softmax(groups, 70_001, bits - 6)
        yield at("softmax_pixel", f"{run}x{groups}x{bits}_lanes{lanes}", op, (x,), knobs, judges)
