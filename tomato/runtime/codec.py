"""A port of the model: arrays as ONNX has them to bytes of the stream, and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import steps
from .errors import HostError
from .packing import Packing

Array = NDArray[Any]


@dataclass(frozen=True)
class Codec:
    """One input or output of the model, and the stream of the chip behind it.

    shape: of a frame in ONNX. pointer: the stream's register in registers.json. order: flat index into a frame of the
    stream (rows, columns, channels) of every ONNX element; None where both have the same order. frame: its shape; that
    of the stream differs where columns are side by side in a beat. before: steps on arrays in the stream's order.
    after: of outputs, steps in ONNX's order, batch first. number: bits of the frame's number in the last codes of a
    frame, where frames come in any order; else 0.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    pointer: str
    packing: Packing
    order: NDArray[np.int64] | None
    frame: tuple[int, int, int]
    before: tuple[Mapping[str, Any], ...]
    after: tuple[Mapping[str, Any], ...] = ()
    number: int = 0

    @classmethod
    def of(cls, port: Mapping[str, Any], orders: Mapping[str, Any]) -> "Codec":
        """From an entry of host.json and the orders beside it."""
        stream, order = port["stream"], port["order"]
        return cls(
            port["name"], port["dtype"], tuple(port["shape"]), port["pointer"],
            Packing(tuple(stream["shape"]), stream["bits"], stream["signed"], stream["lanes"]),
            None if order is None else np.asarray(orders[order], np.int64), tuple(port["frame"]),
            tuple(port["before"]), tuple(port.get("after", ())), port.get("number", 0),
        )  # fmt: skip

    def suited(self, x: object) -> Array:
        """Frames, batch first, checked. Raises HostError."""
        given = np.asarray(x)
        if given.shape[1:] != self.shape or given.ndim == 0:
            raise HostError(f"input {self.name!r} takes (frames, {', '.join(map(str, self.shape))}), not {given.shape}")
        if given.dtype.kind not in "biuf":
            raise HostError(f"input {self.name!r} takes numbers, not {given.dtype}")
        if given.dtype.kind == "f" and not np.all(np.isfinite(given)):
            raise HostError(f"input {self.name!r} has values that are not finite")
        with np.errstate(over="ignore", invalid="ignore"):
            typed = given.astype(self.dtype)
        if np.dtype(self.dtype).kind in "biu" and not np.array_equal(typed, given):
            raise HostError(f"input {self.name!r} takes {self.dtype}: the data has other numbers")
        return typed

    def encode(self, x: object) -> NDArray[np.uint8]:
        """(frames, frame_bytes) for frames as the model takes them. Raises HostError."""
        given = self.suited(x)
        if not self.before or self.before[0]["do"] != "codes":
            given = given.astype(np.float32 if np.can_cast(self.dtype, np.float32) else np.float64)
        codes = steps.run(self.before, self._to_stream(given))
        return self.packing.pack(codes.reshape(len(codes), *self.packing.shape))

    def arranged(self, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(frames, frame_bytes) in the order of the frames, as they came. Raises HostError where a frame is missing."""
        return data[arrival(self._numbers(data), 1 << self.number)] if self.number else data

    def _numbers(self, data: NDArray[np.uint8]) -> NDArray[np.int64]:
        bits = self.packing.bits
        digits = -(-self.number // bits)
        codes = self.packing.unpack(data).reshape(len(data), -1)[:, -digits:] & (1 << bits) - 1
        return np.asarray((codes << np.arange(digits) * bits).sum(axis=1) % (1 << self.number), np.int64)

    def decode(self, data: NDArray[np.uint8], *, codes: bool = False) -> Array:
        """Results as the model gives them, batch first, for (frames, frame_bytes); with `codes` the integers."""
        values: Array = self.packing.unpack(data).reshape(-1, *self.frame)
        if codes:
            return self._from_stream(values)
        return self._typed(steps.run(self.after, self._from_stream(steps.run(self.before, values))))

    def _to_stream(self, x: Array) -> Array:
        if self.order is None:
            return x.reshape(len(x), *self.frame)
        flat = np.empty((len(x), int(np.prod(self.packing.shape))), dtype=x.dtype)
        flat[:, self.order.reshape(-1)] = x.reshape(len(x), -1)
        return flat.reshape(len(x), *self.frame)

    def _from_stream(self, y: Array) -> Array:
        flat = y.reshape(len(y), -1)
        return flat.reshape(len(y), *self.shape) if self.order is None else np.asarray(flat[:, self.order])

    def _typed(self, y: Array) -> Array:
        kind = np.dtype(self.dtype)
        if kind.kind == "f":
            return y.astype(np.float32).astype(kind)
        if y.dtype.kind != "f":
            return y.astype(kind)
        lo, hi = (0, 1) if kind.kind == "b" else (int(np.iinfo(kind).min), int(np.iinfo(kind).max))
        most = float(hi) if int(float(hi)) == hi else np.nextafter(float(hi), 0)
        return np.clip(np.rint(y), lo, most).astype(kind)


def arrival(numbers: NDArray[np.int64], span: int) -> NDArray[np.int64]:
    """By frame, how many others came before, for the numbers of frames as they came, which count modulo `span`.

    The frames follow each other, whatever the first one's number: none came half of `span` before its turn, or behind
    it. Raises HostError where they do not.
    """
    turns = np.arange(len(numbers))
    frames = turns + (numbers - numbers[0] - turns + span // 2) % span - span // 2
    order = np.argsort(frames, kind="stable")
    if not np.array_equal(frames[order] - frames[order[0]], turns):
        raise HostError(
            "the numbers of the results are not those of the frames that were sent: some are missing, or come twice",
            hint="load the bitstream again",
        )
    return np.asarray(order)
