"""The simulator's side of harness.py: plays beats into one module and checks what comes out, cycle by cycle."""

import os
import pickle
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

PATIENCE = 20_000
"""Cycles without any transfer after which a run has failed."""
WARM_UP = 4
"""Cycles between the reset and cycle 0, in which the first beat is offered unless it is stalled."""
DRAIN = 50
"""Cycles after the last beat in which nothing more may come."""


@dataclass(frozen=True, slots=True)
class Port:
    """The beats of one stream, each `width` bits, compared under `masks`, which repeat."""

    width: int
    beats: list[int]
    masks: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Stall:
    """How often an input has no beat and an output takes none."""

    source: float
    sink: float


@dataclass(frozen=True, slots=True)
class Load:
    """The beats, each `width` bits, that fill a memory which starts empty."""

    width: int
    beats: list[int]


@dataclass(frozen=True, slots=True)
class Job:
    """What to simulate: the same beats once per entry of `stalls`, with a reset and the load before each."""

    inputs: list[Port]
    outputs: list[Port]
    stalls: list[Stall]
    seed: int
    load: Load | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """Cycle of every transfer of one run, per input and per output; the first beats are offered in cycle 0."""

    inputs: list[list[int]]
    outputs: list[list[int]]


class Player:
    """Plays one job under one stall pattern.

    Ports are read and driven once per cycle, at the falling edge: outputs are registered and do not
    depend on inputs, so what is read there is what holds at the next rising edge.
    """

    def __init__(self, dut: Any, job: Job, stall: Stall, seed: int) -> None:
        self.dut, self.job, self.stall, self.rng = dut, job, stall, random.Random(seed)
        self.times = Times([[] for _ in job.inputs], [[] for _ in job.outputs])
        self.offered = [False] * len(job.inputs)

    async def run(self) -> Times:
        """Reset, load, play everything, and wait for beats that should not come."""
        dut, job = self.dut, self.job
        dut.rst_i.value, dut.in_valid_i.value, dut.out_ready_i.value = 1, 0, 0
        if job.load:
            dut.load_i.value = 0
        for _ in range(3):
            await FallingEdge(dut.clk_i)
        dut.rst_i.value = 0
        if job.load:
            await self._fill(job.load)
        for _ in range(WARM_UP):
            await FallingEdge(dut.clk_i)
        cycle, last = 0, 0
        while self._unfinished():
            await FallingEdge(dut.clk_i)
            last = cycle if self._step(cycle) else last
            cycle += 1
            assert cycle - last < PATIENCE, f"stuck: {self._progress()} ({self.stall})"
        dut.in_valid_i.value, dut.out_ready_i.value = 0, (1 << len(job.outputs)) - 1
        for _ in range(DRAIN):
            await FallingEdge(dut.clk_i)
            assert not int(dut.out_valid_o.value), f"a beat too many ({self.stall})"
        return self.times

    async def _fill(self, load: Load) -> None:
        for beat in load.beats:
            self.dut.load_i.value = 1 << load.width | beat
            await FallingEdge(self.dut.clk_i)
        self.dut.load_i.value = 0

    def _unfinished(self) -> bool:
        ports = [*self.job.inputs, *self.job.outputs]
        return any(len(t) < len(p.beats) for t, p in zip([*self.times.inputs, *self.times.outputs], ports, strict=True))

    def _progress(self) -> str:
        sent = [f"{len(t)}/{len(p.beats)}" for t, p in zip(self.times.inputs, self.job.inputs, strict=True)]
        got = [f"{len(t)}/{len(p.beats)}" for t, p in zip(self.times.outputs, self.job.outputs, strict=True)]
        return f"sent {', '.join(sent)}; got {', '.join(got)}"

    def _step(self, cycle: int) -> bool:
        """One cycle; whether anything was transferred."""
        taken = self._take(cycle)
        return self._offer(cycle) or taken

    def _take(self, cycle: int) -> bool:
        valid, ready = int(self.dut.out_valid_o.value), 0
        for o in range(len(self.job.outputs)):
            ready |= (self.rng.random() >= self.stall.sink) << o
        self.dut.out_ready_i.value = ready
        if not valid & ready:
            return False
        data = int(self.dut.out_data_o.value)
        for o, port in enumerate(self.job.outputs):
            if (valid & ready) >> o & 1:
                self._check(o, port, data)
                self.times.outputs[o].append(cycle)
            data >>= port.width
        return True

    def _check(self, output: int, port: Port, data: int) -> None:
        beat = len(self.times.outputs[output])
        assert beat < len(port.beats), f"output {output}: a beat too many ({self.stall})"
        mask = port.masks[beat % len(port.masks)] if port.masks else (1 << port.width) - 1
        got, want = data & mask, port.beats[beat] & mask
        assert got == want, f"output {output}, beat {beat}: got {got:#x}, golden {want:#x} ({self.stall})"

    def _offer(self, cycle: int) -> bool:
        ready, valid, data, offset, taken = int(self.dut.in_ready_o.value), 0, 0, 0, False
        for i, port in enumerate(self.job.inputs):
            sent = self.times.inputs[i]
            if len(sent) < len(port.beats) and (self.offered[i] or self.rng.random() >= self.stall.source):
                valid |= 1 << i
                data |= port.beats[len(sent)] << offset
                self.offered[i] = not ready >> i & 1
                if not self.offered[i]:
                    sent.append(cycle)
                    taken = True
            else:
                data |= self.rng.getrandbits(port.width) << offset
            offset += port.width
        self.dut.in_valid_i.value = valid
        self.dut.in_data_i.value = data
        return taken


@cocotb.test()
async def play(dut: Any) -> None:
    """Play the job in TOM_JOB; the times of all transfers go to TOM_TIMES."""
    job: Job = pickle.loads(Path(os.environ["TOM_JOB"]).read_bytes())
    Clock(dut.clk_i, 2, "ns").start()
    times = [await Player(dut, job, stall, job.seed + i).run() for i, stall in enumerate(job.stalls)]
    Path(os.environ["TOM_TIMES"]).write_bytes(pickle.dumps(times))
