"""The resource model against what Yosys measured: stored results, no synthesis."""

import pytest

from calibrate.fit import fit
from calibrate.parts import Point
from calibrate.points import points
from calibrate.run import TARGETS, key, load, selected, summary
from tomato import targets
from tomato.engines import CATALOGUE
from tomato.report import model_error, model_errors

POINTS = list(points())
MEASURED = [(p, load(p.group)[p.name]["xcup"]) for p in POINTS if "xcup" in load(p.group).get(p.name, {})]
ALL = [pytest.param(*m, id=f"{m[0].group}-{m[0].name}") for m in MEASURED]
HELD_OUT = [case for case, (point, _) in zip(ALL, MEASURED, strict=True) if point.held_out]
DEEPEST = 6
"""LUTs between two registers that still meet the clocks of the targets."""
OFF = 0.15
"""Relative error of LUT that the documentation promises for points that took no part in a fit."""


@pytest.mark.parametrize(("point", "found"), HELD_OUT)
def test_lut_of_points_that_took_no_part_in_the_fit(point: Point, found: dict[str, int]) -> None:
    model = point.cost(targets.load(TARGETS["xcup"])).lut
    assert abs(model - found["lut"]) <= max(OFF * found["lut"], 4), f"model {model}, Yosys {found['lut']}"


@pytest.mark.parametrize(("point", "found"), ALL)
def test_dsp_and_block_ram_are_exact(point: Point, found: dict[str, int]) -> None:
    model = point.cost(targets.load(TARGETS["xcup"]))
    assert (model.dsp, model.bram18, model.uram) == (found["dsp"], found["bram18"], found["uram"])


@pytest.mark.parametrize(("point", "found"), ALL)
def test_logic_is_shallow(point: Point, found: dict[str, int]) -> None:
    assert found["levels"] <= DEEPEST, f"{found['levels']} LUTs from {found['path']}"


def test_every_engine_is_measured() -> None:
    assert set(CATALOGUE) <= {point.group for point, _ in MEASURED}


def test_what_is_stored_are_the_points_of_today() -> None:
    stored = {(group, name) for group in {p.group for p in POINTS} for name in load(group)}
    assert stored == {(p.group, p.name) for p, _ in MEASURED} == {(p.group, p.name) for p in POINTS}


@pytest.mark.parametrize("flow", TARGETS)
def test_every_measurement_is_of_the_hardware_as_it_is(flow: str) -> None:
    stored = [(p, load(p.group).get(p.name, {}).get(flow)) for p in POINTS]
    stale = [f"{p.group} {p.name}" for p, found in stored if found and found["key"] != key(p, flow)]
    assert not stale, f"run: python -m calibrate.run --flow {flow}"


def test_every_group_is_measured_and_has_held_out_points() -> None:
    judged = summary(POINTS, "xcup")
    assert set(judged) == {p.group for p in POINTS}
    assert all(row["held_out"] >= 1 for row in judged.values())


def test_the_summary_that_ships_is_that_of_the_data() -> None:
    for flow, board in TARGETS.items():
        assert model_errors(targets.load(board).family) == summary(selected(flow), flow)
    assert model_errors("arria10") == {}


def test_other_families_are_corrected_as_their_measurements_say() -> None:
    assert targets.load(TARGETS["xcup"]).lut_fit == ()
    assert targets.load(TARGETS["ecp5"]).lut_fit == fit("ecp5"), "run: python -m calibrate.fit"


def test_what_is_corrected_is_judged_by_held_out_points() -> None:
    judged = model_errors("ecp5")
    assert all(judged[f.part]["held_out"] >= 1 for f in targets.load(TARGETS["ecp5"]).lut_fit)


def test_blocks_of_other_families_are_enough() -> None:
    target = targets.load(TARGETS["ecp5"])
    for point in selected("ecp5"):
        if found := load(point.group).get(point.name, {}).get("ecp5"):
            model = point.cost(target)
            short = [kind for kind in ("dsp", "bram18") if model[kind] < found[kind]]
            assert not short, f"{point.group} {point.name}"


def test_the_report_says_how_far_the_model_is_off() -> None:
    worst = model_errors("ultrascale_plus")["fork"]["lut_error_max"]
    assert (
        model_error("ultrascale_plus", ["fork"])
        == f"resource model: LUT within {worst:.0%} of Yosys on held-out points"
    )
    unknown = "resource model: not compared with synthesis for {}"
    assert model_error("arria10", ["fork"]) == unknown.format("arria10")
    assert model_error("ultrascale_plus", ["fork", "new_engine"]) == unknown.format("ultrascale_plus")
