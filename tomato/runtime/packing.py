"""How the codes of a frame lie in memory: beat behind beat, each in whole bytes, low bits first."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]
NATIVE: dict[int, np.dtype[Any]] = {8: np.dtype("<i1"), 16: np.dtype("<i2"), 32: np.dtype("<i4"), 64: np.dtype("<i8")}
"""Codes of so many bits are what a processor has."""


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
        octets = -(-self.bits // 8)
        raw = lanes.astype("<i8").view(np.uint8).reshape(*lanes.shape, 8)[..., :octets]
        if self.bits % 8 == 0:
            return np.ascontiguousarray(raw).reshape(frames, -1)
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
        bits = np.unpackbits(beats, axis=-1, count=self.bits * self.lanes, bitorder="little")
        bits = bits.reshape(frames, self.frame_beats, self.lanes, self.bits)
        wide = np.zeros((*bits.shape[:-1], 64), np.uint8)
        wide[..., : self.bits] = bits
        if self.signed:
            wide[..., self.bits :] = bits[..., -1:]
        codes = np.packbits(wide, axis=-1, bitorder="little").view("<i8")
        return np.ascontiguousarray(codes.reshape(frames, rows, columns, -1)[..., :channels])

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
    words = np.pad(beats, ((0, 0), (0, -beat_bytes % 4))).view("<u4")
    folded = np.bitwise_xor.reduce(words, axis=1).astype(np.uint64)
    turns = (np.arange(len(folded))[::-1] % 32).astype(np.uint64)
    turned = (folded << turns | folded >> (np.uint64(32) - turns)) & np.uint64(0xFFFFFFFF)
    return int(np.bitwise_xor.reduce(turned)) if len(turned) else 0
