"""The precision that a plan carries: written, read, edited and combined with what is asked for."""

from dataclasses import replace
from pathlib import Path

import pytest

import tomato
from tests import digits
from tomato.accelerator import load
from tomato.passes.precision import LayerFormat, Precision
from tomato.schedule.plan import Plan, read_wishes

ODD = Precision.parse('shift4a6, conv*=ternary, /fc"1\\?=w1a2, [ab]=codebook3a8, x=w8a4')


@pytest.mark.parametrize("precision", [ODD, replace(ODD, output_bits=12), Precision.parse("w16a16")])
def test_precision_survives_the_file(precision: Precision, tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(Plan("u250", 300.0, {}, precision=precision).to_toml())
    assert read_wishes(file).precision == precision


def test_the_usual_precision_is_not_written(tmp_path: Path) -> None:
    text = Plan("u250", 300.0, {}).to_toml()
    assert "precision" not in text
    (tmp_path / "plan.toml").write_text(text)
    assert read_wishes(tmp_path / "plan.toml").precision is None


@pytest.mark.slow
def test_a_plan_asks_and_a_call_overrules(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text('[precision]\ndefault = "ternary"\n"block1*" = "w3a4"\n')
    planned = tomato.compile(digits.MODEL, "u250", plan=plan)
    assert planned.plan.precision == Precision.parse("ternary, block1*=w3a4")
    both = tomato.compile(digits.MODEL, "u250", plan=plan, precision="w6a8, stem*=w5")
    assert both.plan.precision == Precision(6, 8, overrides={"stem*": LayerFormat(5, 8), "block1*": LayerFormat(3, 4)})
    folder = both.write(tmp_path / "build")
    assert load(folder).plan == both.plan
    again = tomato.compile(digits.MODEL, "u250", plan=folder / "plan.toml")
    assert again.graph == both.graph
