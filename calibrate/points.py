"""What is synthesised: for every engine and part a few settings to fit its cost to, and held-out ones to judge it.

Weights of more than 16 words lie in block RAM, except in the points of the memory itself: see `command` in run.py.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from calibrate import arrays, parts
from calibrate.parts import Point
from tomato.engines import CATALOGUE
from tomato.engines.base import Knobs, Site
from tomato.engines.windowed import BLOCK, LUT, ULTRA
from tomato.formats import Codes, Tensor
from tomato.forms import Cell
from tomato.ir import Node, Op, TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Concat, Pad, Slice, Transpose, Upsample
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.requant import Requant
from tomato.ops.table import Table
from tomato.ops.threshold import Threshold
from tomato.ops.window import Window


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


def at(stem: str, name: str, op: Op, args: tuple[TensorType, ...], knobs: Knobs, held: bool = False) -> Point:
    """An engine at an operator, exactly as the compiler would instantiate it."""
    engine = CATALOGUE[stem]
    site = Site(Node("y", op, tuple(f"x{i}" for i in range(len(args))), op.infer(args)), args)
    return Point(
        stem,
        name,
        f"tom_{stem}",
        engine.params(site, knobs),
        lambda target: engine.cost(site, knobs, target),
        held,
        engine.memories(site, knobs),
    )


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
        (8, 8, 16, 16, 4, 4, 1, LUT, False),
        (8, 8, 16, 16, 4, 4, 2, LUT, False),
        (8, 8, 64, 64, 8, 8, 2, BLOCK, False),
        (8, 8, 64, 16, 16, 4, 2, LUT, False),
        (8, 8, 16, 16, 4, 4, 0, LUT, False),
        (4, -4, 16, 16, 4, 4, 4, LUT, False),
        (4, 8, 24, 12, 4, 3, 2, LUT, False),
        (8, 8, 10, 7, 1, 1, 1, LUT, False),
        (8, 8, 128, 8, 32, 1, 1, BLOCK, False),
        (2, 2, 16, 18, 4, 9, 9, LUT, False),
        (4, 4, 16, 16, 4, 4, 0, LUT, False),
        (2, 2, 32, 16, 16, 4, 0, LUT, False),
        (8, -8, 32, 32, 8, 4, 2, BLOCK, False),
        (4, 4, 24, 12, 6, 3, 0, LUT, False),
        (4, 4, 32, 12, 8, 6, 3, LUT, False),
        (8, 8, 96, 48, 12, 8, 2, BLOCK, False),
        (8, 8, 48, 24, 6, 6, 2, BLOCK, True),
        (6, 6, 40, 20, 5, 4, 2, BLOCK, True),
        (8, -8, 24, 12, 3, 2, 0, BLOCK, False),
        (8, 8, 24, 12, 3, 2, 0, BLOCK, False),
        (6, -6, 24, 12, 3, 2, 0, BLOCK, False),
        (4, -4, 24, 12, 3, 2, 0, BLOCK, False),
        (4, 8, 24, 12, 3, 2, 0, BLOCK, False),
        (8, 4, 24, 12, 3, 2, 0, BLOCK, False),
        (4, -8, 24, 12, 3, 2, 0, BLOCK, False),
        (8, -4, 24, 12, 3, 2, 0, BLOCK, False),
        (2, 8, 24, 12, 3, 2, 0, BLOCK, False),
        (2, -2, 24, 12, 3, 2, 0, BLOCK, False),
        (7, -7, 30, 10, 5, 2, 0, BLOCK, True),
        (5, 6, 28, 12, 4, 3, 0, BLOCK, True),
        (6, -8, 20, 12, 2, 3, 0, BLOCK, True),
        (3, 8, 24, 15, 2, 5, 0, BLOCK, True),
        (8, 8, 72, 40, 9, 5, 2, BLOCK, True),
        (4, -4, 48, 24, 6, 8, 4, BLOCK, True),
        (8, 8, 64, 64, 4, 2, 2, ULTRA, True),
    )
    for w, a, channels, filters, lanes_in, lanes_out, pack, ram, held in table:
        x = TensorType((2, 2, channels), codes(abs(a), signed=a < 0))
        knobs = {"lanes_in": lanes_in, "lanes_out": lanes_out, "cell": Cell.FIXED, "pack": pack, "weight_ram": ram}
        name = f"w{w}_{x.codes}_{channels}x{filters}_lanes{lanes_in}x{lanes_out}_pack{pack}_ram{ram}"
        yield at("dense_fold", name, Dense(random_tensor(channels, filters, bits=w)), (x,), knobs, held)


def conv2d() -> Iterator[Point]:
    """Bits, size, channels, kernel, stride, lanes in and out, rows and columns at once, pixels, pack, memory."""
    table = (
        (8, 12, (8, 8), 3, 1, (1, 1), (0, 0), 1, 1, BLOCK, False),
        (8, 14, (8, 8), 3, 1, (4, 4), (0, 0), 1, 2, BLOCK, False),
        (8, 16, (4, 8), 3, 1, (2, 2), (0, 1), 1, 2, BLOCK, False),
        (8, 28, (4, 16), 3, 1, (1, 4), (1, 1), 1, 1, LUT, False),
        (8, 28, (8, 8), 3, 1, (4, 2), (1, 1), 1, 2, LUT, False),
        (8, 56, (32, 64), 3, 1, (8, 4), (0, 0), 1, 2, BLOCK, False),
        (8, 64, (3, 16), 3, 2, (3, 4), (1, 1), 2, 2, LUT, False),
        (8, 56, (16, 16), 1, 2, (4, 4), (0, 0), 1, 2, LUT, False),
        (8, 32, (4, 16), 3, 1, (2, 4), (1, 1), 1, 2, LUT, False),
        (8, 28, (16, 16), 3, 2, (8, 2), (0, 0), 1, 1, BLOCK, False),
        (8, 28, (8, 16), 3, 1, (4, 4), (0, 1), 1, 2, BLOCK, False),
        (2, 16, (8, 18), 3, 1, (2, 9), (0, 0), 1, 9, BLOCK, True),
        (8, 32, (4, 8), 3, 2, (4, 2), (1, 1), 2, 2, LUT, False),
        (8, 14, (32, 32), 3, 1, (4, 4), (0, 0), 1, 2, ULTRA, True),
        (6, 12, (6, 12), 3, 1, (2, 3), (0, 0), 1, 0, BLOCK, True),
        (8, 20, (6, 12), 3, 1, (3, 2), (0, 1), 1, 2, BLOCK, True),
        (4, 16, (4, 16), 3, 1, (2, 4), (1, 1), 1, 0, LUT, False),
        (8, 28, (2, 8), 5, 1, (1, 2), (1, 1), 1, 2, LUT, False),
        (8, 20, (3, 6), 5, 1, (1, 2), (1, 1), 1, 2, LUT, False),
        (8, 20, (12, 24), 3, 1, (3, 4), (0, 0), 1, 2, BLOCK, True),
        (8, 18, (6, 6), 3, 1, (2, 3), (1, 1), 1, 1, LUT, True),
    )
    for bits, size, (channels, filters), kernel, stride, lanes, taps, pixels, pack, ram, held in table:
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
        yield at("conv2d_window", name, op, (x,), knobs, held)


def depthwise() -> Iterator[Point]:
    """Size, channels, kernel, stride, lanes, rows and columns at once, pack, memory of the weights."""
    table = (
        (12, 8, 3, 1, 1, (0, 0), 1, BLOCK, False),
        (28, 16, 3, 1, 4, (0, 0), 1, BLOCK, False),
        (14, 16, 3, 1, 4, (0, 1), 1, LUT, False),
        (28, 16, 3, 1, 2, (1, 1), 1, LUT, False),
        (56, 32, 3, 2, 4, (1, 1), 1, LUT, False),
        (14, 64, 3, 1, 1, (1, 1), 0, BLOCK, False),
        (28, 24, 3, 1, 3, (1, 1), 1, LUT, False),
        (14, 32, 3, 2, 8, (0, 1), 1, LUT, False),
        (24, 12, 3, 1, 3, (0, 1), 1, LUT, True),
        (16, 20, 3, 1, 2, (0, 0), 0, BLOCK, True),
        (14, 8, 5, 1, 1, (1, 1), 1, LUT, False),
        (14, 12, 5, 1, 1, (1, 1), 1, LUT, False),
        (20, 24, 3, 1, 6, (0, 0), 1, BLOCK, True),
        (18, 10, 3, 2, 2, (1, 1), 1, LUT, True),
    )
    for size, channels, kernel, stride, lanes, taps, pack, ram, held in table:
        window = Window((kernel, kernel), (stride, stride), pads=(kernel // 2,) * 4)
        x = TensorType((size, size, channels), codes(8))
        knobs = {
            "lanes": lanes, "parallel_rows": taps[0], "parallel_columns": taps[1],
            "cell": Cell.FIXED, "pack": pack, "weight_ram": ram,
        }  # fmt: skip
        name = f"{size}x{size}x{channels}_kernel{kernel}_stride{stride}_lanes{lanes}_taps{taps[0]}{taps[1]}_pack{pack}"
        op = Conv2d(random_tensor(kernel, kernel, 1, channels), window, channels)
        yield at("depthwise_window", name, op, (x,), knobs, held)


def requant() -> Iterator[Point]:
    """Bits of accumulator, factor (0: none), bias and result, channels, lanes, nudges (in every eighth channel)."""
    table = (
        (20, 18, 30, 8, 16, 1, 0, False),
        (20, 18, 30, 8, 64, 4, 0, False),
        (16, 9, 20, 4, 64, 8, 0, False),
        (18, 0, 18, 8, 64, 4, 0, False),
        (24, 22, 40, 8, 16, 1, 0, False),
        (22, 18, 32, 8, 128, 8, 0, False),
        (20, 20, 34, 8, 48, 3, 0, False),
        (16, 12, 24, 4, 48, 4, 0, False),
        (21, 17, 28, 8, 96, 6, 0, True),
        (18, 14, 26, 6, 40, 5, 0, False),
        (23, 18, 30, 5, 56, 7, 0, False),
        (16, 0, 16, 6, 40, 5, 0, False),
        (18, 0, 20, 4, 48, 8, 0, True),
        (20, 0, 18, 5, 36, 3, 0, True),
        (19, 15, 27, 7, 50, 5, 0, True),
        (20, 18, 30, 8, 64, 4, 1, False),
        (22, 24, 36, 8, 64, 8, 2, False),
        (18, 24, 32, 8, 16, 1, 4, False),
        (20, 22, 34, 8, 48, 6, 3, True),
    )
    for acc, mult, bias, out, channels, lanes, nudges, held in table:
        x = TensorType((4, 4, channels), codes(acc, signed=True))
        factor = random_tensor(channels, bits=mult) if mult else Tensor(np.ones(channels, dtype=np.int64))
        op = Requant(factor, random_tensor(channels, bits=bias), acc + mult - out - 4, 0, (1 << out) - 1)
        if nudges:
            op = replace(op, nudges=random_nudges(channels, nudges, x.codes))
        name = f"acc{acc}_mult{mult}_bias{bias}_out{out}_channels{channels}_lanes{lanes}"
        name += f"_nudges{nudges}" if nudges else ""
        yield at("requant_stream", name, op, (x,), {"lanes": lanes}, held)


def threshold() -> Iterator[Point]:
    """Bits of accumulator, thresholds, channels, lanes."""
    table = (
        (20, 15, 16, 1, False),
        (20, 15, 32, 4, False),
        (16, 3, 32, 8, False),
        (24, 1, 16, 2, False),
        (18, 63, 16, 2, False),
        (20, 255, 4, 1, False),
        (20, 255, 16, 1, False),
        (20, 255, 32, 2, False),
        (22, 15, 48, 3, True),
        (18, 255, 24, 3, True),
        (16, 255, 48, 4, True),
    )
    for acc, steps, channels, lanes, held in table:
        x = TensorType((4, 4, channels), codes(acc, signed=True))
        op = Threshold(Tensor(np.sort(random_tensor(channels, steps, bits=acc).values, axis=1)), 0)
        yield at(
            "threshold_stream",
            f"acc{acc}_thresholds{steps}_channels{channels}_lanes{lanes}",
            op,
            (x,),
            {"lanes": lanes},
            held,
        )


def pool() -> Iterator[Point]:
    """Kind, size, channels, kernel, stride, padding, lanes, rows and columns at once."""
    table = (
        (MaxPool, 16, 8, 2, 2, 0, 1, (0, 0), False),
        (MaxPool, 28, 16, 2, 2, 0, 4, (0, 0), False),
        (MaxPool, 28, 16, 3, 2, 1, 4, (1, 1), False),
        (SumPool, 14, 16, 3, 1, 1, 2, (0, 0), False),
        (SumPool, 14, 16, 2, 2, 0, 4, (1, 1), False),
        (MaxPool, 14, 16, 2, 2, 0, 8, (1, 1), False),
        (MaxPool, 28, 16, 3, 1, 1, 2, (0, 1), False),
        (MaxPool, 56, 16, 3, 2, 1, 8, (0, 1), True),
        (MaxPool, 20, 12, 3, 1, 1, 3, (0, 0), True),
        (SumPool, 24, 12, 3, 2, 1, 3, (1, 1), False),
        (MaxPool, 22, 12, 3, 1, 1, 3, (1, 1), True),
    )
    for kind, size, channels, kernel, stride, pad, lanes, taps, held in table:
        x = TensorType((size, size, channels), codes(8))
        knobs = {"lanes": lanes, "parallel_rows": taps[0], "parallel_columns": taps[1]}
        name = f"{kind.__name__.lower()}_{size}x{size}x{channels}_{kernel}_{stride}_{pad}"
        name += f"_lanes{lanes}_taps{taps[0]}{taps[1]}"
        yield at(
            "pool_window", name, kind(Window((kernel, kernel), (stride, stride), pads=(pad,) * 4)), (x,), knobs, held
        )


def add() -> Iterator[Point]:
    """Bits, factors, lanes: sums and products of two streams."""
    for bits, a, b, lanes, held in (
        (8, 1, 1, 1, False),
        (8, 1, 1, 8, False),
        (8, 4, 1, 4, False),
        (8, 11213, 9001, 4, False),
        (12, 1, -1, 4, False),
        (8, 1, 1, 16, False),
        (8, 7001, 16383, 6, False),
        (10, 1, 1, 3, True),
        (9, 5001, 9999, 2, True),
    ):
        x = TensorType((4, 4, 16 if lanes != 6 else 6), codes(bits, signed=True))
        yield at("add_stream", f"s{bits}_{a}_{b}_lanes{lanes}", Add(a, b), (x, x), {"lanes": lanes}, held)
    for bits, zero, lanes, held in (
        (8, 0, 1, False),
        (8, 3, 4, False),
        (8, 0, 8, False),
        (8, 5, 6, False),
        (6, 2, 3, True),
    ):
        x = TensorType((4, 4, 24), codes(bits, signed=True))
        yield at(
            "multiply_stream", f"s{bits}_zero{zero}_lanes{lanes}", Multiply(zero, -zero), (x, x), {"lanes": lanes}, held
        )


def moves() -> Iterator[Point]:
    """Engines that move codes: concatenation, pad, slice, reorder."""
    s8 = codes(8, signed=True)
    for split, lanes, held in (
        ((8, 8), 4, False),
        ((4, 4, 8), 4, False),
        ((16, 8), 8, False),
        ((12, 6, 6), 6, False),
        ((10, 5), 5, True),
        ((6, 12, 6, 3), 3, True),
    ):
        args = tuple(TensorType((4, 4, n), s8) for n in split)
        name = f"channels{'_'.join(map(str, split))}_lanes{lanes}"
        yield at("concat_stream", name, Concat(), args, {"lanes": lanes}, held)
    for size, lanes, held in ((6, 1, False), (28, 4, False), (14, 8, False), (56, 6, False), (20, 3, True)):
        x = TensorType((size, size, 24), s8)
        yield at("pad_stream", f"size{size}_lanes{lanes}", Pad((1, 1, 1, 1), 3), (x,), {"lanes": lanes}, held)
        crop = Slice((1, 1, 0), (size, size, 24), (1, 1))
        yield at("slice_stream", f"size{size}_lanes{lanes}", crop, (x,), {"lanes": lanes}, held)
    for size, lanes, held in (
        (8, 1, False),
        (14, 4, False),
        (28, 8, False),
        (20, 6, False),
        (10, 2, True),
        (36, 3, True),
    ):
        x = TensorType((size, size, 24), s8)
        knobs = {"lanes": lanes, "ram": LUT if size < 20 else BLOCK}
        yield at("reorder_band", f"upsample{size}_lanes{lanes}", Upsample((2, 2)), (x,), knobs, held)
    swap = Transpose((6, 5, 8), (1, 0, 2), (5, 6, 8))
    yield at("reorder_band", "transpose_lanes2", swap, (TensorType((6, 5, 8), s8),), {"lanes": 2, "ram": LUT})


def others() -> Iterator[Point]:
    """Tables and global sums."""
    for bits, out, lanes, held in (
        (8, 8, 1, False),
        (6, 6, 4, False),
        (4, 8, 4, False),
        (8, 8, 4, False),
        (7, 8, 3, False),
        (5, 7, 6, True),
    ):
        x = TensorType((4, 4, 12), codes(bits, signed=True))
        op = Table(random_tensor(1, 1 << bits, bits=out), x.codes.lo)
        yield at("table_stream", f"in{bits}_out{out}_lanes{lanes}", op, (x,), {"lanes": lanes}, held)
    for size, channels, lanes, held in (
        (7, 16, 1, False),
        (7, 64, 4, False),
        (14, 8, 8, False),
        (7, 96, 6, False),
        (9, 40, 5, True),
    ):
        x = TensorType((size, size, channels), codes(8))
        yield at("global_sum", f"{size}x{size}x{channels}_lanes{lanes}", GlobalSum(), (x,), {"lanes": lanes}, held)
