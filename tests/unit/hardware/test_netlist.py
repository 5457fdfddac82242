"""Beats, words and masks against plain loops."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tomato.core.formats import Codes
from tomato.core.ir import TensorType
from tomato.hardware.netlist import Memory, lane_mask, pack, stream, to_beats, uniform_memory

widths = st.integers(1, 40)
sizes = st.integers(1, 4)


@given(st.lists(st.lists(widths, min_size=1, max_size=6), min_size=1, max_size=1), sizes, st.data())
def test_pack_is_field_by_field(bits_list: list[list[int]], rows: int, data: st.DataObject) -> None:
    (bits,) = bits_list
    fields = [[data.draw(st.integers(-(1 << (b - 1)), (1 << b) - 1)) for b in bits] for _ in range(rows)]
    for row, word in zip(fields, pack(np.array(fields), bits), strict=True):
        for value, width in zip(row, bits, strict=True):
            assert word & ((1 << width) - 1) == value % (1 << width)
            word >>= width
        assert word == 0


@given(st.integers(1, 16), st.integers(1, 9), sizes, st.integers(0, 2**32 - 1))
def test_equal_fields_pack_like_unequal_ones(bits: int, count: int, rows: int, seed: int) -> None:
    fields = np.random.default_rng(seed).integers(-(1 << (bits - 1)), 1 << bits, (rows, count))
    alone = pack(np.hstack([fields, np.zeros((rows, 1), np.int64)]), [bits] * count + [bits + 1])
    assert pack(fields, [bits] * count) == alone


@given(sizes, sizes, sizes, st.integers(1, 7), st.integers(1, 9), st.integers(1, 18), st.integers(0, 2**32 - 1))
def test_beats_carry_channels_in_order(
    frames: int, height: int, width: int, channels: int, lanes: int, bits: int, seed: int
) -> None:
    codes = np.random.default_rng(seed).integers(-(1 << (bits - 1)), 1 << bits, (frames, height, width, channels))
    words, masks = to_beats(codes, lanes, bits), lane_mask(channels, lanes, bits)
    per_pixel = -(-channels // lanes)
    assert len(masks) == per_pixel
    assert len(words) == frames * height * width * per_pixel
    for i, word in enumerate(words):
        pixel, beat = divmod(i, per_pixel)
        code = codes.reshape(-1, channels)[pixel]
        for lane in range(lanes):
            channel, field = beat * lanes + lane, word >> lane * bits & ((1 << bits) - 1)
            there = channel < channels
            assert field == (int(code[channel]) % (1 << bits) if there else 0)
            assert masks[beat] >> lane * bits & ((1 << bits) - 1) == ((1 << bits) - 1 if there else 0)


def test_a_stream_counts_its_beats() -> None:
    port = stream("y", "y", TensorType((3, 4, 5), Codes(-3, 9)), 2)
    assert (port.bits, port.signed, port.beats, port.frame_beats, port.width) == (5, True, 3, 36, 10)


def test_memories_know_their_shape() -> None:
    assert (Memory(np.zeros((7, 3), np.int64), (4, 5, 6)).width, uniform_memory(np.zeros((7, 3)), 4).bits) == (
        15,
        (4,) * 3,
    )
    assert Memory(np.zeros((7, 3), np.int64), (4, 5, 6)).depth == 7
