"""Points of tom_table_stream."""

from collections.abc import Iterator

from tomato.core.ir import TensorType
from tomato.ops.table import Table
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at, codes, random_tensor


def points() -> Iterator[Point]:
    """Bits in and out, lanes."""
    for bits, out, lanes, judges in (
        (8, 8, 1, FIT),
        (6, 6, 4, FIT),
        (4, 8, 4, FIT),
        (8, 8, 4, FIT),
        (7, 8, 3, FIT),
        (5, 7, 6, XCUP),
        (6, 8, 2, ECP5),
        (8, 6, 3, ECP5),
    ):
        x = TensorType((4, 4, 12), codes(bits, signed=True))
        op = Table(random_tensor(1, 1 << bits, bits=out), x.codes.lo)
        yield at("table_stream", f"in{bits}_out{out}_lanes{lanes}", op, (x,), {"lanes": lanes}, judges)
