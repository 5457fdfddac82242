"""How the codes of a frame lie in memory: beat behind beat, each in whole bytes, low bits first."""

from dataclasses import dataclass
from functools import cached_property
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]
NATIVE: dict[int, np.dtype[Any]] = {8: np.dtype("<i1"), 16: np.dtype("<i2"), 32: np.dtype("<i4"), 64: np.dtype("<i8")}
"""Codes of so many bits are what a processor has."""
WORD, TURNS = 64, 32
"""Bits of a word here, and of the checksum."""


@dataclass(frozen=True)
class Packing:
    """A stream: frames of `shape` (rows, columns, channels) in codes of `bits` bits, `lanes` to a beat.

    Lanes beyond the last channel of a pixel carry zeros when packed, and anything when unpacked.
    """

    shape: tuple[int, int, int]
    bits: int
    signed: bool
    lanes: int

    @property
    def beat_bytes(self) -> int:
        """Bytes of a beat."""
        return -(-self.bits * self.lanes // 8)

    @property
    def frame_beats(self) -> int:
        """Beats of a frame."""
        return self.shape[0] * self.shape[1] * -(-self.shape[2] // self.lanes)

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame."""
        return self.frame_beats * self.beat_bytes

    @cached_property
    def _plain(self) -> np.dtype[Any] | None:
        """The type of an array whose bytes are a frame's, where no bits have to be moved."""
        full = self.shape[2] % self.lanes == 0
        return NATIVE.get(self.bits) if full else None

    def pack(self, codes: Array) -> NDArray[np.uint8]:
        """(frames, frame_bytes) for codes of (frames, *shape). ValueError for codes that do not fit in the bits."""
        codes = np.asarray(codes)
        lo, hi = (-(1 << self.bits - 1), (1 << self.bits - 1) - 1) if self.signed else (0, (1 << self.bits) - 1)
        if codes.size and (int(codes.min()) < lo or int(codes.max()) > hi):
            raise ValueError(f"codes from {codes.min()} to {codes.max()}, but {self.bits} bits hold {lo} to {hi}")
        frames = len(codes)
        if self._plain is not None:
            return np.ascontiguousarray(codes.astype(self._plain)).view(np.uint8).reshape(frames, -1)
        lanes = self._lanes(codes)
        if self._group:
            return self._joined(lanes).reshape(frames, -1)
        raw = lanes.astype("<i8").view(np.uint8).reshape(*lanes.shape, 8)
        bits = np.unpackbits(raw, axis=-1, count=self.bits, bitorder="little")
        return np.packbits(bits.reshape(frames, self.frame_beats, -1), axis=-1, bitorder="little").reshape(frames, -1)

    def unpack(self, data: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The codes, (frames, *shape), in (frames, frame_bytes) or as many bytes in a row."""
        data = np.ascontiguousarray(data, dtype=np.uint8).reshape(-1, self.frame_bytes)
        frames, (rows, columns, channels) = len(data), self.shape
        if self._plain is not None:
            kind = self._plain if self.signed else np.dtype(self._plain.str.replace("i", "u"))
            return data.view(kind).reshape(frames, *self.shape).astype(np.int64)
        beats = data.reshape(frames, self.frame_beats, self.beat_bytes)
        codes = self._split(beats) if self._group else self._bit_by_bit(beats)
        return np.ascontiguousarray(codes.reshape(frames, rows, columns, -1)[..., :channels])

    @cached_property
    def _group(self) -> int:
        """Lanes that fill whole bytes, and no more than 8 of them; 0 where there are none."""
        lanes = 8 // gcd(self.bits, 8)
        return lanes if lanes * self.bits <= WORD else 0

    def _joined(self, lanes: Array) -> NDArray[np.uint8]:
        """Bytes of the beats of (frames, beats, lanes)."""
        spare = -self.lanes % self._group
        padded = np.pad(lanes, ((0, 0), (0, 0), (0, spare))) if spare else lanes
        grouped = padded.astype("<i8").view("<u8").reshape(*lanes.shape[:2], -1, self._group)
        words = np.zeros(grouped.shape[:-1], "<u8")
        for i in range(self._group):
            words |= (grouped[..., i] & np.uint64((1 << self.bits) - 1)) << np.uint64(i * self.bits)
        size = self._group * self.bits // 8
        octets = words.view(np.uint8).reshape(*words.shape, 8)[..., :size]
        return np.ascontiguousarray(octets.reshape(*lanes.shape[:2], -1)[..., : self.beat_bytes])

    def _split(self, beats: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Codes by frames, beats and lanes, of bytes by frames and beats."""
        size = self._group * self.bits // 8
        groups = -(-self.lanes // self._group)
        octets = np.zeros((*beats.shape[:2], groups * size), np.uint8)
        octets[..., : self.beat_bytes] = beats
        wide = np.zeros((*beats.shape[:2], groups, 8), np.uint8)
        wide[..., :size] = octets.reshape(*wide.shape[:3], size)
        words = wide.view("<u8")[..., 0]
        codes = np.empty((*words.shape, self._group), np.int64)
        for i in range(self._group):
            codes[..., i] = (words >> np.uint64(i * self.bits)).astype(np.int64) & ((1 << self.bits) - 1)
        if self.signed:
            sign = 1 << self.bits - 1
            codes ^= sign
            codes -= sign
        return codes.reshape(*beats.shape[:2], -1)[..., : self.lanes]

    def _bit_by_bit(self, beats: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The same for any width, more slowly."""
        bits = np.unpackbits(beats, axis=-1, count=self.bits * self.lanes, bitorder="little")
        bits = bits.reshape(*beats.shape[:2], self.lanes, self.bits)
        wide = np.zeros((*bits.shape[:-1], WORD), np.uint8)
        wide[..., : self.bits] = bits
        if self.signed:
            wide[..., self.bits :] = bits[..., -1:]
        return np.packbits(wide, axis=-1, bitorder="little").view("<i8")[..., 0]

    def _lanes(self, codes: Array) -> Array:
        """Codes by beats and lanes: (frames, beats, lanes)."""
        frames, channels = len(codes), self.shape[2]
        spare = -channels % self.lanes
        flat = codes.reshape(frames, -1, channels)
        padded = np.pad(flat, ((0, 0), (0, 0), (0, spare))) if spare else flat
        return padded.reshape(frames, self.frame_beats, self.lanes)


def checksum(data: NDArray[np.uint8], beat_bytes: int) -> int:
    """What tom_checksum makes of beats of so many bytes: it turns by a bit and takes in the words of each."""
    beats = np.ascontiguousarray(data, dtype=np.uint8).reshape(-1, beat_bytes)
    front = -len(beats) % TURNS
    padded = np.concatenate([np.zeros((front, beat_bytes), np.uint8), beats])
    # Beats that are turned alike meet first: the last is not turned, the one before by a bit.
    met = np.bitwise_xor.reduce(padded.reshape(-1, TURNS, beat_bytes), axis=0)
    words = np.pad(met, ((0, 0), (0, -beat_bytes % 4))).view("<u4")
    total = 0
    for turn, word in enumerate(np.bitwise_xor.reduce(words, axis=1).tolist()[::-1]):
        total ^= (word << turn | word >> (TURNS - turn)) & 0xFFFFFFFF
    return total
