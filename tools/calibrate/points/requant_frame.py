"""Points of tom_requant_frame."""

from collections.abc import Iterator

import numpy as np

from tomato.core.formats import Tensor
from tomato.core.ir import TensorType
from tomato.ops.frame_requant import FrameRequant
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at, codes


def points() -> Iterator[Point]:
    """Height, width, channels, factors of their own, channels that differ, bits of factor and bias, lanes."""
    for height, width, channels, own, differ, mult, bias, lanes, judges in (
        (4, 4, 1, False, True, 16, 24, 1, FIT),
        (14, 14, 16, False, True, 13, 21, 2, FIT),
        (16, 8, 32, False, True, 16, 24, 8, FIT),
        (16, 16, 8, True, True, 10, 18, 4, FIT),
        (3, 5, 32, True, False, 14, 20, 4, XCUP),
        (9, 5, 12, False, True, 12, 20, 3, ECP5),
    ):
        rng = np.random.default_rng(height * channels + lanes)
        frame = (height, width, channels if differ else 1)
        limit = 1 << mult - 1
        factor = rng.integers(-limit, limit, frame) if own else np.full((1, 1, 1), limit - 3)
        offset = rng.integers(-(1 << bias - 1), 1 << bias - 1, frame)
        op = FrameRequant(Tensor(factor), Tensor(offset), mult, -128, 127)
        x = TensorType((height, width, channels), codes(8, signed=True))
        name = f"{height}x{width}x{channels}_mult{mult if own else 0}_bias{bias}_lanes{lanes}"
        yield at("requant_frame", name, op, (x,), {"lanes": lanes}, judges)
