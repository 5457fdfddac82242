"""Cells of engines against golden: of the ECP5, with the registers that went into its blocks, and of AMD's chips."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.hw.rtl.harness import STALLS, Port, port, run
from tests.networks.cases import random_frames
from tomato import targets
from tomato.backend.verilog import sources
from tomato.board import synthesis, tools
from tomato.build.gates import FAMILIES
from tomato.core.assets import asset
from tomato.engines.base import AnyUnit
from tomato.targets import Resources
from tools.calibrate.clock import BOARD, FLOW, commands
from tools.calibrate.point import Point
from tools.calibrate.run import netlist, selected

QUEUE = {"Width": 20, "Depth": 600, "Ram": 1, "Second": 1}
FIFO = Point("fifo", "second", "tom_fifo", QUEUE, lambda _: Resources(), "")
ULTRA = Point("fifo", "ultra", "tom_fifo", {"Width": 72, "Depth": 5000, "Ram": 2}, lambda _: Resources(), "")
KINDS = {
    "output": ("DP16KD", {"REGMODE_A", "REGMODE_B"}, "OUTREG"),
    "operands": ("MULT18X18D", {"REG_INPUTA_CLK"}, "CLK0"),
    "product": ("MULT18X18D", {"REG_OUTPUT_CLK"}, "CLK0"),
}
"""Registers of blocks: the cell, and which of its parameters say what."""


def cells(
    point: Point, family: str, commands: Sequence[str], work: Path
) -> tuple[list[Path], Sequence[dict[str, Any]]]:
    """What a point is made of: its cells and their models in Verilog, and the cells as such."""
    made = FAMILIES[family].prepared(
        netlist(point, sources([point.module]).values(), asset("hw", "include"), commands, work)
    )
    (work / "cells.json").write_text(json.dumps(made))
    tools.yosys(FAMILIES[family].simulated(point.module, "cells.json", "gates.v"), work, work / "cells.log")
    models = [asset("sim", "gates", model) for model in FAMILIES[family].models]
    return [work / "gates.v", *models], [*made["modules"][point.module]["cells"].values()]


def registers(found: Sequence[dict[str, Any]]) -> Counter[str]:
    """How many blocks have which registers."""
    return Counter(
        name for block in found for name, (kind, parameters, value) in KINDS.items()
        if block["type"] == kind and value in {block["parameters"].get(parameter) for parameter in parameters}
    )  # fmt: skip


def amd(point: Point, family: str) -> list[str]:
    """How a check synthesises a point, behind the command that reads it."""
    return synthesis.script(FAMILIES[family].flow, point.module, [], [])[1:]


def check(unit: AnyUnit, gates: Sequence[Path]) -> None:
    """Play frames through the cells of an engine."""
    values, golden = random_frames(unit.site.op, unit.site.args, 2, 1)
    ins, out = unit.lanes
    inputs = [port(v, kind, lanes) for v, kind, lanes in zip(values, unit.views, ins, strict=True)]
    run(synthesis.GATES, {}, inputs, [port(golden, unit.out, out)], frames=2, stalls=STALLS[:2], sources=gates)


def named(group: str, name: str, flow: str) -> Point:
    """A point of the calibration."""
    (point,) = (p for p in selected(flow) if (p.group, p.name) == (group, name))
    return point


@pytest.mark.area
@pytest.mark.parametrize(
    ("group", "name", "expected"),
    [
        ("edge_pad_ring", "size20_lanes3_mirrored", {"output": 1}),
        ("piecewise_stream", "lines256_in16_out16_lanes1", {"output": 2, "operands": 1}),
        ("gated_fold", "16x16x16x8_kernel3_0of1_4of8_lanes2x4_taps00_pack1", {"output": 3, "operands": 8}),
        ("multiply_stream", "s8_zero0_lanes1", {"operands": 1}),
        ("dense_fold", "w8_u8_512x48_lanes2x1_pack1_ram1", {"output": 12, "operands": 2}),
    ],
)
def test_cells_of_an_engine_compute_what_golden_does(
    group: str, name: str, expected: dict[str, int], tmp_path: Path
) -> None:
    point, target = named(group, name, FLOW), targets.load(BOARD)
    assert point.unit is not None
    gates, found = cells(point.on(target), FLOW, commands(point), tmp_path)
    assert registers(found) == expected
    check(point.unit(target), gates)


@pytest.mark.area
@pytest.mark.parametrize(
    ("board", "group", "name", "expected"),
    [
        ("pynq-z2", "dense_fold", "w8_u8_16x16_lanes4x4_pack1_ram0", "DSP48E1"),
        ("pynq-z2", "reorder_band", "upsample36_lanes3", "RAMB36E1"),
        ("kv260", "conv2d_window", "w8_u8_12x12x8x8_kernel3_stride1_lanes1x1_taps00_pixels1_pack1_ram1", "DSP48E2"),
        ("kv260", "sparse_fold", "w8_64x32_lanes4x4_parts1_lists1_pack2_left0.25", "RAMB36E2"),
    ],
)
def test_cells_of_amd_compute_what_golden_does(
    board: str, group: str, name: str, expected: str, tmp_path: Path
) -> None:
    point, target = named(group, name, "xcup"), targets.load(board)
    assert point.unit is not None
    gates, found = cells(point.on(target), target.family, amd(point, target.family), tmp_path)
    assert expected in {cell["type"] for cell in found}
    check(point.unit(target), gates)


@pytest.mark.area
def test_an_output_register_with_an_enable_holds_what_waits(tmp_path: Path) -> None:
    gates, found = cells(FIFO, FLOW, commands(FIFO), tmp_path)
    assert registers(found) == {"output": 2}
    words = [(7919 * i) % (1 << 20) for i in range(1500)]
    run(synthesis.GATES, {}, [Port(20, words)], [Port(20, words)], sources=gates)


@pytest.mark.area
def test_ultraram_keeps_what_waits(tmp_path: Path) -> None:
    gates, found = cells(ULTRA, "ultrascale_plus", amd(ULTRA, "ultrascale_plus"), tmp_path)
    assert Counter(cell["type"] for cell in found)["URAM288"] == 2
    words = [pow(3, i, 1 << 72) for i in range(6000)]
    run(synthesis.GATES, {}, [Port(72, words)], [Port(72, words)], sources=gates)
