"""Runs in the simulator: the host's own end of the serial line talks to a shell, over a line that loses and damages."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.task import bridge, resume
from cocotb.triggers import FallingEdge, Timer

from tomato.runtime.serial_link import Link, LinkError

CLOCKS_A_SECOND = 40_000
"""A second of the host, in clock cycles: short, so that waiting is cheap."""
PERIOD = 2


class Line:
    """A line to the pins of a shell. `faults` says, by number of the packet sent, what becomes of its bytes."""

    def __init__(self, dut: Any, bit_clocks: int, faults: dict[str, list[Any]]) -> None:
        self.dut, self.bit, self.faults = dut, bit_clocks * PERIOD, faults
        self.bits_a_second = CLOCKS_A_SECOND // bit_clocks
        self.sent, self.received, self.heard = 0, bytearray(), 0

    def write(self, data: bytes) -> None:
        kind, *values = self.faults.get(str(self.sent), ["none"])
        self.sent += 1
        if kind == "lose":
            data = data[: values[0]] + data[values[0] + 1 :]
        elif kind == "flip":
            data = data[: values[0]] + bytes([data[values[0]] ^ 16]) + data[values[0] + 1 :]
        elif kind == "garbage":
            data = bytes.fromhex(values[0]) + data
        elif kind == "twice":
            data = data + data
        self._write(data)

    def read(self, count: int, seconds: float) -> bytes:
        return bytes(self._read(count, seconds))

    def drop(self) -> None:
        self.received.clear()

    @resume
    async def _write(self, data: bytes) -> None:
        for byte in data:
            for i in range(10):
                self.dut.rxd_i.value = ((0x200 | byte << 1) >> i) & 1
                await Timer(self.bit, "ns")

    @resume
    async def _read(self, count: int, seconds: float) -> bytes:
        left = seconds * CLOCKS_A_SECOND * PERIOD
        while len(self.received) < count and left > 0:
            await Timer(10 * self.bit, "ns")
            left -= 10 * self.bit
        found = bytes(self.received[:count])
        del self.received[:count]
        return found

    async def listen(self) -> None:
        """Take the bytes that the shell sends; the one of the number in faults["heard"] is damaged."""
        while True:
            await FallingEdge(self.dut.txd_o)
            await Timer(self.bit + self.bit // 2, "ns")
            byte = 0
            for i in range(8):
                byte |= int(self.dut.txd_o.value) << i
                await Timer(self.bit, "ns")
            assert self.dut.txd_o.value == 1, "no stop bit"
            self.received.append(byte ^ (4 if [self.heard] == self.faults.get("heard") else 0))
            self.heard += 1


@cocotb.test()
async def talk(dut: Any) -> None:
    """Do what the job says, step by step, and write down what came of it."""
    job = json.loads(Path(os.environ["TOM_JOB"]).read_text())
    line = Line(dut, job["bit_clocks"], job["faults"])
    Clock(dut.clk_i, PERIOD, "ns").start()
    dut.rst_i.value, dut.rxd_i.value = 1, 1
    await Timer(10 * PERIOD, "ns")
    dut.rst_i.value = 0
    cocotb.start_soon(line.listen())

    @bridge
    def converse() -> list[Any]:
        link = Link(line, job["frame_bytes"], job["answer_bytes"], seconds=1.0, wait=lambda s: None)
        results: list[Any] = []
        for step, *values in job["steps"]:
            try:
                if step == "frame":
                    results.append(link.exchange(bytes.fromhex(values[0])).hex())
                elif step == "info":
                    info = link.info()
                    results.append({**asdict(info), "torn": info.torn, "retries": link.retries})
                elif step == "reset":
                    link.reset()
                elif step == "load":
                    link.load([bytes.fromhex(part) for part in values[0]])
                elif step == "raw":
                    line.write(bytes.fromhex(values[0]))
            except LinkError as reason:
                results.append(str(reason))
        return results

    Path(job["result"]).write_text(json.dumps(await converse()))
