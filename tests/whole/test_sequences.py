"""A model with states from the command line: compiled, evaluated and simulated as sequences of frames."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tests.networks.sequences import frames, one_layer, stacked
from tomato.build.simulation import simulate
from tomato.cli import main

STORED, PLAYED = 4, 11
"""Frames that are given, and frames that are played: twice the whole sequence and a part of it."""


def run(*arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two LSTMs, whose states are one input and one output of the model."""
    folder = tmp_path_factory.mktemp("sequences")
    np.savez(folder / "calibration.npz", x=frames(128))
    model = stacked(folder / "stacked.onnx")
    more = ("--calibrate", folder / "calibration.npz", "--state", "s=sn", "--backend", "verilog,hls")
    run("compile", model, "--target", "kv260", *more, "-o", folder / "build", "--quiet")
    np.savez(folder / "x.npz", x=frames(STORED, seed=1))
    np.savez(folder / "long.npz", x=frames(150, seed=1))
    return folder / "build"


def test_a_build_folder_says_that_its_frames_are_a_sequence(build: Path) -> None:
    for name in ("host/host.json", "sim/design.json"):
        assert json.loads((build / name).read_text())["sequence"] is True, name


def test_evaluate_feeds_states_back(build: Path) -> None:
    run("evaluate", build, "--data", build.parent / "long.npz", "--quiet")
    found = json.loads((build / "evaluation.json").read_text())
    assert found["frames"] == 150
    assert found["outputs"][0]["sqnr_db"] > 30


def test_inspect_knows_states(tmp_path: Path) -> None:
    model = one_layer(tmp_path / "gru.onnx")
    told = run("inspect", model, "--state", "h=hn", "--target", "kv260", "--quiet").output
    assert "GRU" in told


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["h"], "error: --state h: expected INPUT=OUTPUT\n  hint: such as --state h_in=h_out"),
        (["=hn"], "error: --state =hn: expected INPUT=OUTPUT"),
        (["h=hn", "h=y"], "error: --state h=y: the input 'h' is named twice"),
        (["h=hm"], "error: --state: there is no output 'hm'"),
    ],
)
def test_states_that_are_none(given: list[str], said: str, tmp_path: Path) -> None:
    model = one_layer(tmp_path / "gru.onnx")
    options = [word for text in given for word in ("--state", text)]
    result = CliRunner().invoke(main, ["inspect", str(model), *options])
    assert result.exit_code == 1
    assert said in str(result.output)


@pytest.mark.rtl
def test_vectors_that_begin_anew_are_a_new_sequence(build: Path) -> None:
    """In both languages; without a reset where they do, the second sequence differs in its first frame."""
    play = ("simulate", build, "--input", build.parent / "x.npz", "--frames", str(PLAYED), "--quiet")
    assert f"bit-exact: {PLAYED} frames" in run(*play).output
    assert f"bit-exact: {PLAYED} frames" in run(*play, "--backend", "hls").output
    design = build / "sim" / "design.json"
    kept = design.read_text()
    design.write_text(kept.replace('"sequence": true', '"sequence": false'))
    try:
        found = simulate(build, frames=PLAYED)
    finally:
        design.write_text(kept)
    assert not found["bit_exact"]
    assert found["first_mismatches"][0]["frame"] == STORED
