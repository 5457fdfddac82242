"""cocotb: what clients of tom_fetch may do, one test each, in all cases of the job named by TOM_JOB at once."""

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer

CASES = json.loads(Path(os.environ["TOM_JOB"]).read_text())
PERIOD, RESET = 2, 4
PORTS = 64
"""Clients of a case for which there is room in the vectors."""
EVERYBODY = (1 << PORTS) - 1
FILL = 1000
"""Cycles from the start until beats come steadily, a client that does not read has all that it may."""
IDLE = 700
"""Cycles in which everything that was asked for has come."""


class Bench:
    """The cases; all are told the same."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut

    async def wait(self, cycles: int) -> None:
        await Timer(cycles * PERIOD, "ns")

    async def reset(self, *, read: int = EVERYBODY, stall: int = 0, go: bool = True, shift: int = 0) -> None:
        self.dut.rst_i.value, self.dut.read_i.value, self.dut.stall_i.value = 1, read, stall
        self.dut.go_i.value, self.dut.shift_i.value = 0, shift
        await self.wait(RESET)
        self.dut.rst_i.value, self.dut.go_i.value = 0, go

    def got(self) -> list[list[int]]:
        """Beats of every client, by case."""
        numbers = numbers_of(self.dut.got_o, len(CASES) * PORTS)
        return [numbers[i * PORTS :][: len(case["counts"])] for i, case in enumerate(CASES)]

    def asked(self) -> list[int]:
        return numbers_of(self.dut.asked_o, len(CASES))

    def right(self) -> None:
        wrong = {c["name"]: n for c, n in zip(CASES, numbers_of(self.dut.wrong_o, len(CASES)), strict=True) if n}
        assert not wrong, f"wrong beats: {wrong}"

    def flags(self, name: str) -> list[bool]:
        value = getattr(self.dut, name).value.to_unsigned()
        return [bool(value >> i & 1) for i in range(len(CASES))]

    async def rates(self, cycles: int) -> list[float]:
        """Beats a cycle, of all clients of a case."""
        before = self.got()
        await self.wait(cycles)
        return [(sum(b) - sum(a)) / cycles for a, b in zip(before, self.got(), strict=True)]


def numbers_of(signal: Any, count: int) -> list[int]:
    value = signal.value.to_unsigned()
    return [value >> 32 * i & 0xFFFFFFFF for i in range(count)]


async def begin(dut: Any, **how: Any) -> Bench:
    Clock(dut.clk_i, PERIOD, "ns").start()
    bench = Bench(dut)
    dut.rst_i.value = 1
    await FallingEdge(dut.clk_i)
    await bench.reset(**how)
    return bench


def check_rates(rates: list[float]) -> None:
    """They are what the cases say."""
    found = {c["name"]: round(rate, 4) for c, rate in zip(CASES, rates, strict=True)}
    cocotb.log.info("beats a cycle: %s", found)
    wrong = [c["name"] for c in CASES if not c["least"] <= found[c["name"]] <= c["most"]]
    assert not wrong, f"{wrong}: {found}"


def check_rounds(bench: Bench, rounds: int, clients: int = EVERYBODY) -> None:
    """Every client that reads has been through its region so often, and all was right."""
    bench.right()
    for case, got in zip(CASES, bench.got(), strict=True):
        for c, (beats, count) in enumerate(zip(got, case["counts"], strict=True)):
            if clients >> c & 1:
                assert beats >= rounds * count, f"client {c} of {case['name']}: {beats} beats of {count}"


@cocotb.test()
async def nothing_is_asked_before_it_may(dut: Any) -> None:
    bench = await begin(dut, go=False)
    await bench.wait(100)
    assert bench.asked() == [0] * len(CASES)
    assert all(bench.flags("idle_o"))
    dut.go_i.value = 1
    await bench.wait(400)
    assert all(bench.asked())
    assert not any(bench.flags("idle_o"))


@cocotb.test()
async def at_full_speed(dut: Any) -> None:
    bench = await begin(dut)
    await bench.wait(FILL)
    check_rates(await bench.rates(4000))
    check_rounds(bench, 3)


@cocotb.test()
async def clients_take_turns(dut: Any) -> None:
    """Of regions of whole bursts alike, none is read one burst more than another."""
    bench = await begin(dut)
    await bench.wait(3000)
    for case, got in zip(CASES, bench.got(), strict=True):
        alike = [beats for beats, count in zip(got, case["counts"], strict=True) if count == case["counts"][0]]
        assert max(alike) - min(alike) <= 16, case["name"]


@cocotb.test()
async def clients_pause_at_random(dut: Any) -> None:
    bench = await begin(dut, stall=500)
    await bench.wait(3000)
    dut.stall_i.value = 950
    await bench.wait(1000)
    dut.stall_i.value = 0
    await bench.wait(1000)
    check_rounds(bench, 2)


@cocotb.test()
async def one_client_never_reads(dut: Any) -> None:
    """The others go on as fast as the memory gives; when it reads at last its beats are there."""
    others = EVERYBODY & ~2
    bench = await begin(dut, read=others)
    await bench.wait(FILL)
    check_rates(await bench.rates(3000))
    check_rounds(bench, 2, others)
    assert all(got[1] == 0 for got in bench.got() if len(got) > 1)
    dut.read_i.value = EVERYBODY
    await bench.wait(1000)
    check_rounds(bench, 1)


@cocotb.test()
async def an_error_stays(dut: Any) -> None:
    bench = await begin(dut)
    await bench.wait(10)
    assert not any(bench.flags("error_o"))
    await bench.wait(600)
    broken = [case["broken"] for case in CASES]
    assert bench.flags("error_o") == broken
    await bench.wait(100)
    assert bench.flags("error_o") == broken
    bench.right()
    await bench.reset()
    assert not any(bench.flags("error_o"))


@cocotb.test()
async def it_stops_and_begins_anew(dut: Any) -> None:
    bench = await begin(dut, stall=300)
    await bench.wait(777)
    dut.go_i.value = 0
    await bench.wait(IDLE)
    assert all(bench.flags("idle_o"))
    asked = bench.asked()
    await bench.wait(100)
    assert bench.asked() == asked
    dut.go_i.value = 1
    await bench.wait(2500)
    check_rounds(bench, 1)
    await bench.reset()
    await bench.wait(2500)
    check_rounds(bench, 1)


@cocotb.test()
async def beats_beside_the_memory_end_the_simulation(dut: Any) -> None:
    bench = await begin(dut, shift=1 << 20)
    await bench.wait(100)
