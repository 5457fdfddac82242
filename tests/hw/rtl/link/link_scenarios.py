"""cocotb: what may happen on a link, one test each, in all cases of the job named by TOM_JOB at once."""

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer

CASES = json.loads(Path(os.environ["TOM_JOB"]).read_text())
PERIOD, RESET = 2, 4
PORTS = 8
"""Streams of a case for which there is room in the vectors."""
EVERYBODY = (1 << PORTS) - 1
FILL, LONG = 800, 3000
"""Cycles until words come steadily; cycles that a rate is measured in."""


class Bench:
    """The cases; all are told the same."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut

    async def wait(self, cycles: int) -> None:
        await Timer(cycles * PERIOD, "ns")

    async def reset(self, *, read: int = EVERYBODY, stall: int = 0, later: int = 0) -> None:
        """later: cycles that the receiving end stays in reset."""
        self.dut.read_i.value, self.dut.stall_i.value = read, stall
        self.dut.rst_i.value = self.dut.rst_far_i.value = 1
        await self.wait(RESET)
        self.dut.rst_i.value = 0
        if later:
            await self.wait(later)
        self.dut.rst_far_i.value = 0

    def got(self) -> list[list[int]]:
        """Beats of every stream, by case."""
        numbers = numbers_of(self.dut.got_o, len(CASES) * PORTS)
        return [numbers[i * PORTS :][: case["streams"]] for i, case in enumerate(CASES)]

    def right(self) -> None:
        found = zip(CASES, numbers_of(self.dut.wrong_o, len(CASES)), strict=True)
        wrong = {case["name"]: n for case, n in found if n and not case["lost"]}
        assert not wrong, f"wrong beats: {wrong}"
        assert not self.errors(), f"errors: {self.errors()}"

    def errors(self) -> list[str]:
        value = self.dut.error_o.value.to_unsigned()
        return [case["name"] for i, case in enumerate(CASES) if value >> i & 1 and not case["lost"]]

    async def rates(self, cycles: int) -> list[float]:
        """Beats a cycle, of all streams of a case."""
        before = self.got()
        await self.wait(cycles)
        return [(sum(b) - sum(a)) / cycles for a, b in zip(before, self.got(), strict=True)]


def numbers_of(signal: Any, count: int) -> list[int]:
    value = signal.value.to_unsigned()
    return [value >> 32 * i & 0xFFFFFFFF for i in range(count)]


async def begin(dut: Any, **how: int) -> Bench:
    Clock(dut.clk_i, PERIOD, "ns").start()
    bench = Bench(dut)
    dut.rst_i.value = dut.rst_far_i.value = 1
    await FallingEdge(dut.clk_i)
    await bench.reset(**how)
    return bench


def check_rates(rates: list[float]) -> None:
    """They are what the link carries, headers taken off."""
    found = {c["name"]: round(rate, 4) for c, rate in zip(CASES, rates, strict=True) if not c["lost"]}
    cocotb.log.info("beats a cycle: %s", found)
    wanted = {c["name"]: c["rate"] for c in CASES}
    slow = {name: (rate, wanted[name]) for name, rate in found.items() if rate < 0.99 * wanted[name]}
    assert not slow, f"slow: {slow}"


@cocotb.test()
async def at_full_speed(dut: Any) -> None:
    bench = await begin(dut)
    await bench.wait(FILL)
    check_rates(await bench.rates(LONG))
    bench.right()


@cocotb.test()
async def both_sides_pause_at_random(dut: Any) -> None:
    bench = await begin(dut, stall=600)
    await bench.wait(LONG)
    dut.stall_i.value = 0
    await bench.wait(FILL)
    check_rates(await bench.rates(LONG))
    bench.right()


@cocotb.test()
async def one_reader_never_reads(dut: Any) -> None:
    """The others go on as fast as the link allows; when it reads at last its beats are there."""
    bench = await begin(dut, read=EVERYBODY & ~2)
    await bench.wait(FILL)
    await bench.wait(LONG)  # until it has all that it has room for
    check_rates(await bench.rates(LONG))
    assert all(got[1] == 0 for got in bench.got() if len(got) > 1)
    dut.read_i.value = EVERYBODY
    await bench.wait(FILL)
    assert all(min(got) > 0 for case, got in zip(CASES, bench.got(), strict=True) if not case["lost"])
    bench.right()


@cocotb.test()
async def streams_take_turns(dut: Any) -> None:
    bench = await begin(dut)
    await bench.wait(LONG)
    for case, got in zip(CASES, bench.got(), strict=True):
        assert case["lost"] or max(got) - min(got) <= 2 * case["gather"] * case["packet"], case["name"]


@cocotb.test()
async def nothing_is_sent_until_the_other_end_is_there(dut: Any) -> None:
    bench = await begin(dut, later=500)
    await bench.wait(FILL + LONG)
    bench.right()
    assert all(min(got) > 0 for case, got in zip(CASES, bench.got(), strict=True) if not case["lost"])


@cocotb.test()
async def what_is_lost_is_noticed_and_stays_so(dut: Any) -> None:
    bench = await begin(dut)
    await bench.wait(LONG)
    value = dut.error_o.value.to_unsigned()
    assert [bool(value >> i & 1) for i in range(len(CASES))] == [case["lost"] for case in CASES]
