"""cocotb testbench: drives beats, checks every beat that comes out, stalls both sides at random, and times it all.

It plays a whole accelerator, whose pins are AXI4-Stream ports, or one module, whose streams lie side by side in
vectors ("packed"). The job comes as a JSON file named by TOM_JOB, the result goes to the file that the job names: a
list of runs, each with a reset in front. Ports are read and driven once per cycle, at the falling edge: all outputs
are registered, so what is read there is what holds at the next rising edge.
"""

import json
import os
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer

RESET = 4
"""Cycles of the reset."""
DRAIN = 64
"""Cycles after the last expected beat in which nothing more may come."""
REPORTED = 8
"""Mismatches that are reported in full; the rest are counted."""
REPORT_EVERY = 2_000
"""Cycles between two reports of progress."""


class Driver:
    """Sends the beats of one input, but for the beat number `lost`."""

    def __init__(self, port: dict[str, Any], beats: list[int], stall: float, seed: int, lost: int | None) -> None:
        self.lost = lost
        self.beats, self.stall, self.bits = beats, stall, port["width"]
        self.rng = random.Random(f"drive {port['name']} {seed}")
        self.frame_beats = port["frame_beats"]
        self.sent = self.end = 0
        self.first = -1
        self.offering = False

    @property
    def done(self) -> bool:
        return self.sent == self.end

    @property
    def last(self) -> bool:
        """Whether the next beat is the last of its frame."""
        return bool((self.sent + 1) % self.frame_beats == 0)

    def offers(self) -> bool:
        """Whether there is a beat in this cycle; one that was not taken stays."""
        return not self.done and (self.offering or self.stall == 0 or self.rng.random() >= self.stall)

    def offer(self, cycle: int, ready: object) -> bool:
        """Offer the next beat; whether it is taken."""
        self.offering = not ready
        if self.offering:
            return False
        self.first = cycle if self.first < 0 else self.first
        self.sent += 1
        if self.sent == self.lost:
            self.sent += 1
        return True

    def garbage(self) -> int:
        """What the data are while there is no beat."""
        return self.rng.getrandbits(self.bits)


class Checker:
    """Takes the beats of one output and compares each with the golden one.

    begin, end: beats before the sequence of frames that is played, and up to its end.
    """

    def __init__(self, port: dict[str, Any], beats: list[int], stall: float, seed: int) -> None:
        self.port, self.beats, self.stall = port, beats, stall
        self.rng = random.Random(f"check {port['name']} {seed}")
        self.masks = [int(m, 16) for m in port["masks"]]
        self.frame_beats = port["frame_beats"]
        self.got = self.begin = self.end = 0
        self.ends: list[int] = []
        self.frames: dict[int, list[int]] = {}
        self.mismatches = 0
        self.reported: list[dict[str, Any]] = []

    @property
    def done(self) -> bool:
        return self.got == self.end

    @property
    def received(self) -> list[int]:
        """What came, in the order of the frames."""
        return [beat for _, beats in sorted(self.frames.items()) for beat in beats]

    def takes(self) -> bool:
        """Whether it takes a beat in this cycle."""
        return self.stall == 0 or self.rng.random() >= self.stall

    def take(self, cycle: int, data: int, last: bool | None = None) -> None:
        """A beat that came; `last` where the stream marks the end of a frame."""
        if self.got < len(self.beats):
            self._check(data, last)
        self.got += 1
        if self.got % self.frame_beats == 0:
            self.ends.append(cycle)

    def _check(self, data: int, last: bool | None) -> None:
        self.frames.setdefault(self.got // self.frame_beats, []).append(self._compare(self.got, data, last))

    def _compare(self, place: int, data: int, last: bool | None) -> int:
        """A beat, compared with the golden one at a place: what counts of it."""
        mask = self.masks[place % len(self.masks)]
        want = self.beats[place] & mask
        frame, beat = divmod(place, self.frame_beats)
        ends = beat == self.frame_beats - 1
        if data & mask != want or last not in (None, ends):
            self._report(
                {"port": self.port["name"], "frame": frame, "beat": beat, "got": f"{data & mask:x}",
                 "expected": f"{want:x}", "tlast": last, "expected_tlast": ends}
            )  # fmt: skip
        return data & mask

    def _report(self, what: dict[str, Any]) -> None:
        self.mismatches += 1
        if len(self.reported) < REPORTED:
            self.reported.append(what)

    def result(self) -> dict[str, Any]:
        """What came, and when frames ended."""
        extra = max(0, self.got - len(self.beats))
        return {"name": self.port["name"], "beats": self.got, "expected_beats": len(self.beats), "ends": self.ends,
                "mismatches": self.mismatches + extra, "first": self.reported}  # fmt: skip


class NumberedChecker(Checker):
    """Takes frames in any order, and compares each with the golden one of its number, of which each comes once.

    The number's digits, wherever they are in a frame, count from 0 in every sequence and wrap: of the frames whose
    number it may be, it is the one that is nearest to how many came before.
    """

    def __init__(self, port: dict[str, Any], beats: list[int], stall: float, seed: int) -> None:
        super().__init__(port, beats, stall, seed)
        self.digit, self.span = port["number"]["digit"], 1 << port["number"]["bits"]
        self.places: list[tuple[int, int]] = port["number"]["places"]
        for beat, bit in self.places:
            self.masks[beat] &= ~((1 << self.digit) - 1 << bit)
        self.frame: list[tuple[int, bool | None]] = []

    def _check(self, data: int, last: bool | None) -> None:
        self.frame.append((data, last))
        if len(self.frame) < self.frame_beats:
            return
        before, first = self.got // self.frame_beats, self.begin // self.frame_beats
        frame = before + (self._number() - (before - first) + self.span // 2) % self.span - self.span // 2
        if frame in self.frames or not first <= frame < self.end // self.frame_beats:
            self._report({"port": self.port["name"], "number": frame - first, "before": before - first})
        else:
            compared = enumerate(self.frame, frame * self.frame_beats)
            self.frames[frame] = [self._compare(place, beat, mark) for place, (beat, mark) in compared]
        self.frame = []

    def _number(self) -> int:
        mask = (1 << self.digit) - 1
        digits = (self.frame[beat][0] >> bit & mask for beat, bit in self.places)
        number: int = sum(digit << i * self.digit for i, digit in enumerate(digits)) % self.span
        return number


def checker_of(port: dict[str, Any], beats: list[int], stall: float, seed: int) -> Checker:
    """What an output needs."""
    return (NumberedChecker if port.get("number") else Checker)(port, beats, stall, seed)


class Axis:
    """The pins of an accelerator: AXI4-Stream ports by their names. Data are garbage only in runs that stall."""

    def __init__(self, dut: Any, job: dict[str, Any]) -> None:
        self.dut, self.clock, self.clock2x = dut, dut.aclk, getattr(dut, "aclk2x", None)
        self.inputs = [_signals(dut, f"s_axis_{p['name']}", "valid ready data last") for p in job["inputs"]]
        self.outputs = [_signals(dut, f"m_axis_{p['name']}", "valid ready data last") for p in job["outputs"]]

    def reset(self, on: bool) -> None:
        self.dut.aresetn.value = not on
        for valid, *_ in self.inputs if on else ():
            valid.value = 0
        for _, ready, *_ in self.outputs if on else ():
            ready.value = 0

    def step(self, cycle: int, drivers: Sequence[Driver], checkers: Sequence[Checker]) -> bool:
        """One cycle; whether a beat was transferred."""
        moved = False
        for checker, (valid, ready, data, last) in zip(checkers, self.outputs, strict=True):
            takes = checker.takes()
            ready.value = takes
            if takes and valid.value:
                checker.take(cycle, data.value.to_unsigned(), bool(last.value))
                moved = True
        for driver, (valid, ready, data, last) in zip(drivers, self.inputs, strict=True):
            kept = driver.offering
            if driver.offers():
                if not kept:
                    valid.value, data.value, last.value = 1, driver.beats[driver.sent], driver.last
                moved |= driver.offer(cycle, ready.value)
            else:
                valid.value = 0
                if driver.stall:
                    data.value = driver.garbage()
        return moved

    def shifted(self) -> bool:
        """Whether a frame came in that did not end where it should."""
        return bool(self.dut.frame_error.value)

    async def load(self, beats: Iterator[int], edge: FallingEdge) -> None:
        """Send the loader's beats. Inputs wait until all are in place; some are ready only where there is a beat."""
        self.dut.s_axis_weights_tvalid.value = 1
        for beat in beats:
            self.dut.s_axis_weights_tdata.value = beat
            await edge
        self.dut.s_axis_weights_tvalid.value = 0


class Packed:
    """The pins of one module: all inputs in one vector, all outputs in another. Data without a beat are garbage."""

    def __init__(self, dut: Any, job: dict[str, Any]) -> None:
        self.dut, self.clock, self.loads = dut, dut.clk_i, job["loader"]
        self.clock2x = getattr(dut, "clk2x_i", None)
        self.widths = [p["width"] for p in job["outputs"]]

    def reset(self, on: bool) -> None:
        self.dut.rst_i.value = on
        if on:
            self.dut.in_valid_i.value, self.dut.out_ready_i.value = 0, 0
        if on and self.loads:
            self.dut.load_i.value = 0

    def step(self, cycle: int, drivers: Sequence[Driver], checkers: Sequence[Checker]) -> bool:
        """One cycle; whether a beat was transferred."""
        coming, takes = int(self.dut.out_valid_o.value), 0
        for o, checker in enumerate(checkers):
            takes |= checker.takes() << o
        self.dut.out_ready_i.value = takes
        taken = coming & takes
        if taken:
            data = int(self.dut.out_data_o.value)
            for o, (checker, width) in enumerate(zip(checkers, self.widths, strict=True)):
                if taken >> o & 1:
                    checker.take(cycle, data & (1 << width) - 1)
                data >>= width
        return self._offer(cycle, drivers) or bool(taken)

    def _offer(self, cycle: int, drivers: Sequence[Driver]) -> bool:
        ready, valid, data, offset, moved = int(self.dut.in_ready_o.value), 0, 0, 0, False
        for i, driver in enumerate(drivers):
            if driver.offers():
                valid |= 1 << i
                data |= driver.beats[driver.sent] << offset
                moved |= driver.offer(cycle, ready >> i & 1)
            else:
                data |= driver.garbage() << offset
            offset += driver.bits
        self.dut.in_valid_i.value, self.dut.in_data_i.value = valid, data
        return moved

    def shifted(self) -> bool:
        """A module knows nothing of frames' ends."""
        return False

    async def load(self, beats: Iterator[int], edge: FallingEdge) -> None:
        """Send the beats that fill a memory, each with its valid bit in front."""
        for beat in beats:
            self.dut.load_i.value = 1 << self.loads["width"] | beat
            await edge
        self.dut.load_i.value = 0


@cocotb.test()
async def play(dut: Any) -> None:
    """Play the job, once for each of its runs; the result says what was transferred and when."""
    job = json.loads(Path(os.environ["TOM_JOB"]).read_text())
    beats = {side: [list(_beats(port["beats"])) for port in job[side]] for side in ("inputs", "outputs")}
    pins = Packed(dut, job) if job["pins"] == "packed" else Axis(dut, job)
    start(pins.clock, pins.clock2x)
    results = [await _run(pins, job, run, beats) for run in job["runs"]]
    Path(job["result"]).write_text(json.dumps(results))


def start(clock: Any, clock2x: Any) -> None:
    """Start a clock, and the one of twice the rate where there is one."""
    if clock2x is None:
        Clock(clock, 2, "ns").start()
    else:
        cocotb.start_soon(both(clock, clock2x))


async def both(clock: Any, clock2x: Any) -> None:
    """A clock, and one of twice the rate.

    Edges that fall together are written at once, so that every register at either of them sees what the others held
    before: two of `Clock` would not promise that.
    """
    while True:
        for quarter in range(4):
            clock.value, clock2x.value = int(quarter < 2), int(quarter % 2 == 0)
            await Timer(1, "ns")


async def _run(
    pins: Axis | Packed, job: dict[str, Any], run: dict[str, Any], beats: dict[str, list[list[int]]]
) -> dict[str, Any]:
    """All frames, sequence after sequence: `restarts` says after how many frames there is another reset.

    `beats` has those of every port, by side.
    """
    lost = [run.get("lost"), *[None] * (len(job["inputs"]) - 1)]  # the first input's
    sources = zip(job["inputs"], beats["inputs"], lost, strict=True)
    drivers = [Driver(p, sent, run["source"], run["seed"], at) for p, sent, at in sources]
    sinks = zip(job["outputs"], beats["outputs"], strict=True)
    checkers = [checker_of(p, expected, run["sink"], run["seed"]) for p, expected in sinks]
    agents: list[Checker | Driver] = [*checkers, *drivers]
    cycle, shifted = 0, False
    for frames in (*job["restarts"], None):
        if not all(a.done for a in agents):
            break
        for taken in checkers:
            taken.begin = taken.end
        for agent in agents:
            agent.end = len(agent.beats) if frames is None else frames * agent.frame_beats
        cycle = await _sequence(pins, job, drivers, checkers, cycle)
        shifted |= pins.shifted()
    for checker in checkers if job["received"] else ():
        Path(checker.port["received"]).write_text("".join(f"{b:x}\n" for b in checker.received))
    return {
        "cycles": cycle,
        "frame_error": shifted,
        "sequence": next(iter(job["restarts"]), None),
        "finished": all(a.done for a in agents),
        "sent": {p["name"]: d.sent for p, d in zip(job["inputs"], drivers, strict=True)},
        "first_in": min(d.first for d in drivers),
        "outputs": [c.result() for c in checkers],
    }


async def _sequence(
    pins: Axis | Packed, job: dict[str, Any], drivers: list[Driver], checkers: list[Checker], cycle: int
) -> int:
    """A reset, the loader's beats, the frames of a sequence, and cycles in which nothing more should come.

    Cycles are counted on from `cycle`; returns their number at the end.
    """
    edge, progress = FallingEdge(pins.clock), Path(job["progress"])
    pins.reset(True)
    for _ in range(RESET):
        await edge
    pins.reset(False)
    if job["loader"]:
        await pins.load(_reported(_beats(job["loader"]["beats"]), progress), edge)
    for _ in range(job["warm_up"]):
        await edge
    agents: list[Checker | Driver] = [*checkers, *drivers]
    last, drain = cycle, 0
    while drain < DRAIN and cycle - last < job["patience"]:
        await edge
        last = cycle if pins.step(cycle, drivers, checkers) else last
        cycle += 1
        if cycle % REPORT_EVERY == 0:
            progress.write_text(f"{sum(c.got for c in checkers)} {cycle}")
        drain = drain + 1 if all(a.done for a in agents) else 0
    return cycle


def _reported(beats: Iterator[int], progress: Path) -> Iterator[int]:
    """The same beats; how many of them were sent is reported as cycles."""
    for count, beat in enumerate(beats):
        yield beat
        if count % REPORT_EVERY == 0:
            progress.write_text(f"0 {count}")


def _beats(path: str) -> Iterator[int]:
    with Path(path).open() as lines:
        for line in lines:
            yield int(line, 16)


def _signals(dut: Any, port: str, names: str) -> list[Any]:
    return [getattr(dut, f"{port}_t{name}") for name in names.split()]
