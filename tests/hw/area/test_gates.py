"""Cells of engines against golden, with the registers that went into blocks of the ECP5."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.hw.rtl.harness import STALLS, Port, port, run
from tests.networks.cases import random_frames
from tomato import targets
from tomato.backend.verilog import sources
from tomato.board import synthesis, tools
from tomato.board.blocks import with_registers
from tomato.build.gates import FAMILIES
from tomato.core.assets import asset
from tomato.targets import Resources
from tools.calibrate.clock import BOARD, FLOW, commands
from tools.calibrate.point import Point
from tools.calibrate.run import netlist, selected

FAMILY = FAMILIES[FLOW]
QUEUE = {"Width": 20, "Depth": 600, "Ram": 1, "Second": 1}
FIFO = Point("fifo", "second", "tom_fifo", QUEUE, lambda _: Resources(), "")
KINDS = {
    "output": ("DP16KD", "REGMODE_B", "OUTREG"),
    "operands": ("MULT18X18D", "REG_INPUTA_CLK", "CLK0"),
    "product": ("MULT18X18D", "REG_OUTPUT_CLK", "CLK0"),
}
"""Registers of blocks: the cell, and which parameter says what."""


def cells(point: Point, work: Path) -> tuple[list[Path], Counter[str]]:
    """The cells of a point and their models, in Verilog, and how many blocks have which registers."""
    made = with_registers(
        netlist(point, sources([point.module]).values(), asset("hw", "include"), commands(point), work)
    )
    (work / "cells.json").write_text(json.dumps(made))
    script = synthesis.simulated(FAMILY.flow, point.module, FAMILY.yosys, "cells.json", "gates.v")
    tools.yosys(script, work, work / "cells.log")
    blocks = made["modules"][point.module]["cells"].values()
    found = Counter(
        name for block in blocks for name, (kind, parameter, value) in KINDS.items()
        if block["type"] == kind and block["parameters"].get(parameter) == value
    )  # fmt: skip
    return [work / "gates.v", *(asset("sim", "gates", model) for model in FAMILY.ours)], found


@pytest.mark.area
@pytest.mark.parametrize(
    ("group", "name", "expected"),
    [
        ("edge_pad_ring", "size20_lanes3_mirrored", {"output": 1}),
        ("piecewise_stream", "lines256_in16_out16_lanes1", {"output": 2, "product": 1}),
        ("gated_fold", "16x16x16x8_kernel3_0of1_4of8_lanes2x4_taps00_pack1", {"output": 2, "product": 8}),
        ("multiply_stream", "s8_zero0_lanes1", {"operands": 1}),
    ],
)
def test_cells_of_an_engine_compute_what_golden_does(
    group: str, name: str, expected: dict[str, int], tmp_path: Path
) -> None:
    (point,) = (p for p in selected(FLOW) if (p.group, p.name) == (group, name))
    assert point.unit is not None
    unit = point.unit(targets.load(BOARD))
    gates, found = cells(point.on(targets.load(BOARD)), tmp_path)
    assert found == expected
    values, golden = random_frames(unit.site.op, unit.site.args, 2, 1)
    ins, out = unit.lanes
    inputs = [port(v, kind, lanes) for v, kind, lanes in zip(values, unit.views, ins, strict=True)]
    run(synthesis.GATES, {}, inputs, [port(golden, unit.out, out)], frames=2, stalls=STALLS[:2], sources=gates)


@pytest.mark.area
def test_an_output_register_with_an_enable_holds_what_waits(tmp_path: Path) -> None:
    gates, found = cells(FIFO, tmp_path)
    assert found == {"output": 2}
    words = [(7919 * i) % (1 << 20) for i in range(1500)]
    run(synthesis.GATES, {}, [Port(20, words)], [Port(20, words)], sources=gates)
