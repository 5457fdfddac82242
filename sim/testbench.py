"""cocotb testbench of a whole accelerator: drives frames, checks every output beat, stalls both sides at random.

The job comes as a JSON file named by TOM_JOB, the result goes to the file that the job names. Ports
are read and driven once per cycle, at the falling edge: all outputs are registered, so what is read
there is what holds at the next rising edge.
"""

import json
import os
import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

DRAIN = 64
"""Cycles after the last expected beat in which nothing more may come."""
REPORTED = 8
"""Mismatches that are reported in full; the rest are counted."""
REPORT_EVERY = 2_000
"""Cycles between two reports of progress."""


class Driver:
    """Sends the beats of one input; data is garbage while valid is low."""

    def __init__(self, dut: Any, port: dict[str, Any], beats: list[int], stall: float, seed: int) -> None:
        self.valid = getattr(dut, f"s_axis_{port['name']}_tvalid")
        self.ready = getattr(dut, f"s_axis_{port['name']}_tready")
        self.data = getattr(dut, f"s_axis_{port['name']}_tdata")
        self.beats, self.stall, self.rng = beats, stall, random.Random(f"drive {port['name']} {seed}")
        self.bits, self.frame_beats = port["width"], port["frame_beats"]
        self.sent = self.end = 0
        self.first = -1
        self.offering = False

    @property
    def done(self) -> bool:
        return self.sent == self.end

    def step(self, cycle: int) -> bool:
        """One cycle; whether a beat was taken."""
        if self.done or not (self.offering or self.stall == 0 or self.rng.random() >= self.stall):
            self.valid.value = 0
            if self.stall:
                self.data.value = self.rng.getrandbits(self.bits)
            return False
        if not self.offering:
            self.valid.value, self.data.value = 1, self.beats[self.sent]
        self.offering = not self.ready.value
        if self.offering:
            return False
        self.first = cycle if self.first < 0 else self.first
        self.sent += 1
        return True


class Checker:
    """Takes the beats of one output and compares each with the golden one."""

    def __init__(self, dut: Any, port: dict[str, Any], beats: list[int], stall: float, seed: int) -> None:
        self.valid = getattr(dut, f"m_axis_{port['name']}_tvalid")
        self.ready = getattr(dut, f"m_axis_{port['name']}_tready")
        self.data = getattr(dut, f"m_axis_{port['name']}_tdata")
        self.last = getattr(dut, f"m_axis_{port['name']}_tlast")
        self.port, self.beats, self.stall = port, beats, stall
        self.rng = random.Random(f"check {port['name']} {seed}")
        self.masks = [int(m, 16) for m in port["masks"]]
        self.frame_beats = port["frame_beats"]
        self.got = self.end = 0
        self.ends: list[int] = []
        self.received: list[int] = []
        self.mismatches = 0
        self.reported: list[dict[str, Any]] = []

    @property
    def done(self) -> bool:
        return self.got >= self.end

    def step(self, cycle: int) -> bool:
        """One cycle; whether a beat was taken."""
        ready = self.stall == 0 or self.rng.random() >= self.stall
        self.ready.value = ready
        if not (ready and self.valid.value):
            return False
        data, last = self.data.value.to_unsigned(), bool(self.last.value)
        if self.got < len(self.beats):
            self._check(data, last)
        self.got += 1
        if self.got % self.frame_beats == 0:
            self.ends.append(cycle)
        return True

    def _check(self, data: int, last: bool) -> None:
        mask = self.masks[self.got % len(self.masks)]
        want = self.beats[self.got] & mask
        frame, beat = divmod(self.got, self.frame_beats)
        self.received.append(data & mask)
        ends = beat == self.frame_beats - 1
        if data & mask == want and last == ends:
            return
        self.mismatches += 1
        if len(self.reported) < REPORTED:
            self.reported.append(
                {"port": self.port["name"], "frame": frame, "beat": beat, "got": f"{data & mask:x}",
                 "expected": f"{want:x}", "tlast": last, "expected_tlast": ends}
            )  # fmt: skip


@cocotb.test()
async def play(dut: Any) -> None:
    """Play all frames of the job, with a reset before each sequence; the result says what was transferred and when."""
    job = json.loads(Path(os.environ["TOM_JOB"]).read_text())
    stall, seed = job["stall"], job["seed"]
    drivers = [Driver(dut, p, _beats(p), stall, seed) for p in job["inputs"]]
    checkers = [Checker(dut, p, _beats(p), stall, seed) for p in job["outputs"]]
    Clock(dut.aclk, 2, "ns").start()
    agents: list[Checker | Driver] = [*checkers, *drivers]
    cycle, frames = 0, 0
    while frames < job["frames"] and all(a.done for a in agents):
        frames = min(frames + job["sequence"], job["frames"])
        for agent in agents:
            agent.end = frames * agent.frame_beats
        await restart(dut, job, drivers, checkers)
        cycle = await run(dut, job, agents, cycle)
    result = {
        "cycles": cycle,
        "sequence": job["sequence"],
        "finished": all(a.done for a in agents),
        "sent": {p["name"]: d.sent for p, d in zip(job["inputs"], drivers, strict=True)},
        "first_in": min(d.first for d in drivers),
        "outputs": [
            {"name": c.port["name"], "beats": c.got, "expected_beats": len(c.beats), "ends": c.ends,
             "mismatches": c.mismatches + max(0, c.got - len(c.beats)), "first": c.reported}
            for c in checkers
        ],
    }  # fmt: skip
    for checker in checkers:
        Path(checker.port["received"]).write_text("".join(f"{b:x}\n" for b in checker.received))
    Path(job["result"]).write_text(json.dumps(result))


async def restart(dut: Any, job: dict[str, Any], drivers: list[Driver], checkers: list[Checker]) -> None:
    """Reset, so that a sequence begins, and fill the memories that are empty then."""
    for driver in drivers:
        driver.valid.value = 0
    for checker in checkers:
        checker.ready.value = 0
    dut.aresetn.value = 0
    for _ in range(4):
        await FallingEdge(dut.aclk)
    dut.aresetn.value = 1
    if job["loader"]:
        await load(dut, FallingEdge(dut.aclk), Path(job["loader"]), drivers[0].ready, Path(job["progress"]))


async def run(dut: Any, job: dict[str, Any], agents: list[Checker | Driver], cycle: int) -> int:
    """Play every port to its end, or until nothing moves any more, from a cycle on; returns the one after the last."""
    edge, progress = FallingEdge(dut.aclk), Path(job["progress"])
    last, drain = cycle, 0
    while drain < DRAIN and cycle - last < job["patience"]:
        await edge
        for agent in agents:
            if agent.step(cycle):
                last = cycle
        cycle += 1
        if cycle % REPORT_EVERY == 0:
            progress.write_text(f"{sum(a.got for a in agents if isinstance(a, Checker))} {cycle}")
        drain = drain + 1 if all(a.done for a in agents) else 0
    return cycle


async def load(dut: Any, edge: FallingEdge, beats: Path, ready: Any, progress: Path) -> None:
    """Fill the memories that the bitstream cannot: send the loader's beats and wait until an input is `ready`."""
    dut.s_axis_weights_tvalid.value = 1
    with beats.open() as lines:
        for count, line in enumerate(lines):
            dut.s_axis_weights_tdata.value = int(line, 16)
            await edge
            if count % REPORT_EVERY == 0:
                progress.write_text(f"0 {count}")
    dut.s_axis_weights_tvalid.value = 0
    while not ready.value:
        await edge


def _beats(port: dict[str, Any]) -> list[int]:
    return [int(line, 16) for line in Path(port["beats"]).read_text().split()]
