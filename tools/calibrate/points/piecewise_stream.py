"""Points of tom_piecewise_stream."""

from collections.abc import Iterator

import numpy as np

from tomato.core.formats import Codes, Tensor
from tomato.core.ir import TensorType
from tomato.ops.piecewise import Piecewise
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at, codes


def points() -> Iterator[Point]:
    """Segments, bits in and out, lanes; the widths of lines are those that sigmoids take."""
    for index, bits, out, lanes, judges in (
        (6, 16, 16, 1, FIT),
        (6, 16, 8, 4, FIT),
        (6, 12, 12, 2, FIT),
        (8, 16, 16, 1, FIT),
        (10, 16, 16, 2, FIT),
        (5, 20, 8, 3, FIT),
        (7, 16, 12, 2, XCUP),
        (6, 14, 10, 3, ECP5),
    ):
        x, y = codes(bits, signed=True), Codes.of(out, signed=True)
        rest, rng = bits - index, np.random.default_rng(index)
        shift = rest + 2
        slope = rng.integers(-1 << out - 4, 1 << out - 4, 1 << index, endpoint=True)
        offset = rng.integers(y.lo << shift, y.hi << shift, 1 << index, endpoint=True)
        op = Piecewise(Tensor(slope), Tensor(offset), x.lo, rest, shift, y.lo, y.hi)
        name = f"lines{1 << index}_in{bits}_out{out}_lanes{lanes}"
        yield at("piecewise_stream", name, op, (TensorType((4, 4, 12), x),), {"lanes": lanes}, judges)
