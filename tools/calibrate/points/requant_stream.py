"""Points of tom_requant_stream."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tomato.core.formats import Codes, Tensor
from tomato.core.ir import TensorType
from tomato.hardware.memory import Ram
from tomato.ops.requant import Requant
from tools.calibrate.point import ECP5, FIT, XCUP, Point, at, codes, random_tensor


def points() -> Iterator[Point]:
    """Bits of accumulator, factor (0: none), bias and result, channels, lanes, nudges (in every eighth channel).

    Constants of many words may be in block RAM.
    """
    table = (
        (20, 18, 30, 8, 16, 1, 0, FIT),
        (20, 18, 30, 8, 64, 4, 0, FIT),
        (16, 9, 20, 4, 64, 8, 0, FIT),
        (18, 0, 18, 8, 64, 4, 0, FIT),
        (24, 22, 40, 8, 16, 1, 0, FIT),
        (22, 18, 32, 8, 128, 8, 0, FIT),
        (20, 20, 34, 8, 48, 3, 0, FIT),
        (16, 12, 24, 4, 48, 4, 0, FIT),
        (21, 17, 28, 8, 96, 6, 0, XCUP),
        (18, 14, 26, 6, 40, 5, 0, FIT),
        (23, 18, 30, 5, 56, 7, 0, FIT),
        (16, 0, 16, 6, 40, 5, 0, FIT),
        (18, 0, 20, 4, 48, 8, 0, XCUP),
        (20, 0, 18, 5, 36, 3, 0, XCUP),
        (19, 15, 27, 7, 50, 5, 0, XCUP),
        (20, 18, 30, 8, 64, 4, 1, FIT),
        (22, 24, 36, 8, 64, 8, 2, FIT),
        (18, 24, 32, 8, 16, 1, 4, FIT),
        (20, 22, 34, 8, 48, 6, 3, XCUP),
        (22, 16, 30, 8, 60, 5, 0, ECP5),
        (19, 0, 20, 6, 32, 4, 0, ECP5),
        (18, 20, 32, 7, 42, 7, 0, ECP5),
        (19, 16, 30, 8, 36, 3, 0, ECP5),
        (20, 18, 30, 8, 40, 4, 2, ECP5),
    )
    blocks = (
        (20, 18, 30, 8, 512, 1, 0, FIT),
        (22, 17, 28, 8, 384, 2, 0, FIT),
        (20, 18, 31, 6, 256, 3, 0, ECP5),
    )
    for kind, (acc, mult, bias, out, channels, lanes, nudges, judges) in (
        *((Ram.LUT, row) for row in table),
        *((Ram.BLOCK, row) for row in blocks),
    ):
        x = TensorType((4, 4, channels), codes(acc, signed=True))
        factor = random_tensor(channels, bits=mult) if mult else Tensor(np.ones(channels, dtype=np.int64))
        op = Requant(factor, random_tensor(channels, bits=bias), acc + mult - out - 4, 0, (1 << out) - 1)
        if nudges:
            op = replace(op, nudges=random_nudges(channels, nudges, x.codes))
        name = f"acc{acc}_mult{mult}_bias{bias}_out{out}_channels{channels}_lanes{lanes}"
        name += f"_nudges{nudges}" if nudges else ""
        name += "_blocks" if kind == Ram.BLOCK else ""
        yield at("requant_stream", name, op, (x,), {"lanes": lanes, "constant_ram": kind}, judges)


def random_nudges(channels: int, count: int, fmt: Codes) -> Tensor:
    """Nudges of every eighth channel, which is more than float32 asks for where constants are wide enough."""
    rng = np.random.default_rng(channels + count)
    found = np.zeros((channels, count, 2), dtype=np.int64)
    found[::8, :, 0] = rng.integers(fmt.lo + 1, fmt.hi, (-(-channels // 8), count))
    found[::8, :, 1] = rng.choice((-1, 1), (-(-channels // 8), count))
    return Tensor(found)
