"""The resource model against what Yosys measured: stored results, no synthesis."""

from statistics import median

import pytest

from tomato import targets
from tomato.build.report import model_error, model_errors
from tomato.engines import CATALOGUE
from tomato.targets import Resources
from tools.calibrate import errors
from tools.calibrate.fit import FITTED, LUT_FIT, document, fit
from tools.calibrate.point import Point
from tools.calibrate.points import points
from tools.calibrate.run import TARGETS, key, load, selected, summary

POINTS = list(points())
BOARDS = {flow: targets.load(board) for flow, board in TARGETS.items()}
SELECTED = {flow: selected(flow) for flow in TARGETS}
STORED = {group: load(group) for group in {point.group for point in POINTS}}
MEASURED = [
    (flow, point, found)
    for flow, chosen in SELECTED.items()
    for point in chosen
    if (found := STORED[point.group].get(point.name, {}).get(flow))
]
ALL = [pytest.param(*m, id=f"{m[0]}-{m[1].group}-{m[1].name}") for m in MEASURED]
HELD_OUT = [case for case, (flow, point, _) in zip(ALL, MEASURED, strict=True) if point.judges == flow]
DEEPEST = {"xcup": 6, "ecp5": 7}
"""LUTs between two registers that still meet the clocks of the targets."""
DEEPER = {"axi_read": 13, "axi_write": 12, "recurrent_loop": 9}
"""Those of the shell's parts that move bytes, docs/boards.md says what that means, and of a GRU behind its product."""
OFF = 0.15
"""Relative error of LUT that the documentation promises for points that took no part in a fit."""
CHAOTIC = {("ecp5", "width"): 0.27, ("ecp5", "axi_control"): 0.30}
"""The error where Yosys pays any price for a shorter path: docs/resources.md says where and how much."""


def modelled(flow: str, point: Point) -> Resources:
    return BOARDS[flow].fitted(point.group, point.cost(BOARDS[flow]))


@pytest.mark.parametrize(("flow", "point", "found"), HELD_OUT)
def test_lut_of_points_that_took_no_part_in_the_fit(flow: str, point: Point, found: dict[str, int]) -> None:
    model = modelled(flow, point).lut
    off = CHAOTIC.get((flow, point.group), OFF)
    assert abs(model - found["lut"]) <= max(off * found["lut"], 4), f"model {model}, Yosys {found['lut']}"


@pytest.mark.parametrize("flow", TARGETS)
@pytest.mark.parametrize("group", ["axi_control", "axi_read", "axi_write", "checksum"])
def test_parts_of_the_shell_are_counted_at_every_point(group: str, flow: str) -> None:
    pairs = [(modelled(flow, point), found) for of, point, found in MEASURED if (of, point.group) == (flow, group)]
    off = [abs(model.lut - found["lut"]) / found["lut"] for model, found in pairs]
    chaotic = (flow, group) in CHAOTIC
    assert median(off) <= (0.15 if chaotic else 0.10)
    assert max(off) <= CHAOTIC.get((flow, group), 0.25)
    assert all(abs(model.ff - found["ff"]) <= 0.01 * found["ff"] for model, found in pairs)


@pytest.mark.parametrize(("flow", "point", "found"), ALL)
def test_dsp_and_block_ram_are_exact(flow: str, point: Point, found: dict[str, int]) -> None:
    model = modelled(flow, point)
    assert (model.dsp, model.bram18, model.uram) == (found["dsp"], found["bram18"], found["uram"])


@pytest.mark.parametrize(("flow", "point", "found"), ALL)
def test_logic_is_shallow(flow: str, point: Point, found: dict[str, int]) -> None:
    assert found["levels"] <= DEEPER.get(point.group, DEEPEST[flow]), f"{found['levels']} LUTs from {found['path']}"


def test_every_engine_is_measured() -> None:
    """But for those that read memory beside the chip: docs/memory.md says that theirs are formulas."""
    engines = {stem for stem, engine in CATALOGUE.items() if not engine.fetches}
    for flow in TARGETS:
        assert engines <= {point.group for measured, point, _ in MEASURED if measured == flow}


def test_what_is_stored_are_the_points_of_today() -> None:
    stored = {(flow, group, name) for group, known in STORED.items() for name, found in known.items() for flow in found}
    assert stored == {(flow, p.group, p.name) for flow, chosen in SELECTED.items() for p in chosen}


@pytest.mark.parametrize("flow", TARGETS)
def test_every_measurement_is_of_the_hardware_as_it_is(flow: str) -> None:
    measured = [(point, found) for of, point, found in MEASURED if of == flow]
    stale = [f"{p.group} {p.name}" for p, found in measured if found["key"] != key(p, flow)]
    assert not stale, f"run: python -m tools.calibrate.run --flow {flow}"


@pytest.mark.parametrize("flow", TARGETS)
def test_every_group_is_measured_and_has_held_out_points(flow: str) -> None:
    judged = summary(SELECTED[flow], flow)
    assert set(judged) == {p.group for p in POINTS}
    assert all(row["held_out"] >= 1 for row in judged.values())


def test_the_summary_that_ships_is_that_of_the_data() -> None:
    for flow in TARGETS:
        assert model_errors(BOARDS[flow].family) == summary(SELECTED[flow], flow)
    assert model_errors("arria10") == {}


def test_other_families_are_corrected_as_their_measurements_say() -> None:
    assert BOARDS["xcup"].lut_fit == ()
    assert BOARDS["ecp5"].lut_fit == fit("ecp5")
    assert LUT_FIT.read_text() == document(FITTED), "run: python -m tools.calibrate.fit"


def test_the_document_tells_the_errors_of_ecp5() -> None:
    assert errors.DOCUMENT.read_text() == errors.document(), "run: python -m tools.calibrate.errors"


def test_the_report_says_how_far_the_model_is_off() -> None:
    worst = model_errors("ultrascale_plus")["fork"]["lut_error_max"]
    assert (
        model_error("ultrascale_plus", ["fork"])
        == f"resource model: LUT within {worst:.0%} of Yosys on held-out points"
    )
    unknown = "resource model: not compared with synthesis for {}"
    assert model_error("arria10", ["fork"]) == unknown.format("arria10")
    assert model_error("ultrascale_plus", ["fork", "new_engine"]) == unknown.format("ultrascale_plus")
