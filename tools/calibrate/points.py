"""What is synthesised: for every engine and part a few settings to fit its cost to, and others to judge it.

Weights of more than 16 words lie in block RAM, except in the points of the memory itself: see `command` in run.py.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tomato import targets
from tomato.core.formats import Codes, Tensor
from tomato.core.forms import Cell
from tomato.core.ir import Node, Op, TensorType
from tomato.engines import CATALOGUE
from tomato.engines.base import AnyUnit, Knobs, Site
from tomato.hardware.memory import Ram
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Concat, Pad, Slice, Transpose, Upsample
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.requant import Requant
from tomato.ops.table import Table
from tomato.ops.threshold import Threshold
from tomato.ops.window import Window
from tomato.targets import Target
from tools.calibrate import arrays, parts
from tools.calibrate.parts import ECP5, FIT, XCUP, Point

LUT, BLOCK, ULTRA = Ram
MODEL = "u250"
"""The board whose choices of memory the parameters of all points follow."""


def points() -> Iterator[Point]:
    """Every point, the most important groups first."""
    yield from parts.rom()
    yield from arrays.points()
    yield from dense()
    yield from conv2d()
    yield from depthwise()
    yield from requant()
    yield from threshold()
    yield from pool()
    yield from add()
    yield from parts.width()
    yield from parts.fifo()
    yield from moves()
    yield from others()


def at(stem: str, name: str, op: Op, args: tuple[TensorType, ...], knobs: Knobs, judges: str = FIT) -> Point:
    """An engine at an operator, exactly as the compiler would instantiate it."""
    node = Node("y", op, tuple(f"x{i}" for i in range(len(args))), op.infer(args))

    def unit(target: Target) -> AnyUnit:
        return CATALOGUE[stem](Site(node, args, target), knobs)

    made = unit(targets.load(MODEL))
    return Point(stem, name, f"tom_{stem}", made.params, lambda t: unit(t).formula, judges, made.memories)


def random_tensor(*shape: int, bits: int = 8) -> Tensor:
    """Random constants of a symmetric format that reach both of its ends."""
    limit = (1 << (bits - 1)) - 1
    values = np.random.default_rng(1000 * bits + sum(shape)).integers(-limit, limit, shape, endpoint=True)
    values.flat[:2] = -limit, limit
    return Tensor(values)


def random_nudges(channels: int, count: int, fmt: Codes) -> Tensor:
    """Nudges of every eighth channel, which is more than float32 asks for where constants are wide enough."""
    rng = np.random.default_rng(channels + count)
    found = np.zeros((channels, count, 2), dtype=np.int64)
    found[::8, :, 0] = rng.integers(fmt.lo + 1, fmt.hi, (-(-channels // 8), count))
    found[::8, :, 1] = rng.choice((-1, 1), (-(-channels // 8), count))
    return Tensor(found)


def codes(bits: int, *, signed: bool = False) -> Codes:
    """The full format."""
    return Codes.of(bits, signed=signed)


def dense() -> Iterator[Point]:
    """Bits of weights and inputs, channels in and out, lanes in and out, pack, memory of the weights."""
    table = (
        (8, 8, 16, 16, 4, 4, 1, LUT, FIT),
        (8, 8, 16, 16, 4, 4, 2, LUT, FIT),
        (8, 8, 64, 64, 8, 8, 2, BLOCK, FIT),
        (8, 8, 64, 16, 16, 4, 2, LUT, FIT),
        (8, 8, 16, 16, 4, 4, 0, LUT, FIT),
        (4, -4, 16, 16, 4, 4, 4, LUT, FIT),
        (4, 8, 24, 12, 4, 3, 2, LUT, FIT),
        (8, 8, 10, 7, 1, 1, 1, LUT, FIT),
        (8, 8, 128, 8, 32, 1, 1, BLOCK, FIT),
        (2, 2, 16, 18, 4, 9, 9, LUT, FIT),
        (4, 4, 16, 16, 4, 4, 0, LUT, FIT),
        (2, 2, 32, 16, 16, 4, 0, LUT, FIT),
        (8, -8, 32, 32, 8, 4, 2, BLOCK, FIT),
        (4, 4, 24, 12, 6, 3, 0, LUT, FIT),
        (4, 4, 32, 12, 8, 6, 3, LUT, FIT),
        (8, 8, 96, 48, 12, 8, 2, BLOCK, FIT),
        (8, 8, 48, 24, 6, 6, 2, BLOCK, XCUP),
        (6, 6, 40, 20, 5, 4, 2, BLOCK, XCUP),
        (8, -8, 24, 12, 3, 2, 0, BLOCK, FIT),
        (8, 8, 24, 12, 3, 2, 0, BLOCK, FIT),
        (6, -6, 24, 12, 3, 2, 0, BLOCK, FIT),
        (4, -4, 24, 12, 3, 2, 0, BLOCK, FIT),
        (4, 8, 24, 12, 3, 2, 0, BLOCK, FIT),
        (8, 4, 24, 12, 3, 2, 0, BLOCK, FIT),
        (4, -8, 24, 12, 3, 2, 0, BLOCK, FIT),
        (8, -4, 24, 12, 3, 2, 0, BLOCK, FIT),
        (2, 8, 24, 12, 3, 2, 0, BLOCK, FIT),
        (2, -2, 24, 12, 3, 2, 0, BLOCK, FIT),
        (7, -7, 30, 10, 5, 2, 0, BLOCK, XCUP),
        (5, 6, 28, 12, 4, 3, 0, BLOCK, XCUP),
        (6, -8, 20, 12, 2, 3, 0, BLOCK, XCUP),
        (3, 8, 24, 15, 2, 5, 0, BLOCK, XCUP),
        (8, 8, 72, 40, 9, 5, 2, BLOCK, XCUP),
        (4, -4, 48, 24, 6, 8, 4, BLOCK, XCUP),
        (8, 8, 64, 64, 4, 2, 2, ULTRA, XCUP),
        (8, 8, 40, 20, 5, 5, 2, BLOCK, ECP5),
        (8, 8, 20, 10, 5, 2, 1, LUT, ECP5),
        (8, -8, 36, 12, 6, 4, 1, BLOCK, ECP5),
        (4, 8, 64, 24, 8, 8, 2, BLOCK, ECP5),
        (3, 4, 30, 12, 5, 4, 3, BLOCK, ECP5),
        (5, 5, 24, 12, 4, 4, 0, BLOCK, FIT),
        (7, 8, 20, 8, 2, 2, 0, BLOCK, FIT),
        (6, -5, 20, 9, 4, 3, 0, BLOCK, FIT),
        (5, -7, 20, 8, 3, 2, 0, BLOCK, ECP5),
        (7, 5, 18, 8, 3, 4, 0, BLOCK, ECP5),
    )
    for w, a, channels, filters, lanes_in, lanes_out, pack, ram, judges in table:
        x = TensorType((2, 2, channels), codes(abs(a), signed=a < 0))
        knobs = {"lanes_in": lanes_in, "lanes_out": lanes_out, "cell": Cell.FIXED, "pack": pack, "weight_ram": ram}
        name = f"w{w}_{x.codes}_{channels}x{filters}_lanes{lanes_in}x{lanes_out}_pack{pack}_ram{ram}"
        yield at("dense_fold", name, Dense(random_tensor(channels, filters, bits=w)), (x,), knobs, judges)


def conv2d() -> Iterator[Point]:
    """Bits, size, channels, kernel, stride, lanes in and out, rows and columns at once, pixels, pack, memory."""
    table = (
        (8, 12, (8, 8), 3, 1, (1, 1), (0, 0), 1, 1, BLOCK, FIT),
        (8, 14, (8, 8), 3, 1, (4, 4), (0, 0), 1, 2, BLOCK, FIT),
        (8, 16, (4, 8), 3, 1, (2, 2), (0, 1), 1, 2, BLOCK, FIT),
        (8, 28, (4, 16), 3, 1, (1, 4), (1, 1), 1, 1, LUT, FIT),
        (8, 28, (8, 8), 3, 1, (4, 2), (1, 1), 1, 2, LUT, FIT),
        (8, 56, (32, 64), 3, 1, (8, 4), (0, 0), 1, 2, BLOCK, FIT),
        (8, 64, (3, 16), 3, 2, (3, 4), (1, 1), 2, 2, LUT, FIT),
        (8, 56, (16, 16), 1, 2, (4, 4), (0, 0), 1, 2, LUT, FIT),
        (8, 32, (4, 16), 3, 1, (2, 4), (1, 1), 1, 2, LUT, FIT),
        (8, 28, (16, 16), 3, 2, (8, 2), (0, 0), 1, 1, BLOCK, FIT),
        (8, 28, (8, 16), 3, 1, (4, 4), (0, 1), 1, 2, BLOCK, FIT),
        (2, 16, (8, 18), 3, 1, (2, 9), (0, 0), 1, 9, BLOCK, XCUP),
        (8, 32, (4, 8), 3, 2, (4, 2), (1, 1), 2, 2, LUT, FIT),
        (8, 14, (32, 32), 3, 1, (4, 4), (0, 0), 1, 2, ULTRA, XCUP),
        (6, 12, (6, 12), 3, 1, (2, 3), (0, 0), 1, 0, BLOCK, XCUP),
        (8, 20, (6, 12), 3, 1, (3, 2), (0, 1), 1, 2, BLOCK, XCUP),
        (4, 16, (4, 16), 3, 1, (2, 4), (1, 1), 1, 0, LUT, FIT),
        (8, 28, (2, 8), 5, 1, (1, 2), (1, 1), 1, 2, LUT, FIT),
        (8, 20, (3, 6), 5, 1, (1, 2), (1, 1), 1, 2, LUT, FIT),
        (8, 20, (12, 24), 3, 1, (3, 4), (0, 0), 1, 2, BLOCK, XCUP),
        (8, 18, (6, 6), 3, 1, (2, 3), (1, 1), 1, 1, LUT, XCUP),
        (8, 24, (8, 12), 3, 1, (2, 4), (0, 0), 1, 1, BLOCK, ECP5),
        (8, 16, (6, 8), 3, 1, (2, 2), (1, 1), 1, 1, LUT, ECP5),
        (8, 24, (6, 12), 3, 2, (3, 3), (0, 1), 1, 2, BLOCK, ECP5),
        (4, 20, (8, 12), 3, 1, (4, 3), (0, 0), 1, 0, BLOCK, ECP5),
        (8, 16, (2, 4), 5, 1, (1, 1), (1, 1), 1, 1, LUT, ECP5),
    )
    for bits, size, (channels, filters), kernel, stride, lanes, taps, pixels, pack, ram, judges in table:
        window = Window((kernel, kernel), (stride, stride), pads=(kernel // 2,) * 4)
        x = TensorType((size, size, channels), codes(bits))
        knobs = {
            "lanes_in": lanes[0], "lanes_out": lanes[1], "parallel_rows": taps[0], "parallel_columns": taps[1],
            "pixels": pixels, "cell": Cell.FIXED, "pack": pack, "weight_ram": ram,
        }  # fmt: skip
        name = (
            f"w{bits}_{x.codes}_{size}x{size}x{channels}x{filters}_kernel{kernel}_stride{stride}"
            f"_lanes{lanes[0]}x{lanes[1]}_taps{taps[0]}{taps[1]}_pixels{pixels}_pack{pack}_ram{ram}"
        )
        op = Conv2d(random_tensor(kernel, kernel, channels, filters, bits=bits), window)
        yield at("conv2d_window", name, op, (x,), knobs, judges)


def depthwise() -> Iterator[Point]:
    """Size, channels, kernel, stride, lanes, rows and columns at once, pack, memory of the weights."""
    table = (
        (12, 8, 3, 1, 1, (0, 0), 1, BLOCK, FIT),
        (28, 16, 3, 1, 4, (0, 0), 1, BLOCK, FIT),
        (14, 16, 3, 1, 4, (0, 1), 1, LUT, FIT),
        (28, 16, 3, 1, 2, (1, 1), 1, LUT, FIT),
        (56, 32, 3, 2, 4, (1, 1), 1, LUT, FIT),
        (14, 64, 3, 1, 1, (1, 1), 0, BLOCK, FIT),
        (28, 24, 3, 1, 3, (1, 1), 1, LUT, FIT),
        (14, 32, 3, 2, 8, (0, 1), 1, LUT, FIT),
        (24, 12, 3, 1, 3, (0, 1), 1, LUT, XCUP),
        (16, 20, 3, 1, 2, (0, 0), 0, BLOCK, XCUP),
        (14, 8, 5, 1, 1, (1, 1), 1, LUT, FIT),
        (14, 12, 5, 1, 1, (1, 1), 1, LUT, FIT),
        (20, 24, 3, 1, 6, (0, 0), 1, BLOCK, XCUP),
        (18, 10, 3, 2, 2, (1, 1), 1, LUT, XCUP),
        (20, 16, 3, 1, 2, (0, 1), 1, LUT, ECP5),
        (24, 12, 3, 2, 3, (1, 1), 1, LUT, ECP5),
        (30, 18, 3, 1, 3, (0, 0), 1, BLOCK, ECP5),
    )
    for size, channels, kernel, stride, lanes, taps, pack, ram, judges in table:
        window = Window((kernel, kernel), (stride, stride), pads=(kernel // 2,) * 4)
        x = TensorType((size, size, channels), codes(8))
        knobs = {
            "lanes": lanes, "parallel_rows": taps[0], "parallel_columns": taps[1],
            "cell": Cell.FIXED, "pack": pack, "weight_ram": ram,
        }  # fmt: skip
        name = f"{size}x{size}x{channels}_kernel{kernel}_stride{stride}_lanes{lanes}_taps{taps[0]}{taps[1]}_pack{pack}"
        op = Conv2d(random_tensor(kernel, kernel, 1, channels), window, channels)
        yield at("depthwise_window", name, op, (x,), knobs, judges)


def requant() -> Iterator[Point]:
    """Bits of accumulator, factor (0: none), bias and result, channels, lanes, nudges (in every eighth channel)."""
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
    for acc, mult, bias, out, channels, lanes, nudges, judges in table:
        x = TensorType((4, 4, channels), codes(acc, signed=True))
        factor = random_tensor(channels, bits=mult) if mult else Tensor(np.ones(channels, dtype=np.int64))
        op = Requant(factor, random_tensor(channels, bits=bias), acc + mult - out - 4, 0, (1 << out) - 1)
        if nudges:
            op = replace(op, nudges=random_nudges(channels, nudges, x.codes))
        name = f"acc{acc}_mult{mult}_bias{bias}_out{out}_channels{channels}_lanes{lanes}"
        name += f"_nudges{nudges}" if nudges else ""
        yield at("requant_stream", name, op, (x,), {"lanes": lanes}, judges)


def threshold() -> Iterator[Point]:
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


def pool() -> Iterator[Point]:
    """Kind, size, channels, kernel, stride, padding, lanes, rows and columns at once."""
    table = (
        (MaxPool, 16, 8, 2, 2, 0, 1, (0, 0), FIT),
        (MaxPool, 28, 16, 2, 2, 0, 4, (0, 0), FIT),
        (MaxPool, 28, 16, 3, 2, 1, 4, (1, 1), FIT),
        (SumPool, 14, 16, 3, 1, 1, 2, (0, 0), FIT),
        (SumPool, 14, 16, 2, 2, 0, 4, (1, 1), FIT),
        (MaxPool, 14, 16, 2, 2, 0, 8, (1, 1), FIT),
        (MaxPool, 28, 16, 3, 1, 1, 2, (0, 1), FIT),
        (MaxPool, 56, 16, 3, 2, 1, 8, (0, 1), XCUP),
        (MaxPool, 20, 12, 3, 1, 1, 3, (0, 0), XCUP),
        (SumPool, 24, 12, 3, 2, 1, 3, (1, 1), FIT),
        (MaxPool, 22, 12, 3, 1, 1, 3, (1, 1), XCUP),
        (MaxPool, 24, 16, 2, 2, 0, 4, (0, 1), ECP5),
        (SumPool, 20, 8, 3, 1, 1, 2, (1, 1), ECP5),
        (MaxPool, 32, 12, 3, 2, 1, 3, (0, 0), ECP5),
    )
    for kind, size, channels, kernel, stride, pad, lanes, taps, judges in table:
        x = TensorType((size, size, channels), codes(8))
        knobs = {"lanes": lanes, "parallel_rows": taps[0], "parallel_columns": taps[1]}
        name = f"{kind.__name__.lower()}_{size}x{size}x{channels}_{kernel}_{stride}_{pad}"
        name += f"_lanes{lanes}_taps{taps[0]}{taps[1]}"
        yield at(
            "pool_window", name, kind(Window((kernel, kernel), (stride, stride), pads=(pad,) * 4)), (x,), knobs, judges
        )


def add() -> Iterator[Point]:
    """Bits, factors, lanes: sums and products of two streams."""
    for bits, a, b, lanes, judges in (
        (8, 1, 1, 1, FIT),
        (8, 1, 1, 8, FIT),
        (8, 4, 1, 4, FIT),
        (8, 11213, 9001, 4, FIT),
        (12, 1, -1, 4, FIT),
        (8, 1, 1, 16, FIT),
        (8, 7001, 16383, 6, FIT),
        (10, 1, 1, 3, XCUP),
        (9, 5001, 9999, 2, XCUP),
        (11, 1, 1, 2, ECP5),
        (9, -1, 1, 4, ECP5),
        (8, 3001, 777, 3, ECP5),
    ):
        x = TensorType((4, 4, 16 if lanes != 6 else 6), codes(bits, signed=True))
        yield at("add_stream", f"s{bits}_{a}_{b}_lanes{lanes}", Add(a, b), (x, x), {"lanes": lanes}, judges)
    for bits, zero, lanes, judges in (
        (8, 0, 1, FIT),
        (8, 3, 4, FIT),
        (8, 0, 8, FIT),
        (8, 5, 6, FIT),
        (6, 2, 3, XCUP),
        (9, 0, 5, ECP5),
        (7, 4, 2, ECP5),
    ):
        x = TensorType((4, 4, 24), codes(bits, signed=True))
        yield at(
            "multiply_stream",
            f"s{bits}_zero{zero}_lanes{lanes}",
            Multiply(zero, -zero),
            (x, x),
            {"lanes": lanes},
            judges,
        )


def moves() -> Iterator[Point]:
    """Engines that move codes: concatenation, pad, slice, reorder."""
    s8 = codes(8, signed=True)
    for split, lanes, judges in (
        ((8, 8), 4, FIT),
        ((4, 4, 8), 4, FIT),
        ((16, 8), 8, FIT),
        ((12, 6, 6), 6, FIT),
        ((10, 5), 5, XCUP),
        ((6, 12, 6, 3), 3, XCUP),
        ((9, 6), 3, ECP5),
        ((20, 10, 10), 10, ECP5),
    ):
        args = tuple(TensorType((4, 4, n), s8) for n in split)
        name = f"channels{'_'.join(map(str, split))}_lanes{lanes}"
        yield at("concat_stream", name, Concat(), args, {"lanes": lanes}, judges)
    for size, lanes, judges in (
        (6, 1, FIT),
        (28, 4, FIT),
        (14, 8, FIT),
        (56, 6, FIT),
        (20, 3, XCUP),
        (32, 2, ECP5),
        (18, 12, ECP5),
    ):
        x = TensorType((size, size, 24), s8)
        yield at("pad_stream", f"size{size}_lanes{lanes}", Pad((1, 1, 1, 1), 3), (x,), {"lanes": lanes}, judges)
        crop = Slice((1, 1, 0), (size, size, 24), (1, 1))
        yield at("slice_stream", f"size{size}_lanes{lanes}", crop, (x,), {"lanes": lanes}, judges)
    for size, lanes, judges in (
        (8, 1, FIT),
        (14, 4, FIT),
        (28, 8, FIT),
        (20, 6, FIT),
        (10, 2, XCUP),
        (36, 3, XCUP),
        (12, 3, ECP5),
        (24, 4, ECP5),
    ):
        x = TensorType((size, size, 24), s8)
        knobs = {"lanes": lanes, "ram": LUT if size < 20 else BLOCK}
        yield at("reorder_band", f"upsample{size}_lanes{lanes}", Upsample((2, 2)), (x,), knobs, judges)
    swap = Transpose((6, 5, 8), (1, 0, 2), (5, 6, 8))
    yield at("reorder_band", "transpose_lanes2", swap, (TensorType((6, 5, 8), s8),), {"lanes": 2, "ram": LUT})


def others() -> Iterator[Point]:
    """Tables and global sums."""
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
    for size, channels, lanes, judges in (
        (7, 16, 1, FIT),
        (7, 64, 4, FIT),
        (14, 8, 8, FIT),
        (7, 96, 6, FIT),
        (9, 40, 5, XCUP),
        (8, 32, 4, ECP5),
        (12, 6, 6, ECP5),
    ):
        x = TensorType((size, size, channels), codes(8))
        yield at("global_sum", f"{size}x{size}x{channels}_lanes{lanes}", GlobalSum(), (x,), {"lanes": lanes}, judges)
