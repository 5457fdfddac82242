"""Points of tom_sparse_fold: of the words, 25 % to 60 % are left."""

from collections.abc import Iterator

import numpy as np

from tomato.core.formats import Tensor
from tomato.core.forms import Cell
from tomato.core.ir import TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.window import Window
from tools.calibrate.point import BLOCK, ECP5, FIT, LUT, XCUP, Point, at, codes, random_tensor


def points() -> Iterator[Point]:
    """Dense layers, convolutions, a depthwise one."""
    yield from _dense()
    yield from _convolutions()
    yield from _depthwise()


def _dense() -> Iterator[Point]:
    """Bits, channels in and out, lanes in and out, parts, lists, pack, memory of the weights, share of words left."""
    table = (
        (8, 64, 32, (4, 4), 1, 1, 2, BLOCK, 0.25, FIT),
        (8, 128, 48, (2, 4), 1, 1, 1, BLOCK, 0.25, FIT),
        (4, 32, 16, (2, 4), 1, 1, 0, LUT, 0.5, FIT),
        (8, 96, 64, (1, 8), 1, 1, 2, BLOCK, 0.25, FIT),
        (8, 72, 40, (3, 5), 1, 1, 2, BLOCK, 0.4, XCUP),
        (8, 100, 30, (4, 3), 1, 1, 1, BLOCK, 0.3, ECP5),
        (8, 64, 32, (2, 8), 4, 1, 2, BLOCK, 0.25, FIT),
        (8, 128, 32, (1, 8), 8, 1, 2, BLOCK, 0.25, FIT),
        (8, 80, 40, (2, 5), 2, 1, 1, BLOCK, 0.4, XCUP),
        (8, 128, 32, (8, 4), 1, 8, 2, BLOCK, 0.25, FIT),
        (8, 64, 32, (4, 4), 2, 4, 2, BLOCK, 0.25, FIT),
        (8, 96, 24, (6, 3), 1, 6, 1, BLOCK, 0.3, XCUP),
        (8, 80, 20, (5, 4), 1, 5, 1, BLOCK, 0.3, ECP5),
    )
    for bits, channels, filters, lanes, parts, lists, pack, ram, left, judges in table:
        knobs = {
            "lanes_in": lanes[0], "lanes_out": lanes[1], "parts": parts, "lists": lists, "cell": Cell.FIXED,
            "pack": pack, "weight_ram": ram,
        }  # fmt: skip
        op = Dense(_thinned((channels, filters), (1 if lists > 1 else lanes[0], lanes[1]), left, bits))
        name = (
            f"w{bits}_{channels}x{filters}_lanes{lanes[0]}x{lanes[1]}_parts{parts}_lists{lists}_pack{pack}_left{left}"
        )
        yield at("sparse_fold", name, op, (TensorType((2, 2, channels), codes(bits)),), knobs, judges)


def _convolutions() -> Iterator[Point]:
    """Size, channels in and out, kernel, stride, lanes in and out, parts, lists, taps at once, pack, memory, left."""
    table = (
        (14, (16, 16), 3, 1, (2, 4), 1, 1, (0, 0), 2, BLOCK, 0.25, FIT),
        (28, (8, 16), 3, 1, (1, 4), 1, 1, (0, 1), 2, BLOCK, 0.4, FIT),
        (14, (16, 16), 3, 2, (1, 2), 1, 1, (1, 1), 2, BLOCK, 0.5, FIT),
        (20, (8, 8), 5, 1, (2, 2), 1, 1, (0, 0), 1, BLOCK, 0.25, FIT),
        (16, (12, 12), 3, 1, (3, 3), 1, 1, (0, 0), 1, BLOCK, 0.3, XCUP),
        (16, (16, 12), 3, 1, (2, 3), 1, 1, (0, 0), 1, BLOCK, 0.3, ECP5),
        (16, (16, 16), 3, 1, (2, 4), 4, 1, (0, 0), 2, BLOCK, 0.25, FIT),
        (14, (16, 16), 3, 1, (4, 4), 1, 4, (0, 0), 2, BLOCK, 0.25, FIT),
        (12, (16, 8), 3, 1, (8, 2), 1, 8, (0, 0), 2, BLOCK, 0.25, FIT),
        (14, (8, 8), 3, 1, (2, 4), 1, 2, (0, 1), 2, LUT, 0.4, FIT),
        (16, (12, 12), 3, 1, (6, 3), 1, 6, (0, 0), 1, BLOCK, 0.3, FIT),
        (14, (15, 10), 3, 1, (5, 2), 1, 5, (0, 0), 2, BLOCK, 0.3, XCUP),
        (12, (12, 8), 3, 1, (3, 4), 1, 3, (0, 0), 1, BLOCK, 0.3, ECP5),
    )
    for size, (channels, filters), kernel, stride, lanes, parts, lists, taps, pack, ram, left, judges in table:
        window = Window((kernel, kernel), (stride, stride), pads=(kernel // 2,) * 4)
        knobs = {
            "lanes_in": lanes[0], "lanes_out": lanes[1], "parallel_rows": taps[0], "parallel_columns": taps[1],
            "pixels": 1, "parts": parts, "lists": lists, "cell": Cell.FIXED, "pack": pack, "weight_ram": ram,
        }  # fmt: skip
        word = 1 if lists > 1 else lanes[0], lanes[1]
        op = Conv2d(_thinned((kernel, kernel, channels, filters), word, left, 8, taps), window)
        name = (
            f"{size}x{size}x{channels}x{filters}_kernel{kernel}_stride{stride}"
            f"_lanes{lanes[0]}x{lanes[1]}_parts{parts}_lists{lists}_taps{taps[0]}{taps[1]}_pack{pack}_left{left}"
        )
        yield at("sparse_fold", name, op, (TensorType((size, size, channels), codes(8)),), knobs, judges)


def _depthwise() -> Iterator[Point]:
    """One channel a filter: taps of which half are left."""
    op = Conv2d(_thinned((3, 3, 1, 16), (1, 2), 0.5, 8), Window((3, 3), pads=(1,) * 4), 16)
    knobs = {
        "lanes": 2, "parallel_rows": 0, "parallel_columns": 0, "parts": 1, "lists": 1, "cell": Cell.FIXED,
        "pack": 1, "weight_ram": LUT,
    }  # fmt: skip
    kind = TensorType((14, 14, 16), codes(8))
    yield at("sparse_fold", "depthwise_14x14x16_kernel3_lanes2_left0.5", op, (kind,), knobs)


def _thinned(
    shape: tuple[int, ...], lanes: tuple[int, int], left: float, bits: int, taps: tuple[int, int] = (0, 0)
) -> Tensor:
    """Random weights, of whose words that share is left; taps: whether rows, columns of the kernel are in one word."""
    words = [-(-n // lane) for n, lane in zip(shape[-2:], lanes, strict=True)]
    kernel = [1 if together else n for n, together in zip(shape[:-2], taps, strict=False)]
    there = np.random.default_rng(sum(shape)).random((*kernel, *words)) < left
    there.flat[0] = True
    spread = there.repeat(lanes[0], axis=-2)[..., : shape[-2], :].repeat(lanes[1], axis=-1)[..., : shape[-1]]
    return Tensor(random_tensor(*shape, bits=bits).values * spread)
