"""cocotb: an accelerator behind its AXI shell, with memory and a processor of cocotbext-axi around it.

`Board` is what a test talks to: registers by their names in board/registers.json, memory as bytes. The test `play` runs
a job, a JSON file named by TOM_JOB: buffers, a start for each of its runs, and where to leave what came of it.
"""

import json
import os
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiReadBus,
    AxiSlaveRead,
    AxiSlaveWrite,
    AxiWriteBus,
)
from cocotbext.axi.sparse_memory import SparseMemory
from testbench import start

RESET = 4
"""Cycles of the reset."""
PATIENCE = 20_000
"""Cycles without an interrupt after which a run has failed, besides those that it should take."""
START, CLEAR_DONE = 1, 1


class Memory:
    """Memory that everybody shares; it refuses what lies in `broken`, ranges of addresses."""

    def __init__(self) -> None:
        self.bytes = SparseMemory(1 << 64)
        self.broken: list[range] = []

    async def read(self, address: int, length: int) -> bytes:
        self._check(address, length)
        return bytes(self.bytes.read(address, length))

    async def write(self, address: int, data: bytes) -> None:
        self._check(address, len(data))
        self.bytes.write(address, data)

    def _check(self, address: int, length: int) -> None:
        if any(address < r.stop and address + length > r.start for r in self.broken):
            raise ValueError("broken on purpose")


class Board:
    """The shell `dut`, its memory and the processor that writes its registers."""

    def __init__(self, dut: Any, registers: Mapping[str, Any]) -> None:
        self.dut, self.map = dut, registers
        self.offsets = {r["name"]: r["offset"] for r in registers["registers"]}
        self.bits = {r["name"]: r["bits"] for r in registers["registers"]}
        (self.anew,) = (f["bit"] for r in registers["registers"] for f in r["fields"] if f["name"] == "restart")
        self.memory, self.cycle = Memory(), 0
        self.clock, self.reset_pin = dut.ap_clk, dut.ap_rst_n
        start(self.clock, getattr(dut, "ap_clk2x", None))
        cocotb.start_soon(self._count())
        own = (self.clock, self.reset_pin)
        bus = AxiLiteBus.from_prefix(dut, "s_axi_control")
        self.processor = AxiLiteMaster(bus, *own, reset_active_level=False)
        self.slaves: list[Any] = []
        for m in registers["masters"]:
            if m["direction"] in ("read", "both"):
                read = AxiReadBus.from_prefix(dut, m["name"])
                self.slaves.append(AxiSlaveRead(read, *own, target=self.memory, reset_active_level=False))
            if m["direction"] in ("write", "both"):
                write = AxiWriteBus.from_prefix(dut, m["name"])
                self.slaves.append(AxiSlaveWrite(write, *own, target=self.memory, reset_active_level=False))

    async def _count(self) -> None:
        while True:
            await RisingEdge(self.clock)
            self.cycle += 1

    async def reset(self) -> None:
        """Reset the shell, the accelerator and the models."""
        self.reset_pin.value = 0
        await self.wait(RESET)
        self.reset_pin.value = 1
        await self.wait(RESET)

    async def wait(self, cycles: int) -> None:
        for _ in range(cycles):
            await RisingEdge(self.clock)

    def pause(self, share: float, seed: int) -> None:
        """Hold every channel in a share of the cycles, at random."""

        def pauses(name: str) -> Iterator[bool]:
            rng = random.Random(f"{name} {seed}")
            while True:
                yield rng.random() < share

        for i, slave in enumerate(self.slaves):
            for kind in ("aw", "w", "b", "ar", "r"):
                channel = getattr(slave, f"{kind}_channel", None)
                if channel is not None:
                    channel.set_pause_generator(pauses(f"{i} {kind}") if share else None)

    async def write(self, name: str, value: int) -> None:
        """Write a register, of one word or two."""
        for i in range(self.bits[name] // 32):
            await self.processor.write_dword(self.offsets[name] + 4 * i, value >> 32 * i & 0xFFFFFFFF)

    async def read(self, name: str) -> int:
        return int(await self.processor.read_dword(self.offsets[name]))

    async def start(self, frames: int, pointers: Mapping[str, int], *, restart: bool = False) -> None:
        """Write the arguments, and start; restart: the run begins a new sequence."""
        for name, address in pointers.items():
            await self.write(name, address)
        await self.write("frames", frames | restart << self.anew)
        await self.write("control", START)

    async def enable(self) -> None:
        """Interrupt at the end of a run."""
        await self.write("ier", 1)
        await self.write("gier", 1)

    async def finish(self, patience: int = PATIENCE) -> None:
        """Wait for the interrupt, and clear it. Raises AssertionError when it does not come."""
        for _ in range(patience):
            if self.dut.interrupt.value == 1:
                await self.write("isr", CLEAR_DONE)
                return
            await RisingEdge(self.clock)
        status = {n: await self.read(n) for n in ("control", "status", "frames_done", "runs_done")}
        raise AssertionError(f"no interrupt after {patience} cycles: {status}")

    async def counters(self) -> dict[str, int]:
        """Every register that is only read, by name, and the status."""
        names = [r["name"] for r in self.map["registers"] if r["access"] == "ro"]
        return {name: await self.read(name) for name in ("status", *names)}


@cocotb.test()
async def play(dut: Any) -> None:
    """Play the runs of a job: place the buffers, start each run and wait for it, keep what was written."""
    job = json.loads(Path(os.environ["TOM_JOB"]).read_text())
    board = Board(dut, json.loads(Path(job["registers"]).read_text()))
    for buffer in job["buffers"]:
        board.memory.bytes.write(buffer["address"], Path(buffer["file"]).read_bytes())
    board.pause(job["stall"], job["seed"])
    await board.reset()
    await board.enable()
    for run in job["runs"]:
        began = board.cycle
        await board.start(run["frames"], run["pointers"], restart=run["restart"])
        await board.finish(job["patience"])
        for out in run["results"]:
            Path(out["file"]).write_bytes(board.memory.bytes.read(out["address"], out["bytes"]))
        run["cycles"] = board.cycle - began
    Path(job["result"]).write_text(json.dumps({"runs": job["runs"], "counters": await board.counters()}))
