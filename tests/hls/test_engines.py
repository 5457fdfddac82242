"""The engines of the HLS library that are no sliding windows, against the meaning of their operators."""

import re

import pytest

from tests.hls.harness import check_engine
from tests.rtl.harness import header
from tests.rtl.test_table_stream import table
from tests.rtl.test_threshold_stream import S20, thresholds
from tomato.backend import hls
from tomato.engines import CATALOGUE
from tomato.formats import Codes
from tomato.ir import Op, Shape, TensorType
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Concat, DepthToSpace, Pad, Slice, SpaceToDepth, Transpose, Upsample
from tomato.ops.pool import GlobalSum

S8, U8, S5, U1 = Codes.of(8, signed=True), Codes.of(8, signed=False), Codes.of(5, signed=True), Codes(0, 1)


@pytest.mark.parametrize("stem", sorted(CATALOGUE))
def test_parameters_are_those_of_the_rtl(stem: str) -> None:
    ours = [name for _, name in hls.parameters(f"tom_{stem}") if name != hls.FRAME_BEATS]
    assert ours == [name for name in header(f"tom_{stem}") if not re.match(r"MemFile\d?$", name)]


@pytest.mark.parametrize(
    ("op", "a", "b", "shape", "lanes"),
    [
        pytest.param(Add(), S8, S8, (4, 5, 7), 3, id="plain"),
        pytest.param(Add(57, -13), U8, S5, (4, 5, 7), 7, id="scaled"),
        pytest.param(Add(1, 0), Codes(0, 200), Codes(-70, 9), (4, 5, 7), 1, id="zero"),
        pytest.param(Add(-(1 << 31), (1 << 31) - 1), S8, U1, (1, 1, 3), 2, id="extreme"),
        pytest.param(Add(1, -1), U8, U8, (2, 3, 40), 40, id="wide_beat"),
        pytest.param(Add(), U1, U1, (1, 1, 1), 1, id="bits"),
    ],
)
def test_add_stream(op: Add, a: Codes, b: Codes, shape: Shape, lanes: int) -> None:
    check_engine("add_stream", op, [TensorType(shape, a), TensorType(shape, b)], {"lanes": lanes})


@pytest.mark.parametrize(
    ("op", "a", "b", "shape", "lanes"),
    [
        pytest.param(Multiply(), S8, S8, (4, 5, 7), 3, id="plain"),
        pytest.param(Multiply(128, -3), U8, S5, (4, 5, 7), 7, id="zeros"),
        pytest.param(Multiply(), Codes.of(4, signed=False), U1, (4, 5, 7), 1, id="unsigned"),
        pytest.param(Multiply(-(1 << 31), 1 << 30), S8, U8, (1, 1, 3), 2, id="far_zeros"),
        pytest.param(Multiply(), S20, S20, (1, 2, 5), 5, id="wide_beat"),
    ],
)
def test_multiply_stream(op: Multiply, a: Codes, b: Codes, shape: Shape, lanes: int) -> None:
    check_engine("multiply_stream", op, [TensorType(shape, a), TensorType(shape, b)], {"lanes": lanes})


@pytest.mark.parametrize(
    ("channels", "formats", "lanes"),
    [
        pytest.param((4, 6), [Codes(-8, 7), Codes(-8, 7)], 2, id="two"),
        pytest.param((4, 8, 7), [Codes(0, 15), Codes(-3, 2), U1], 4, id="widening"),
        pytest.param((1, 1, 1, 1), [U8] * 4, 1, id="single_beats"),
        pytest.param((3, 1, 2, 5, 1, 4), [S8, U1, S5, U8, Codes(-1, 0), S20], 1, id="packed_beyond_64_bits"),
        pytest.param(tuple(range(1, 11)), [S5, U8] * 5, 1, id="ten"),
    ],
)
@pytest.mark.parametrize("size", [(4, 5), (1, 1)])
def test_concat_stream(channels: tuple[int, ...], formats: list[Codes], lanes: int, size: tuple[int, int]) -> None:
    args = [TensorType((*size, c), fmt) for c, fmt in zip(channels, formats, strict=True)]
    check_engine("concat_stream", Concat(), args, {"lanes": lanes})


@pytest.mark.parametrize(
    ("op", "shape", "fmt", "lanes"),
    [
        pytest.param(Pad((1, 2, 3, 1), -3), (3, 4, 5), Codes(-8, 7), 2, id="all_sides"),
        pytest.param(Pad((0, 0, 1, 1), 40), (3, 4, 5), Codes(-8, 7), 5, id="behind_widening"),
        pytest.param(Pad((2, 0, 0, 0), -1), (3, 4, 5), Codes(0, 7), 1, id="above_signed"),
        pytest.param(Pad((1, 1, 1, 1), 0), (1, 1, 1), U1, 1, id="one_pixel"),
        pytest.param(Pad((0, 0, 0, 0), 0), (2, 2, 3), S8, 3, id="nothing"),
        pytest.param(Pad((0, 1, 0, 0), -(1 << 31)), (2, 1, 3), S8, 3, id="extreme"),
    ],
)
def test_pad_stream(op: Pad, shape: Shape, fmt: Codes, lanes: int) -> None:
    check_engine("pad_stream", op, [TensorType(shape, fmt)], {"lanes": lanes})


@pytest.mark.parametrize(
    ("op", "shape", "lanes"),
    [
        pytest.param(Slice((1, 2, 0), (5, 6, 7)), (6, 8, 7), 3, id="window"),
        pytest.param(Slice((0, 1, 0), (6, 8, 7), (2, 3)), (6, 8, 7), 7, id="steps"),
        pytest.param(Slice((0, 0, 2), (6, 8, 4)), (6, 8, 7), 2, id="channels"),
        pytest.param(Slice((5, 7, 4), (6, 8, 7), (3, 2)), (6, 8, 7), 2, id="ragged_end"),
        pytest.param(Slice((0, 0, 0), (1, 1, 1)), (1, 1, 1), 1, id="one_pixel"),
        pytest.param(Slice((2, 3, 0), (7, 8, 4), (3, 4)), (7, 9, 4), 2, id="begin_and_step"),
    ],
)
def test_slice_stream(op: Slice, shape: Shape, lanes: int) -> None:
    check_engine("slice_stream", op, [TensorType(shape, S5)], {"lanes": lanes})


@pytest.mark.parametrize(
    ("rows", "fmt", "lanes"),
    [
        pytest.param(1, Codes(-128, 127), 4, id="signed"),
        pytest.param(1, Codes(3, 40), 5, id="partial"),
        pytest.param(5, Codes(-8, 5), 2, id="per_channel"),
        pytest.param(5, Codes(0, 15), 5, id="per_lane"),
        pytest.param(1, Codes(-700, 300), 1, id="block"),
        pytest.param(5, U1, 1, id="bits"),
        pytest.param(29, Codes(-2, 1), 15, id="words_beyond_64_bits"),
    ],
)
def test_table_stream(rows: int, fmt: Codes, lanes: int) -> None:
    channels = rows if rows > 1 else 5
    check_engine("table_stream", table(rows, fmt), [TensorType((5, 6, channels), fmt)], {"lanes": lanes})


@pytest.mark.parametrize(
    ("channels", "steps", "fmt", "lo", "lanes"),
    [
        pytest.param(5, 1, S20, -1, 2, id="1"),
        pytest.param(3, 2, Codes(0, 4095), 0, 3, id="2_unsigned"),
        pytest.param(4, 3, Codes(-700, 900), 5, 1, id="3_narrow"),
        pytest.param(7, 5, S20, -3, 3, id="5"),
        pytest.param(5, 15, Codes(-8, 7), -8, 5, id="15"),
        pytest.param(6, 200, Codes(0, 255), -128, 2, id="200_unsigned"),
        pytest.param(10, 255, S20, -128, 2, id="255_block"),
        pytest.param(1, 1, U1, 0, 1, id="one_bit"),
        pytest.param(9, 63, Codes.of(32, signed=True), -(1 << 31), 5, id="wide_words"),
    ],
)
def test_threshold_stream(channels: int, steps: int, fmt: Codes, lo: int, lanes: int) -> None:
    op = thresholds(channels, steps, fmt, lo)
    check_engine("threshold_stream", op, [TensorType((9, 8, channels), fmt)], {"lanes": lanes})


@pytest.mark.parametrize(
    ("shape", "fmt", "lanes"),
    [
        pytest.param((7, 7, 10), S8, 4, id="ragged"),
        pytest.param((3, 5, 4), U8, 4, id="one_beat"),
        pytest.param((1, 1, 9), Codes.of(4, signed=True), 1, id="one_pixel"),
        pytest.param((1, 2, 6), Codes.of(4, signed=True), 2, id="two_pixels"),
        pytest.param((1, 1, 1), U1, 1, id="one_bit"),
        pytest.param((5, 5, 30), S20, 10, id="wide_beat"),
    ],
)
def test_global_sum(shape: Shape, fmt: Codes, lanes: int) -> None:
    check_engine("global_sum", GlobalSum(), [TensorType(shape, fmt)], {"lanes": lanes})


@pytest.mark.parametrize(
    ("op", "shape", "lanes", "ram"),
    [
        pytest.param(Upsample((2, 3)), (3, 4, 5), 2, 0, id="upsample"),
        pytest.param(Upsample((2, 1)), (3, 1, 3), 3, 0, id="upsample_one_beat_bands"),
        pytest.param(Upsample((1, 1)), (1, 1, 1), 1, 0, id="one_beat_in_and_out"),
        pytest.param(DepthToSpace(2), (3, 4, 16), 2, 1, id="depth_to_space"),
        pytest.param(SpaceToDepth(2), (4, 6, 6), 3, 0, id="space_to_depth"),
        pytest.param(Transpose((4, 5, 6), (2, 0, 1), (6, 4, 5)), (4, 5, 6), 1, 0, id="channels_first"),
        pytest.param(Transpose((4, 5, 2, 4), (2, 0, 1, 3), (8, 5, 4)), (4, 5, 8), 4, 1, id="groups"),
        pytest.param(Transpose((2, 3, 2, 2, 3, 2), (4, 3, 0, 2, 5, 1), (3, 2, 24)), (4, 6, 6), 1, 0, id="deep"),
    ],
)
def test_reorder_band(op: Op, shape: Shape, lanes: int, ram: int) -> None:
    check_engine("reorder_band", op, [TensorType(shape, S5)], {"lanes": lanes, "ram": ram})
