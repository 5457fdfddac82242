"""A board of Python: registers and memory that behave as the AXI shell does, around a golden model."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np

from tomato.runtime.device import Bytes, Registers
from tomato.runtime.packing import checksum

ANEW = 1 << 31
"""In the number of frames: the run begins a new sequence."""
PAGE = 0x1000
"""Bytes at whose multiples buffers lie."""


class Answer(Protocol):
    """What computes."""

    def __call__(self, given: Mapping[str, Bytes]) -> Mapping[str, Bytes]:
        """Bytes of the outputs for those of the inputs, the next frames of a sequence."""

    def restart(self) -> None:
        """Begin a new sequence."""


class Memory:
    """Buffers by address."""

    def __init__(self) -> None:
        self.buffers: dict[int, np.ndarray] = {}
        self.next = 0x1000

    def allocate(self, size: int) -> tuple[int, np.ndarray]:
        address, self.next = self.next, self.next + -(-size // PAGE) * PAGE + PAGE
        self.buffers[address] = np.zeros(size, np.uint8)
        return address, self.buffers[address]


class Chip:
    """What the registers do: a start computes at once. `stuck`: never ends; `error`: a bit of the status."""

    def __init__(self, registers: Registers, memory: Memory, answer: Answer) -> None:
        self.registers, self.memory, self.answer = registers, memory, answer
        self.words: dict[int, int] = {registers.offsets["build"]: registers.build}
        self.stuck, self.error, self.flips = False, 0, 0

    def read(self, offset: int) -> int:
        if offset == 0:
            return 0 if self.stuck else 4
        return self.words.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        if offset == 0 and value & 1:
            self.run()
        elif offset == self.registers.offsets["status"]:
            self.words[offset] = self.words.get(offset, 0) & ~value
        else:
            self.words[offset] = value

    def run(self) -> None:
        word = self.words[self.registers.offsets["frames"]]
        frames = word % ANEW
        if word & ANEW:
            self.answer.restart()

        def memory(m: Mapping[str, Any]) -> np.ndarray:
            at = self.registers.offsets[m["pointer"]]
            address = self.words[at] | self.words[at + 4] << 32
            return self.memory.buffers[address][: frames * m["frame_bytes"]]

        given = {m["pointer"]: memory(m).reshape(frames, -1).copy() for m in self.registers.streams("read")}
        for name, data in self.answer(given).items():
            (master,) = (m for m in self.registers.streams("write") if m["pointer"] == name)
            self.words[self.registers.offsets[f"checksum_{name}"]] = checksum(data, master["beat_bytes"])
            place = memory(master)
            place[:] = data.reshape(-1)
            place[: self.flips] ^= 1
        self.words[self.registers.offsets["status"]] = 2 | self.error


def pynq(registers: Registers, answer: Answer, *, name: str = "") -> tuple[Any, Chip]:
    """A module that stands for pynq, and the chip behind it."""
    memory = Memory()
    chip = Chip(registers, memory, answer)

    class Array(np.ndarray):
        device_address: int
        flushed = False

        def sync_to_device(self) -> None:
            self.flushed = True

        def sync_from_device(self) -> None:
            assert not self.flushed, "an output is not flushed"

        def freebuffer(self) -> None:
            memory.buffers.pop(self.device_address)

    def allocate(shape: tuple[int, ...], dtype: Any) -> Any:
        address, data = memory.allocate(int(np.prod(shape)))
        array = data.view(Array)
        array.device_address = address
        assert np.dtype(dtype) == np.uint8
        return array

    class Overlay:
        def __init__(self, path: str) -> None:
            kind = f"tomato:accelerators:{name or registers.top}:1.0"
            self.ip_dict = {"accelerator": {"type": kind, "phys_addr": 0xA0000000, "addr_range": 4096}}

        def free(self) -> None:
            assert not memory.buffers, "buffers are left"

    def mmio(address: int, size: int) -> Chip:
        assert (address, size) == (0xA0000000, 4096)
        return chip

    return SimpleNamespace(Overlay=Overlay, MMIO=mmio, allocate=allocate), chip


def pyxrt(registers: Registers, answer: Answer) -> Any:
    """A module that stands for pyxrt, with what XRT's own stub says of its calls; `kept`: buffers by pointer."""
    kept: dict[str, Any] = {}

    class Buffer:
        normal = 0

        def __init__(self, context: Any, size: int, flags: int, group: int) -> None:
            assert context.kind == "context"
            kept[registers.masters[group - 10]["pointer"]] = self
            self.group, self.data, self.card = group, np.zeros(size, np.uint8), np.zeros(size, np.uint8)

        def size(self) -> int:
            return self.data.size

        def address(self) -> int:
            return PAGE * self.group

        def write(self, data: np.ndarray, seek: int) -> None:
            self.data[seek : seek + data.size] = data

        def read(self, size: int, skip: int) -> np.ndarray:
            return self.data[skip : skip + size].view(np.int8)

        def sync(self, direction: str, size: int, offset: int) -> None:
            to, source = (self.card, self.data) if direction == "to" else (self.data, self.card)
            to[offset : offset + size] = source[offset : offset + size]

    class Kernel:
        def __init__(self, context: Any, name: str) -> None:
            assert (context.kind, name) == ("context", registers.top)

        def group_id(self, index: int) -> int:
            return 10 + index

        def __call__(self, *arguments: Any) -> Any:
            *buffers, number = arguments
            word = int(np.int32(number)) % (1 << 32)  # what is no int is dropped
            frames = word % ANEW
            if word & ANEW:
                answer.restart()
            assert [b.group for b in buffers] == [10 + i for i in range(len(registers.masters))]
            by_name = {m["pointer"]: (b, m) for m, b in zip(registers.masters, buffers, strict=True)}
            given = {
                m["pointer"]: by_name[m["pointer"]][0].card[: frames * m["frame_bytes"]].reshape(frames, -1)
                for m in registers.streams("read")
            }
            for name, data in answer(given).items():
                by_name[name][0].card[: data.size] = data.reshape(-1)
            return SimpleNamespace(wait=lambda milliseconds: "completed" if milliseconds > 0 else "timeout")

    kernels = [SimpleNamespace(get_name=lambda: registers.top)]
    return SimpleNamespace(
        device=lambda card: SimpleNamespace(register_xclbin=lambda binary: "uuid"),
        xclbin=lambda path: SimpleNamespace(get_kernels=lambda: kernels),
        hw_context=lambda device, uuid: SimpleNamespace(kind="context"),
        kernel=Kernel,
        bo=Buffer,
        kept=kept,
        xclBOSyncDirection=SimpleNamespace(XCL_BO_SYNC_BO_TO_DEVICE="to", XCL_BO_SYNC_BO_FROM_DEVICE="from"),
        ert_cmd_state=SimpleNamespace(ERT_CMD_STATE_COMPLETED="completed"),
    )
