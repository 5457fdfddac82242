"""Multipliers of both kinds in a layer: chosen where that is faster, told in the plan, and taken back from it."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

import tomato
from tests.digits import MODEL, frames
from tests.networks.cases import CASES, make_site
from tomato import board, targets
from tomato.accelerator import Accelerator
from tomato.build.rows import unrolling
from tomato.core.formats import Codes, Tensor
from tomato.core.ir import TensorType
from tomato.engines import CATALOGUE
from tomato.engines.mixed_fold import MixedFold
from tomato.ops.dense import Dense
from tomato.schedule import mixing, schedule
from tomato.schedule.plan import read_wishes
from tomato.schedule.units import bind
from tomato.targets import Resources


@cache
def both() -> Accelerator:
    """The digits network in formats in which it has layers of both kinds."""
    return tomato.compile(MODEL, "ulx3s", calibration=frames()[0], precision="w6a6", share="never")


def test_a_design_is_faster_with_both_kinds_than_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    accelerator = both()
    graph, target = accelerator.graph, accelerator.target
    units = bind(graph, accelerator.plan.layers, target)
    mixed = [unit for unit in units.values() if isinstance(unit, MixedFold)]
    assert mixed
    assert all(0 < unit.cost.dsp < unit.whole.cost.dsp for unit in mixed), "filters in LUTs take no blocks"
    used, interval = Resources(**accelerator.report["resources"]), accelerator.report["interval_cycles"]
    assert used.fits(target.usable)
    monkeypatch.setattr("tomato.schedule.held_up", lambda used, target: False)
    around = board.around(accelerator.shell, target)
    plain = bind(graph, schedule(graph, target, around=around).layers, target)
    assert not any(isinstance(unit, MixedFold) for unit in plain.values())
    assert interval < max(unit.cycles for unit in plain.values())


def test_the_row_of_a_layer_says_how_many_filters_multiply_in_luts() -> None:
    found = [layer for layer in both().report["layers"] if layer["engine"] == "mixed_fold"]
    assert found
    assert all(f", {layer['unrolling']['in_luts']} in LUTs" in unrolling(layer) for layer in found)


def test_a_plan_says_it_and_is_taken_back(tmp_path: Path) -> None:
    accelerator = both()
    (tmp_path / "plan.toml").write_text(accelerator.plan.to_toml())
    again = schedule(accelerator.graph, accelerator.target, wishes=read_wishes(tmp_path / "plan.toml"))
    assert again.layers == accelerator.plan.layers


def test_only_a_full_chip_of_one_region_is_planned_once_more() -> None:
    kv260, u250 = targets.load("kv260"), targets.load("u250")
    assert mixing.held_up(kv260.usable._replace(lut=0), kv260)
    assert mixing.held_up(kv260.usable._replace(dsp=0), kv260)
    assert not mixing.held_up(Resources(lut=kv260.usable.lut // 2, dsp=kv260.usable.dsp // 2), kv260)
    assert not mixing.held_up(u250.usable, u250)


REFUSED = {
    "depthwise": (CASES["depthwise"], "filters of one channel share no inputs"),
    "signs": (
        (Dense(Tensor(np.resize([-1, 1], (6, 12)))), CASES["dense"][1]),
        "its weights are signs, which need no multipliers",
    ),
    "one_block": (
        (Dense(Tensor(np.arange(-6, 6).reshape(6, 2))), (TensorType((6, 5, 6), Codes.of(4, signed=True)),)),
        "as many filters as are needed at once share a DSP block",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_layer_of_one_kind_is_refused(name: str) -> None:
    (op, args), reason = REFUSED[name]
    assert CATALOGUE["mixed_fold"].refuses(make_site(op, args)) == reason


def test_knobs_of_no_mix_are_refused() -> None:
    engine, site = CATALOGUE["mixed_fold"], make_site(*CASES["dense"])
    knobs = next(iter(engine.choices(site)))
    all_in_luts = engine.refuses_knobs(site, {**knobs, "in_luts": knobs["lanes_out"]})
    assert all_in_luts.startswith((f"in_luts = {knobs['lanes_out']} (one of ", "this combination is beaten"))
