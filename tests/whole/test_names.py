"""ONNX names are the user's: commas, spaces and quotes in them part nothing."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tomato
from tests.unit.frontend.tiny import Tiny, op, randoms
from tomato.cli import show
from tomato.host.data import Data
from tomato.measure.evaluate import evaluate
from tomato.quantise.precision import Precision
from tomato.schedule.plan import read_wishes

NAMES = "a, b", 'say "c", d', "it's, e", " [f], 'g' ,\"h\""


def network(folder: Path) -> Path:
    """Two convolutions and what limits them, under names with everything in them."""
    nodes = [
        op("Conv", "x", "v", to="one", name=NAMES[0]),
        op("Relu", "one", to="two", name=NAMES[1]),
        op("Conv", "two", "w", to="three", name=NAMES[2]),
        op("Relu", "three", to="y", name=NAMES[3]),
    ]
    constants = {"v": randoms(4, 4, 1, 1), "w": randoms(4, 4, 1, 1, seed=1)}
    return Tiny(nodes, {"x": (1, 4, 6, 6)}, constants=constants).save(folder)


def test_odd_names_reach_the_report_and_every_layer_is_compared(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(8, 4, 6, 6)).astype(np.float32)
    compiled = tomato.compile(network(tmp_path), "kv260", calibration=x)
    folder = compiled.write(tmp_path / "build")
    layers = json.loads((folder / "report.json").read_text())["layers"]
    assert tuple(dict.fromkeys(name for layer in layers for name in layer["onnx"])) == NAMES
    loaded = tomato.load(folder)
    assert [n.origin for n in loaded.graph] == [n.origin for n in compiled.graph]
    result = evaluate(loaded, Data(x))
    assert [layer["onnx"] for layer in result["layers"]] == [NAMES[1], NAMES[3]]
    assert all(layer["sqnr_db"] > 20 for layer in result["layers"])


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_quotes_is_taken_as_it_is(name: str) -> None:
    precision = Precision.parse(f"w8a8, \"{name}\"=w3a5, 'nobody, here*'=ternary")
    assert tuple(precision.overrides) == (name, "nobody, here*")
    assert Precision.parse(str(precision)) == precision


@pytest.mark.parametrize("name", [NAMES[0], NAMES[2]])
def test_a_precision_finds_an_odd_name(name: str, tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(8, 4, 6, 6)).astype(np.float32)
    compiled = tomato.compile(network(tmp_path), "kv260", calibration=x, precision=f'w8a8, "{name}"=w3a8')
    widths = {layer["onnx"][0]: layer["weight_bits"] for layer in compiled.report["layers"] if layer["weight_bits"]}
    assert widths == {NAMES[0]: 8 * 16, NAMES[2]: 8 * 16} | {name: 3 * 16}
    plan = compiled.write(tmp_path / "build") / "plan.toml"
    assert read_wishes(plan).precision == compiled.plan.precision


def test_comparing_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    result: dict[str, Any] = {"frames": 1, "top1": None, "agreement": None, "outputs": [], "codes": None,
              "saturation": None, "layers": [], "layer_frames": 1}  # fmt: skip
    show.evaluation(result, brief=False)
    assert "no layer has a value of the float model to be compared with" in capsys.readouterr().out
