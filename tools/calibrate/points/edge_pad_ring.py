"""Points of tom_edge_pad_ring."""

from collections.abc import Iterator

from tomato.core.ir import TensorType
from tomato.ops.edge_pad import EdgePad
from tools.calibrate.point import BLOCK, ECP5, FIT, LUT, XCUP, Point, at, codes


def points() -> Iterator[Point]:
    """Size, lanes; a border that mirrors or repeats."""
    s8 = codes(8, signed=True)
    for size, lanes, mirrored, judges in (
        (6, 1, True, FIT),
        (28, 4, True, FIT),
        (14, 8, False, FIT),
        (56, 6, False, FIT),
        (20, 3, True, XCUP),
        (32, 2, True, ECP5),
        (18, 12, False, ECP5),
    ):
        x = TensorType((size, size, 24), s8)
        knobs = {"lanes": lanes, "ram": LUT if size < 20 else BLOCK}
        name = f"size{size}_lanes{lanes}_{'mirrored' if mirrored else 'repeated'}"
        yield at("edge_pad_ring", name, EdgePad((1, 1, 1, 1), mirrored), (x,), knobs, judges)
