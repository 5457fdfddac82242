"""cocotb: what a processor may do to an AXI shell whose accelerator fetches weights from memory, one test each."""

import random
from collections.abc import Iterator
from typing import Any

import cocotb
from axi_bench import Board
from cocotb.triggers import RisingEdge

from tests.hw.rtl.shell.axi_scenarios import JOB, MAP, PATTERN, STEP, STORED, WEIGHTS, fresh, place, run, store

FETCHED = [m for m in STORED if m["fetched"]]


def status_bit(name: str) -> int:
    fields = next(r["fields"] for r in MAP["registers"] if r["name"] == "status")
    (bit,) = (f["bit"] for f in fields if f["name"] == name)
    return 1 << int(bit)


def slow(board: Board, share: float) -> None:
    """Hold the answers to the masters that fetch weights in a share of the cycles."""

    def pauses(name: str) -> Iterator[bool]:
        rng = random.Random(name)
        while True:
            yield rng.random() < share

    for slave, m in zip(board.slaves, MAP["masters"], strict=True):
        if m["fetched"]:
            slave.r_channel.set_pause_generator(pauses(m["name"]))


def asks(dut: Any) -> int:
    """How many masters ask for weights."""
    return sum(int(getattr(dut, f"{m['name']}_arvalid").value) for m in FETCHED)


@cocotb.test()
async def weights_are_fetched_from_the_first_start_on(dut: Any) -> None:
    board = await fresh(dut)
    for _ in range(100):
        await RisingEdge(board.clock)
        assert not asks(dut), "addresses are not there yet"
    await board.start(0, {})
    await board.finish()
    await board.wait(20)
    assert not asks(dut), "a run of no frames needs none"
    await run(board, 1)
    await run(board, 2, first=1, area=1)


@cocotb.test()
async def a_new_sequence_fetches_weights_from_elsewhere(dut: Any) -> None:
    """Bursts are on their way when it is asked for: memory is slow; what lay at the old addresses is overwritten."""
    board = await fresh(dut)
    slow(board, 0.9)
    for area in range(3):
        await run(board, 2, restart=area > 0, area=area, first=area)
        old = await store(board, WEIGHTS + (area + 1) * 0x1_0000_0000)
        for m in FETCHED:
            at = old[m["pointer"]] - 0x1_0000_0000
            board.memory.bytes.write(at, bytes([PATTERN]) * m["frame_bytes"])
    assert await board.read("status") == 2


@cocotb.test()
async def errors_of_fetched_weights_are_told(dut: Any) -> None:
    """By one bit for all masters; results may be wrong until the next sequence, and are right from there on."""
    board = await fresh(dut)
    wrong = status_bit("error_fetch")
    at = WEIGHTS + len(STORED) * STEP - len(FETCHED) * STEP
    for i, m in enumerate(FETCHED):
        last = at + i * STEP + m["frame_bytes"] - 1
        board.memory.broken = [range(last, last + 1)]
        await board.start(2, place(board, 2), restart=True)
        await board.finish(JOB["patience"] + 24 * JOB["interval"])
        assert await board.read("status") == 2 | wrong, m["name"]
        board.memory.broken = []
        await board.wait(4 * JOB["interval"])
        await board.write("status", wrong)
        assert await board.read("status") == 2
        await run(board, 3, restart=True)
        assert await board.read("status") == 2
