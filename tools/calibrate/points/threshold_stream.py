"""Points of tom_threshold_stream."""

from collections.abc import Iterator

import numpy as np

from tomato.core.formats import Tensor
from tomato.core.ir import TensorType
from tomato.ops.threshold import Threshold
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at, codes, random_tensor


def points() -> Iterator[Point]:
    """Bits of accumulator, thresholds, channels, lanes."""
    table = (
        (20, 15, 16, 1, FIT),
        (20, 15, 32, 4, FIT),
        (16, 3, 32, 8, FIT),
        (24, 1, 16, 2, FIT),
        (18, 63, 16, 2, FIT),
        (20, 255, 4, 1, FIT),
        (20, 255, 16, 1, FIT),
        (20, 255, 32, 2, FIT),
        (22, 15, 48, 3, XCUP),
        (18, 255, 24, 3, XCUP),
        (16, 255, 48, 4, XCUP),
        (20, 31, 24, 2, ECP5),
        (18, 127, 32, 4, ECP5),
        (22, 255, 40, 4, ECP5),
        (17, 255, 20, 2, ECP5),
    )
    for acc, steps, channels, lanes, judges in table:
        x = TensorType((4, 4, channels), codes(acc, signed=True))
        op = Threshold(Tensor(np.sort(random_tensor(channels, steps, bits=acc).values, axis=1)), 0)
        yield at(
            "threshold_stream",
            f"acc{acc}_thresholds{steps}_channels{channels}_lanes{lanes}",
            op,
            (x,),
            {"lanes": lanes},
            judges,
        )
