"""Points of tom_matmul_frame."""

from collections.abc import Iterator

from tomato.core.ir import TensorType
from tomato.ops.matmul import MatMul
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at, codes


def points() -> Iterator[Point]:
    """Groups, pixels, terms of a group, bits, zero point; lanes_in, lanes_out, pack; b transposed."""
    for groups, pixels, terms, bits, zero, lanes, pack, across, judges in (
        (1, 12, 16, 8, 0, (4, 3), 1, True, FIT),
        (2, 12, 16, 8, 0, (4, 4), 2, True, FIT),
        (1, 16, 24, 8, 3, (4, 6), 1, False, FIT),
        (3, 8, 12, 6, 0, (2, 4), 0, False, FIT),
        (1, 49, 64, 8, 0, (8, 4), 2, True, XCUP),
        (2, 40, 32, 4, 0, (8, 8), 2, False, XCUP),
        (1, 20, 8, 8, 5, (8, 1), 1, True, ECP5),
        (2, 10, 10, 4, 0, (5, 5), 0, False, ECP5),
    ):
        a, b = (groups * terms, groups * terms) if across else (groups * pixels, groups * terms)
        kinds = tuple(TensorType((1, pixels, c), codes(bits, signed=True)) for c in (a, b))
        shape, way = f"{groups}x{pixels}x{terms}_s{bits}_zero{zero}", "rows" if across else "plain"
        yield at(
            "matmul_frame",
            f"{shape}_{lanes[0]}x{lanes[1]}_pack{pack}_{way}",
            MatMul(groups, across, zero, -zero),
            kinds,
            {"lanes_in": lanes[0], "lanes_out": lanes[1], "pack": pack},
            judges,
        )
