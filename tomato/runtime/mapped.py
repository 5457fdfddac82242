"""An accelerator behind the AXI shell, on a processor that sees its registers and shares memory with it."""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .device import Bytes, Registers, check_address, contents
from .errors import HostError
from .packing import checksum

WAIT = 10.0
"""Seconds in which a run must end, besides those that its frames should take."""
FRAME_WAIT = 0.1
"""Seconds for each frame of it: the slowest network that fits a chip takes less."""
START, IDLE = 1, 4


class Buffer(Protocol):
    """Memory that both sides see. `address` is the accelerator's, `data` the processor's view."""

    address: int
    data: Bytes

    def to_device(self) -> None:
        """What the processor wrote can be read by the accelerator."""

    def from_device(self) -> None:
        """What the accelerator wrote can be read by the processor."""

    def free(self) -> None:
        """Give it back."""


class Mapped(ABC):
    """The registers of the shell, and buffers that grow as batches do.

    `spoilt`: memory answered with an error, and wrong weights may wait in the accelerator until its reset.
    """

    def __init__(self, registers: Registers, folder: Path) -> None:
        self.registers, self.folder = registers, folder
        self.buffers: dict[str, Buffer] = {}
        self.spoilt = False

    @abstractmethod
    def read(self, offset: int) -> int:
        """A register of 32 bits."""

    @abstractmethod
    def write(self, offset: int, value: int) -> None:
        """Write a register of 32 bits."""

    @abstractmethod
    def allocate(self, size: int, pointer: str) -> Buffer:
        """Memory for a master, by its pointer."""

    def open(self) -> None:
        """Check that this is our accelerator, and give it its weights. Raises HostError."""
        found = self.read(self.registers.offsets["build"])
        if found != self.registers.build:
            raise HostError(
                f"the chip says build {found:08x}, but this folder is build {self.registers.build:08x}",
                hint="load the bitstream that was made from this folder, or run from the folder that it was made from",
            )
        for master in self.registers.stored:
            pointer, data = master["pointer"], contents(self.folder, master)
            buffer = self._buffer(pointer, data.size)
            check_address(master, buffer.address)
            buffer.data[: data.size] = data
            buffer.to_device()
            self._point(pointer, buffer.address)

    def exchange(self, frames: int, given: Mapping[str, Bytes], *, restart: bool) -> Mapping[str, Bytes]:
        """As `Device.exchange`."""
        run = self.registers.run_of(frames, restart=restart or self.spoilt)
        for m in (*self.registers.streams("read"), *self.registers.streams("write")):
            pointer, size = m["pointer"], frames * m["frame_bytes"]
            buffer = self._buffer(pointer, size)
            if pointer in given:
                buffer.data[:size] = given[pointer].reshape(-1)
                buffer.to_device()
            self._point(pointer, buffer.address)
        self.write(self.registers.offsets["frames"], run)
        self.write(self.registers.offsets["control"], START)
        self.spoilt = False
        self._wait(WAIT + frames * FRAME_WAIT)
        self._check()
        results = {}
        for m in self.registers.streams("write"):
            buffer = self.buffers[m["pointer"]]
            buffer.from_device()
            data = np.array(buffer.data[: frames * m["frame_bytes"]])
            self._sum(m, data)
            results[m["pointer"]] = data.reshape(frames, -1)
        return results

    def counters(self) -> dict[str, int]:
        """As `Device.counters`."""
        return {name: self.read(self.registers.offsets[name]) for name in ("status", *self.registers.counted)}

    def close(self) -> None:
        """Give the buffers back."""
        for buffer in self.buffers.values():
            buffer.free()
        self.buffers.clear()

    def _buffer(self, pointer: str, size: int) -> Buffer:
        known = self.buffers.get(pointer)
        if known is not None and known.data.size >= size:
            return known
        if known is not None:
            known.free()
        self.buffers[pointer] = self.allocate(size, pointer)
        return self.buffers[pointer]

    def _point(self, pointer: str, address: int) -> None:
        at = self.registers.offsets[pointer]
        self.write(at, address & 0xFFFFFFFF)
        self.write(at + 4, address >> 32)

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self.read(self.registers.offsets["control"]) & IDLE:
            if time.monotonic() > end:
                state = ", ".join(f"{name} {value}" for name, value in self.counters().items())
                raise HostError(
                    f"the accelerator did not end within {seconds:.0f} s; its counters: {state}",
                    hint="waits_in: memory gives nothing; waits_out: it takes nothing; neither: is the clock running?",
                )

    def _check(self) -> None:
        status = self.read(self.registers.offsets["status"])
        self.registers.check_frames(status)
        wrong = [
            n for n, bit in self.registers.fields["status"].items() if n.startswith("error_") and status >> bit & 1
        ]
        if wrong:
            self.write(self.registers.offsets["status"], status)
            self.spoilt = True
            names = ", ".join(n.removeprefix("error_") for n in wrong)
            raise HostError(
                f"memory answered with an error: {names}", hint="is the buffer's address the accelerator's?"
            )

    def _sum(self, master: Mapping[str, Any], data: Bytes) -> None:
        at = self.registers.offsets[f"checksum_{master['pointer']}"]
        sent, got = self.read(at), checksum(data, master["beat_bytes"])
        if sent != got:
            raise HostError(
                f"{master['pointer']}: the accelerator sent data of checksum {sent:08x}, memory holds {got:08x}",
                hint="the buffer was not flushed, or somebody else wrote into it",
            )
