"""cocotb: what a processor may do to the AXI shell, one test each. The frames come from a job named by TOM_JOB.

Every test resets the board first; memory beside the buffers is filled with a pattern that must stay.
"""

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from axi_bench import Board
from cocotb.triggers import RisingEdge

JOB = json.loads(Path(os.environ["TOM_JOB"]).read_text())
MAP = json.loads(Path(JOB["registers"]).read_text())
READS = [m for m in MAP["masters"] if m["direction"] == "read" and m["port"]]
WRITES = [m for m in MAP["masters"] if m["direction"] == "write"]
STORED = [m for m in MAP["masters"] if m["file"]]
FRAMES = JOB["frames"]
GOLDEN = {m["pointer"]: Path(JOB["data"], m["pointer"]).read_bytes() for m in (*READS, *WRITES)}
PATTERN = 0xA5
AROUND = 256
"""Bytes in front of a buffer and behind it that nobody may touch."""
RESET = 16
"""Cycles of the accelerator's reset at a new sequence."""
BASE, STEP = 0x1_0000_0000, 0x100_0000
"""Buffers lie above 4 GiB: all 64 bits of an address count."""
WEIGHTS = 0x8_0000_0000
"""Here lie weights."""


def golden(pointer: str, frames: int, first: int = 0) -> bytes:
    """Bytes of frames of a stream, from number `first` on; they repeat."""
    data = GOLDEN[pointer]
    size = len(data) // FRAMES
    return b"".join(data[(first + i) % FRAMES * size :][:size] for i in range(frames))


async def fresh(dut: Any, *, stall: float = 0.0, seed: int = 1) -> Board:
    board = Board(dut, MAP)
    await board.reset()
    await store(board)
    board.pause(stall, seed)
    await board.enable()
    return board


async def store(board: Board, at: int = WEIGHTS) -> dict[str, int]:
    """Put the weights into memory, from an address on, and say where: the pointers."""
    pointers = {m["pointer"]: at + i * STEP for i, m in enumerate(STORED)}
    for m in STORED:
        board.memory.bytes.write(pointers[m["pointer"]], Path(JOB["host"], m["file"]).read_bytes())
        await board.write(m["pointer"], pointers[m["pointer"]])
    return pointers


def place(board: Board, frames: int, *, shift: int = 0, first: int = 0, area: int = 0) -> dict[str, int]:
    """Buffers for some frames, `shift` bytes behind a border of 4 KB: the pointers."""
    pointers = {}
    for i, m in enumerate((*READS, *WRITES)):
        address = BASE + (16 * area + i) * STEP + 0x1000 + shift
        pointers[m["pointer"]] = address
        size = m["frame_bytes"] * frames
        board.memory.bytes.write(address - AROUND, bytes([PATTERN]) * (size + 2 * AROUND))
        if m in READS:
            board.memory.bytes.write(address, golden(m["pointer"], frames, first))
    return pointers


def check(board: Board, pointers: dict[str, int], frames: int, *, first: int = 0) -> None:
    """The results are golden, and nothing beside them was touched."""
    for m in WRITES:
        address, wanted = pointers[m["pointer"]], golden(m["pointer"], frames, first)
        got = bytes(board.memory.bytes.read(address, len(wanted)))
        wrong = [i for i, (a, b) in enumerate(zip(got, wanted, strict=True)) if a != b]
        assert not wrong, f"{m['name']}: {len(wrong)} of {len(wanted)} bytes differ, the first is {wrong[0]}"
        for at in (address - AROUND, address + len(wanted)):
            assert bytes(board.memory.bytes.read(at, AROUND)) == bytes([PATTERN]) * AROUND, f"{m['name']} wrote beside"


async def run(board: Board, frames: int, *, restart: bool = False, **where: int) -> int:
    """Frames from buffers and back, checked; the cycles that it took."""
    pointers = place(board, frames, **where)
    began = board.cycle
    await board.start(frames, pointers, restart=restart)
    await board.finish(JOB["patience"] + frames * JOB["interval"] * 8)
    check(board, pointers, frames, first=where.get("first", 0))
    return board.cycle - began


@cocotb.test()
async def registers_are_what_the_map_says(dut: Any) -> None:
    board = await fresh(dut)
    assert await board.read("build") == MAP["build"]
    for r in MAP["registers"]:
        if r["offset"] >= 0x10 and r["access"] == "rw":
            for i in range(r["bits"] // 32):
                value = 0x9E3779B9 * (r["offset"] + i + 1) & 0xFFFFFFFF
                await board.processor.write_dword(r["offset"] + 4 * i, value)
    for r in MAP["registers"]:
        if r["offset"] >= 0x10 and r["access"] == "rw":
            for i in range(r["bits"] // 32):
                value = 0x9E3779B9 * (r["offset"] + i + 1) & 0xFFFFFFFF
                assert await board.processor.read_dword(r["offset"] + 4 * i) == value, r["name"]
    assert await board.read("control") == 4, "idle alone"


@cocotb.test()
async def one_frame(dut: Any) -> None:
    board = await fresh(dut)
    await run(board, 1)
    assert await board.read("status") == 2
    assert await board.read("frames_done") == 1
    assert await board.read("latency") <= JOB["latency"] * 1.1 + 40
    assert await board.read("control") & 0xE == 0xE, "done, idle and ready"
    assert await board.read("control") & 0xE == 4, "done and ready are cleared by reading"


@cocotb.test()
async def two_frames_are_timed(dut: Any) -> None:
    board = await fresh(dut)
    await run(board, 2)
    found = {n: await board.read(n) for n in ("cycles_last", "cycles_least", "cycles_most")}
    assert len(set(found.values())) == 1, found
    assert abs(found["cycles_last"] - JOB["interval"]) <= 0.03 * JOB["interval"] + 2, found
    for m in WRITES:
        assert await board.read(f"checksum_{m['pointer']}") == JOB["checksums"][m["pointer"]]


@cocotb.test()
async def many_frames_at_speed(dut: Any) -> None:
    board = await fresh(dut)
    frames = JOB["many"]
    cycles = await run(board, frames)
    most = 1.03 * JOB["interval"] * (frames - 1) + JOB["latency"] + 200
    assert cycles <= most, f"{cycles} cycles for {frames} frames, at most {most:.0f}"


@cocotb.test()
async def pauses_on_all_channels(dut: Any) -> None:
    board = await fresh(dut, stall=0.3)
    await run(board, JOB["some"])


@cocotb.test()
async def buffers_at_odd_addresses_and_over_borders(dut: Any) -> None:
    board = await fresh(dut)
    for shift in JOB["shifts"]:
        await run(board, 3, shift=shift)


@cocotb.test()
async def a_start_while_busy_waits(dut: Any) -> None:
    """Three starts, each as soon as the one before is taken: no gap, and all results."""
    board = await fresh(dut)
    some = JOB["some"]
    began, areas = board.cycle, []
    for area in range(3):
        pointers = place(board, some, area=area, first=area)
        while area and not await board.read("control") & 8:
            pass
        await board.start(some, pointers)
        areas.append(pointers)
    while await board.read("runs_done") < 3:
        assert board.cycle - began < JOB["patience"] + 3 * some * JOB["interval"] * 8
    for area, pointers in enumerate(areas):
        check(board, pointers, some, first=area)
    frames = 3 * some
    most = 1.03 * JOB["interval"] * (frames - 1) + JOB["latency"] + 250
    assert board.cycle - began <= most, f"{board.cycle - began} cycles for {frames} frames, at most {most:.0f}"


@cocotb.test()
async def a_run_begins_a_new_sequence(dut: Any) -> None:
    """The frames of the first run once more, from its states on, then those behind them."""
    board = await fresh(dut)
    await run(board, 3)
    cycles = await run(board, 3, restart=True, area=1)
    assert cycles >= 2 * RESET
    await run(board, 2, first=3, area=2)
    assert await board.read("frames_done") == 8
    assert await board.read("status") == 2
    await board.start(0, {}, restart=True)
    await board.finish()
    await run(board, 1, area=3)


@cocotb.test()
async def a_new_sequence_waits_for_the_run_before(dut: Any) -> None:
    """Three starts, each as soon as the one before is taken; the second and the third begin new sequences."""
    board = await fresh(dut, stall=0.3)
    began, areas = board.cycle, []
    for area, frames in enumerate((3, 2, 4)):
        pointers = place(board, frames, area=area, shift=area)
        while area and not await board.read("control") & 8:
            pass
        await board.start(frames, pointers, restart=area > 0)
        areas.append((pointers, frames))
    while await board.read("runs_done") < 3:
        assert board.cycle - began < JOB["patience"] + 9 * JOB["interval"] * 8
    for pointers, frames in areas:
        check(board, pointers, frames)


@cocotb.test()
async def it_restarts_by_itself(dut: Any) -> None:
    board = await fresh(dut)
    pointers = place(board, 2)
    for name, address in pointers.items():
        await board.write(name, address)
    await board.write("frames", 2)
    await board.write("control", 0x81)
    while await board.read("runs_done") < 3:
        pass
    await board.write("control", 0)
    while not await board.read("control") & 4:
        pass
    check(board, pointers, 2)


@cocotb.test()
async def a_start_of_no_frames_is_done(dut: Any) -> None:
    board = await fresh(dut)
    await board.start(0, place(board, 1))
    await board.finish()
    await run(board, 1)


@cocotb.test()
async def errors_of_memory_are_told(dut: Any) -> None:
    board = await fresh(dut)
    fields = next(r["fields"] for r in MAP["registers"] if r["name"] == "status")
    for m in (*READS, *WRITES):
        pointers = place(board, 3)
        address = pointers[m["pointer"]]
        board.memory.broken = [range(address + m["frame_bytes"], address + m["frame_bytes"] + 1)]
        await board.start(3, pointers)
        await board.finish(JOB["patience"] + 24 * JOB["interval"])
        (bit,) = (f["bit"] for f in fields if f["name"] == f"error_{m['pointer']}")
        assert await board.read("status") == 2 | 1 << bit, m["name"]
        await board.write("status", 1 << bit)
        assert await board.read("status") == 2
        board.memory.broken = []
    await run(board, 2)


@cocotb.test()
async def a_reset_within_a_frame(dut: Any) -> None:
    board = await fresh(dut)
    await board.start(3, place(board, 3))
    await board.wait(JOB["latency"] // 2 + 30)
    await board.reset()
    assert await board.read("control") == 4
    assert await board.read("frames_done") == 0
    await store(board)
    await board.enable()
    await run(board, 2, first=1)


@cocotb.test()
async def no_interrupt_without_leave(dut: Any) -> None:
    board = await fresh(dut)
    await board.write("gier", 0)
    await board.start(1, place(board, 1))
    while not await board.read("control") & 4:
        assert dut.interrupt.value == 0
    await RisingEdge(board.clock)
    assert await board.read("isr") == 1
    assert dut.interrupt.value == 0
    await board.write("gier", 1)
    assert dut.interrupt.value == 1
