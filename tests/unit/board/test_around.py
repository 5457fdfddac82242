"""What stands around a design is counted, and room is left for it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests import digits
from tests.networks.codenets import interval_of, residual
from tomato import board, targets
from tomato.board import serial, shell
from tomato.board.registers import masters
from tomato.core.errors import TomatoError
from tomato.core.ir import Graph
from tomato.lower import lower
from tomato.schedule import schedule
from tomato.schedule.border import NOTHING, Around, Border, border
from tomato.schedule.plan import Plan
from tomato.targets import Resources, Target

GRAPH = residual()
SHELL = Resources(lut=1_000, ff=1_200)


def border_of(graph: Graph, plan: Plan, target: Target) -> Border:
    lowered = lower(graph, plan, target)
    return border(graph, lowered.units, lowered.routes, lowered.reader)


def taken(graph: Graph, plan: Plan, target: Target) -> Resources:
    return sum(lower(graph, plan, target).costs.values(), Resources())


def small(lut: int) -> Target:
    """A board of so many LUTs."""
    return replace(
        targets.load("zcu104"), shell=Resources(), fill=Resources(100, 100, 100, 100, 100),
        budget=targets.load("zcu104").budget._replace(lut=lut),
    )  # fmt: skip


def test_the_border_is_that_of_the_netlist() -> None:
    target = targets.load("u250")
    plan = schedule(GRAPH, target)
    netlist, found = lower(GRAPH, plan, target).netlist, border_of(GRAPH, plan, target)
    assert found.inputs == netlist.inputs
    assert [(s.value, s.width, s.frame_beats) for s in found.outputs] == [
        (s.value, s.width, s.frame_beats) for s in netlist.outputs
    ]
    assert (found.interval, found.load_beats) == (interval_of(GRAPH, plan, target), 0)


def test_a_design_leaves_room_for_what_stands_around_it() -> None:
    lut = 100_000
    for _ in range(2):  # with fewer LUTs products are in DSP blocks
        lut = taken(GRAPH, schedule(GRAPH, small(lut)), small(lut)).lut
    full = small(lut + SHELL.lut // 2)
    alone, beside = schedule(GRAPH, full), schedule(GRAPH, full, around=Around("axi", lambda _: SHELL))
    assert not (taken(GRAPH, alone, full) + SHELL).fits(full.usable)
    assert (taken(GRAPH, beside, full) + SHELL).fits(full.usable)
    assert interval_of(GRAPH, beside, full) >= interval_of(GRAPH, alone, full)


@pytest.mark.parametrize("name", ["kv260", "u250", "arria10-gx1150", "ulx3s"])
def test_the_report_tells_of_the_shell_and_the_chip_holds_both(name: str) -> None:
    report = digits.compiled(name).report
    around = Resources(**report["shell"]["resources"])
    assert report["shell"]["kind"] == ("serial" if name == "ulx3s" else "axi")
    assert around.lut > 1_000
    assert (Resources(**report["resources"]) + around).fits(targets.load(name).usable)


def test_a_serial_shell_is_what_its_description_says(tmp_path: Path) -> None:
    accelerator = digits.compiled("ulx3s")
    described = json.loads((accelerator.write(tmp_path / "build") / "board" / "serial.json").read_text())
    assert accelerator.report["shell"] == {"kind": "serial", "resources": described["resources"]}


def test_an_axi_shell_is_its_parts() -> None:
    target = targets.load("kv260")
    two = border_of(GRAPH, schedule(GRAPH, target), target)
    more = replace(two, inputs=two.inputs * 2, load_beats=100)
    cost = board.around("axi", target).cost
    assert cost(two) == shell.cost(masters(two), target)
    assert (cost(more) - cost(two)).lut > 2 * 300
    assert board.around("none", target) is board.around("none", targets.load("ulx3s")) is NOTHING


def test_a_network_that_fits_alone_is_told_so() -> None:
    target = targets.load("kv260")
    everything = Around("axi", lambda _: target.budget)
    with pytest.raises(TomatoError) as error:
        schedule(GRAPH, target, around=everything, model="net.onnx")
    assert error.value.what.endswith("; without the shell around it, it can be built")
    assert (error.value.where, error.value.hint) == (
        "net.onnx",
        "compile with --shell none, and connect the streams yourself, or choose a larger board",
    )
    for around in (everything, NOTHING):
        with pytest.raises(TomatoError, match="frames/s is out of reach on kv260") as error:
            schedule(GRAPH, target, around=around, fps=1e12)
        assert "shell" not in str(error.value)


def test_a_shell_that_is_not_needed_goes_where_there_is_no_room() -> None:
    target = targets.load("ulx3s")
    assert not board.around("axi", target).needed
    plan = schedule(GRAPH, target, around=Around("serial", lambda _: target.budget, needed=False))
    assert plan == schedule(GRAPH, target)


def test_stores_of_whole_frames_are_left_room() -> None:
    target = targets.load("ulx3s")
    big = residual(40, 16)
    around = board.around("axi", target)
    plan = schedule(big, target, around=around)
    ports = map(serial.port_of, border_of(big, plan, target).inputs)
    assert serial.store_blocks(ports, target) > 10
    assert (taken(big, plan, target) + around.cost(border_of(big, plan, target))).fits(target.usable)
