"""Codes to bytes and back: the bytes are those of the beats that the testbench sends."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tomato.hardware.netlist import to_beats
from tomato.runtime.packing import Packing, checksum


@st.composite
def packings(draw: st.DrawFn) -> Packing:
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 9)))
    bits = draw(st.one_of(st.sampled_from((8, 16, 32)), st.integers(1, 40)))
    return Packing(shape, bits, draw(st.booleans()), draw(st.integers(1, shape[2])))


@given(packings(), st.integers(0, 2**32 - 1))
@settings(max_examples=300, deadline=None)
def test_there_and_back(packing: Packing, seed: int) -> None:
    lo, hi = (-(1 << packing.bits - 1), (1 << packing.bits - 1) - 1) if packing.signed else (0, (1 << packing.bits) - 1)
    codes = np.random.default_rng(seed).integers(lo, hi, (3, *packing.shape), endpoint=True)
    codes.reshape(-1)[:2] = (lo, hi)[: codes.size]
    data = packing.pack(codes)
    assert data.shape == (3, packing.frame_bytes)
    beats = [b.to_bytes(packing.beat_bytes, "little") for b in to_beats(codes, packing.lanes, packing.bits)]
    assert data.tobytes() == b"".join(beats)
    assert np.array_equal(packing.unpack(data), codes)


@pytest.mark.parametrize("signed", [False, True])
def test_what_does_not_fit_is_refused(signed: bool) -> None:
    packing = Packing((1, 1, 2), 4, signed, 2)
    for wrong in (16, -9 if signed else -1):
        with pytest.raises(ValueError, match="4 bits hold"):
            packing.pack(np.array([[[[0, wrong]]]]))


@given(st.binary(min_size=3, max_size=300), st.integers(1, 9))
@settings(deadline=None)
def test_the_checksum_is_the_hardware_s(data: bytes, beat_bytes: int) -> None:
    data = data[: len(data) // beat_bytes * beat_bytes]
    total = 0
    for at in range(0, len(data), beat_bytes):
        beat = data[at : at + beat_bytes]
        words = [int.from_bytes(beat[i : i + 4], "little") for i in range(0, beat_bytes, 4)]
        total = (total << 1 | total >> 31) & 0xFFFFFFFF
        for word in words:
            total ^= word
    assert checksum(np.frombuffer(data, np.uint8), beat_bytes) == total
