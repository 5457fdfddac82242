"""Cases of the engines that are no sliding windows: what the tests of their RTL and of their HLS C++ both run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tomato.core.formats import Codes, Tensor
from tomato.core.ir import Op, Shape, TensorType
from tomato.ops.edge_pad import EdgePad
from tomato.ops.exits import Exit, Leave, Number, Sure
from tomato.ops.frame_requant import FrameRequant
from tomato.ops.join import Add, Multiply
from tomato.ops.keep_largest import KeepLargest
from tomato.ops.matmul import MatMul
from tomato.ops.move import Concat, DepthToSpace, Flip, Pad, Slice, SpaceToDepth, Transpose, Upsample
from tomato.ops.normalise import Normalise
from tomato.ops.piecewise import Piecewise
from tomato.ops.pool import GlobalSum
from tomato.ops.select import Select
from tomato.ops.softmax import Softmax
from tomato.ops.table import Table
from tomato.ops.threshold import Threshold

S4, S5, S8, S12, S20 = (Codes.of(bits, signed=True) for bits in (4, 5, 8, 12, 20))
U1, U4, U8 = (Codes.of(bits, signed=False) for bits in (1, 4, 8))


@dataclass(frozen=True, slots=True)
class Case:
    """An operator, its arguments and the knobs of its engine."""

    op: Op
    args: tuple[TensorType, ...]
    knobs: Mapping[str, int]


def case(op: Op, shape: Shape, *formats: Codes, lanes: int, **knobs: int) -> Case:
    """A case whose arguments have one shape."""
    return Case(op, tuple(TensorType(shape, fmt) for fmt in formats), {"lanes": lanes, **knobs})


def concat(channels: Sequence[int], formats: Sequence[Codes], lanes: int, size: tuple[int, int] = (4, 5)) -> Case:
    """Inputs of these channels and formats."""
    kinds = zip(channels, formats, strict=True)
    return Case(Concat(), tuple(TensorType((*size, c), fmt) for c, fmt in kinds), {"lanes": lanes})


def matmul(
    op: MatMul, shapes: tuple[Shape, Shape], formats: tuple[Codes, Codes], lanes: tuple[int, int], pack: int
) -> Case:
    """Two arguments; lanes_in and lanes_out."""
    kinds = tuple(TensorType(shape, fmt) for shape, fmt in zip(shapes, formats, strict=True))
    return Case(op, kinds, {"lanes_in": lanes[0], "lanes_out": lanes[1], "pack": pack})


def table(rows: int, fmt: Codes) -> Table:
    """Random entries for every code."""
    return Table(Tensor(np.random.default_rng(rows).integers(-9, 50, (rows, fmt.hi - fmt.lo + 1))), fmt.lo)


def tables(rows: int, fmt: Codes, lanes: int) -> Case:
    """A table for all channels, or one for each."""
    return case(table(rows, fmt), (5, 6, rows if rows > 1 else 5), fmt, lanes=lanes)


def lines(index: int, rest: int, shift: int, first: int) -> Piecewise:
    """Random lines, results clipped to -200..255."""
    rng = np.random.default_rng(index)
    slope = rng.integers(-(200 << shift) >> rest, 200 << shift >> rest, 1 << index, endpoint=True)
    offset = rng.integers(-100 << shift, 156 << shift, 1 << index)
    return Piecewise(Tensor(slope), Tensor(offset), first, rest, shift, -200, 255)


def thresholds(channels: int, steps: int, fmt: Codes, lo: int) -> Threshold:
    """Thresholds anywhere, also just outside of the inputs and some of them equal."""
    rng = np.random.default_rng(steps)
    values = rng.integers(fmt.lo - (fmt.hi - fmt.lo) // 16, fmt.hi + 1, (channels, steps), endpoint=True)
    values[:, -1] = fmt.hi + 1
    values[0, : steps // 4] = values[0, 0]
    return Threshold(Tensor(np.sort(values, axis=1)), lo)


def search(channels: int, steps: int, fmt: Codes, lo: int, lanes: int) -> Case:
    """So many thresholds in each channel."""
    return case(thresholds(channels, steps, fmt, lo), (9, 8, channels), fmt, lanes=lanes)


def frame_requant(mult: Shape, bias: Shape, factor: int, shift: int, lo: int, hi: int, zeros: int = 0) -> FrameRequant:
    """Constants of these shapes that bring about half the results into lo..hi, offsets ending in `zeros` bits of 0."""
    rng, most = np.random.default_rng(shift), hi - lo << shift
    own = rng.integers(-factor, factor, mult, endpoint=True) if mult != (1, 1, 1) else np.full(mult, factor)
    return FrameRequant(Tensor(own), Tensor(rng.integers(-most // 2, most // 2, bias) >> zeros << zeros), shift, lo, hi)


UNSURE = TensorType((1, 1, 1), Codes(0, 0))


def scores(margin: int, channels: int, fmt: Codes) -> Case:
    """Whether the first of so many scores is far enough ahead."""
    return case(Sure(margin), (1, 1, channels), fmt, lanes=1)


def leave(shape: Shape, fmt: Codes, lanes: int) -> Case:
    """Frames of which none is sure: see test_leave_frame.py for the others."""
    return Case(Leave(), (UNSURE, TensorType(shape, fmt)), {"lanes": lanes})


def exits(channels: int, early: Codes, late: Codes, lanes: int, number: int = 0) -> Case:
    """Frames of which none is sure: see test_exit_frame.py and test_arrive_frame.py for the others."""
    kinds = (TensorType((1, 1, channels), fmt) for fmt in (early, late))
    return Case(Exit(number), (UNSURE, *kinds), {"lanes": lanes})


def numbers(bits: int, digit: int, lanes: int, *, signed: bool) -> Case:
    """Frames that are counted."""
    return Case(Number(bits, digit, signed), (UNSURE,), {"lanes": lanes})


CHANNELS_FIRST = Transpose((4, 5, 6), (2, 0, 1), (6, 4, 5))
GROUPS = Transpose((4, 5, 2, 4), (2, 0, 1, 3), (8, 5, 4))
DEEP = Transpose((2, 3, 2, 2, 3, 2), (4, 3, 0, 2, 5, 1), (3, 2, 24))

CASES: Mapping[str, Mapping[str, Case]] = {
    "add_stream": {
        "plain": case(Add(), (4, 5, 7), S8, S8, lanes=3),
        "scaled": case(Add(57, -13), (4, 5, 7), U8, S5, lanes=7),
        "zero": case(Add(1, 0), (4, 5, 7), Codes(0, 200), Codes(-70, 9), lanes=1),
    },
    "multiply_stream": {
        "plain": case(Multiply(), (4, 5, 7), S8, S8, lanes=3),
        "zeros": case(Multiply(128, -3), (4, 5, 7), U8, S5, lanes=7),
        "unsigned": case(Multiply(), (4, 5, 7), U4, U1, lanes=1),
    },
    "select_stream": {
        "plain": case(Select(), (4, 5, 7), U1, S8, S8, lanes=3),
        "mixed": case(Select(), (4, 5, 7), Codes(-1, 1), U8, S5, lanes=7),
        "narrow": case(Select(), (4, 5, 7), U1, U1, Codes(-70, -9), lanes=1),
    },
    "margin_pixel": {
        "signed": scores(60, 10, S8),
        "unsigned": scores(3, 7, U4),
        "two": scores(1, 2, U1),
        "never": scores(5000, 3, S12),
        "always": scores(0, 5, S4),
    },
    "leave_frame": {
        "ragged": leave((4, 5, 7), S8, 3),
        "one_beat": leave((1, 1, 4), U4, 4),
    },
    "exit_frame": {
        "ragged": exits(10, S8, S8, 3),
        "mixed": exits(7, U8, S5, 7),
        "narrow": exits(5, U1, Codes(-70, -9), 1),
    },
    "arrive_frame": {
        "bytes": exits(12, S8, S8, 5, number=16),
        "mixed": exits(8, U8, S5, 1, number=7),
        "one_beat": exits(6, S8, S8, 6, number=9),
        "block_ram": exits(1000, S8, S8, 4, number=16),
    },
    "number_frame": {
        "bytes": numbers(16, 8, 1, signed=True),
        "wraps": numbers(3, 2, 1, signed=False),
        "one_beat": numbers(16, 5, 4, signed=True),
        "ragged": numbers(5, 2, 2, signed=True),
    },
    "concat_stream": {
        "two": concat((4, 6), (S4, S4), 2),
        "widening": concat((4, 8, 7), (U4, Codes(-3, 2), U1), 4),
        "single_beats": concat((1, 1, 1, 1), (U8,) * 4, 1),
    },
    "pad_stream": {
        "all_sides": case(Pad((1, 2, 3, 1), -3), (3, 4, 5), S4, lanes=2),
        "behind_widening": case(Pad((0, 0, 1, 1), 40), (3, 4, 5), S4, lanes=5),
        "above_signed": case(Pad((2, 0, 0, 0), -1), (3, 4, 5), Codes(0, 7), lanes=1),
    },
    "edge_pad_ring": {
        "mirrored": case(EdgePad((1, 2, 3, 1), mirrored=True), (5, 4, 5), S5, lanes=2, ram=0),
        "repeated": case(EdgePad((3, 1, 2, 4)), (3, 4, 5), S5, lanes=5, ram=1),
        "mirrored_columns": case(EdgePad((0, 3, 0, 2), mirrored=True), (2, 4, 3), S5, lanes=3, ram=0),
        "repeated_columns": case(EdgePad((0, 1, 0, 0)), (3, 1, 3), S5, lanes=3, ram=0),
        "mirrored_below": case(EdgePad((0, 0, 2, 0), mirrored=True), (3, 5, 2), S5, lanes=1, ram=0),
        "whole_frame": case(EdgePad((1, 1, 1, 1), mirrored=True), (2, 2, 3), S5, lanes=1, ram=0),
    },
    "slice_stream": {
        "window": case(Slice((1, 2, 0), (5, 6, 7)), (6, 8, 7), S5, lanes=3),
        "steps": case(Slice((0, 1, 0), (6, 8, 7), (2, 3)), (6, 8, 7), S5, lanes=7),
        "channels": case(Slice((0, 0, 2), (6, 8, 4)), (6, 8, 7), S5, lanes=2),
        "ragged_end": case(Slice((5, 7, 4), (6, 8, 7), (3, 2)), (6, 8, 7), S5, lanes=2),
    },
    "table_stream": {
        "signed": tables(1, S8, 4),
        "partial": tables(1, Codes(3, 40), 5),
        "per_channel": tables(5, Codes(-8, 5), 2),
        "per_lane": tables(5, U4, 5),
        "block": tables(1, Codes(-700, 300), 1),
    },
    "threshold_stream": {
        "1": search(5, 1, S20, -1, 2),
        "2_unsigned": search(3, 2, Codes(0, 4095), 0, 3),
        "3_narrow": search(4, 3, Codes(-700, 900), 5, 1),
        "5": search(7, 5, S20, -3, 3),
        "15": search(5, 15, S4, -8, 5),
        "200_unsigned": search(6, 200, U8, -128, 2),
        "255_block": search(10, 255, S20, -128, 2),
    },
    "global_sum": {
        "ragged": case(GlobalSum(), (7, 7, 10), S8, lanes=4),
        "one_beat": case(GlobalSum(), (3, 5, 4), U8, lanes=4),
        "one_pixel": case(GlobalSum(), (1, 1, 9), S4, lanes=1),
        "two_pixels": case(GlobalSum(), (1, 2, 6), S4, lanes=2),
    },
    "reorder_band": {
        "upsample": case(Upsample((2, 3)), (3, 4, 5), S5, lanes=2, ram=0),
        "columns_back": case(Flip(columns=True), (3, 5, 4), S5, lanes=3, ram=0),
        "rows_back": case(Flip(rows=True), (5, 3, 4), S5, lanes=2, ram=0),
        "all_back": case(Flip(rows=True, columns=True), (9, 8, 3), S5, lanes=3, ram=1),
        "upsample_one_beat_bands": case(Upsample((2, 1)), (3, 1, 3), S5, lanes=3, ram=0),
        "depth_to_space": case(DepthToSpace(2), (3, 4, 16), S5, lanes=2, ram=1),
        "space_to_depth": case(SpaceToDepth(2), (4, 6, 6), S5, lanes=3, ram=0),
        "channels_first": case(CHANNELS_FIRST, (4, 5, 6), S5, lanes=1, ram=0),
        "groups": case(GROUPS, (4, 5, 8), S5, lanes=4, ram=1),
        "deep": case(DEEP, (4, 6, 6), S5, lanes=1, ram=0),
        "within_rows": case(Transpose((4, 5, 6), (0, 2, 1), (4, 6, 5)), (4, 5, 6), S5, lanes=1, ram=0),
    },
    "matmul_frame": {
        "scores": matmul(MatMul(2, transposed=True), ((1, 5, 8), (1, 6, 8)), (S8, S8), (2, 3), 2),
        "values": matmul(MatMul(2), ((1, 5, 12), (1, 6, 8)), (U8, S8), (3, 2), 1),
        "ragged_across": matmul(MatMul(1, True, 3, -2), ((2, 3, 7), (7, 1, 7)), (S5, S8), (4, 3), 1),
        "ragged": matmul(MatMul(1, False, 128, 5), ((1, 4, 7), (7, 1, 5)), (U8, S4), (4, 3), 3),
        "read_while_written": matmul(MatMul(4, True), ((1, 7, 16), (1, 7, 16)), (S8, S8), (4, 7), 1),
        "one_pixel": matmul(MatMul(1, True), ((1, 1, 3), (1, 1, 3)), (S4, U4), (3, 1), 0),
        "as_slow_as_it_comes": matmul(MatMul(1, True), ((6, 1, 40), (4, 1, 40)), (S8, S8), (4, 4), 1),
        "few_readers": matmul(MatMul(1, True), ((1, 2, 4), (3, 4, 4)), (S4, S4), (4, 12), 1),
    },
    "piecewise_stream": {
        "full_range": case(lines(6, 6, 12, S12.lo), (4, 5, 7), S12, lanes=3),
        "both_sides": case(lines(4, 9, 11, -5000), (4, 5, 7), S20, lanes=2),
        "block": case(lines(9, 3, 9, -77), (4, 5, 7), S12, lanes=7),
        "unsigned": case(lines(1, 2, 0, 5), (4, 5, 7), U8, lanes=1),
        "one_code_each": case(lines(5, 0, 3, -9), (4, 5, 7), S8, lanes=4),
    },
    "normalise_pixel": {
        "ragged": case(Normalise(3), (3, 4, 10), S8, lanes=4, ram=0),
        "one_beat": case(Normalise(1), (5, 5, 6), U8, lanes=6, ram=0),
        "long_uncentred": case(Normalise(1 << 20, centred=False, zero=7), (2, 2, 96), U8, lanes=1, ram=1),
    },
    "largest_pixel": {
        "kept": case(KeepLargest(3), (3, 4, 10), U8, lanes=1, ram=0),
        "dropped_equals": case(KeepLargest(7, zero=-2), (3, 5, 9), Codes(-1, 1), lanes=1, ram=0),
        "one_of_two": case(KeepLargest(1, zero=9), (5, 4, 2), Codes(-3, 2), lanes=1, ram=1),
        "many_equals": case(KeepLargest(24), (1, 1, 48), U4, lanes=1, ram=0),
    },
    "softmax_pixel": {
        "ragged": case(Softmax(1, 3000, 0), (3, 4, 10), S8, lanes=4, ram=0),
        "one_beat_falls": case(Softmax(1, -100_000, 4), (4, 5, 6), U8, lanes=6, ram=0),
        "runs_by_lines": case(Softmax(3, 70_001, 10), (2, 2, 3 * 24), S20, lanes=2, ram=1),
        "one_entry_each": case(Softmax(5, -99, 0), (2, 3, 5), S20, lanes=1, ram=0),
        "many_lanes": case(Softmax(1, 500, 0), (2, 3, 50), S20, lanes=17, ram=0),
    },
    "requant_frame": {
        "offsets": case(frame_requant((1, 1, 1), (3, 5, 7), -91, 7, -128, 127), (3, 5, 7), S8, lanes=3),
        "factors": case(frame_requant((4, 3, 5), (4, 3, 5), 1 << 9, 10, 0, 200), (4, 3, 5), U8, lanes=5),
        "per_pixel": case(frame_requant((5, 1, 1), (1, 4, 1), 300, 9, -90, 90, zeros=3), (5, 4, 6), S8, lanes=2),
        "block": case(frame_requant((1, 1, 1), (20, 40, 2), 1 << 12, 12, -128, 127, zeros=6), (20, 40, 2), S8, lanes=1),
    },
}
