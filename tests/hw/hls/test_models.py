"""Trained networks through the HLS C++, compiled with g++: every beat equals the golden model, and errors are found.

Those of tests/hw/rtl/ go through it too; these are the others, up to whole ImageNet networks.
"""

from pathlib import Path

import pytest
from click.testing import CliRunner

import tomato
from tests import digits
from tests.models import model_path
from tomato.build.simulation import csim, describe
from tomato.cli import main
from tomato.core.assets import asset

pytestmark = pytest.mark.rtl
FRAMES = 3


@pytest.mark.models
@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("autoencoder_qdq", "zcu104"),
        ("vww_qdq", "zcu104"),
        ("tfc_1w2a_qonnx", "zcu104"),
        ("tfc_2w2a_qonnx", "zcu104"),
        ("mobilenet_v1_025_128_qdq", "zcu104"),
        ("squeezenet11_qdq", "u250"),
        pytest.param("mobilenet_v2_224_qdq", "u250", marks=pytest.mark.area),
    ],
)
def test_models_that_come_quantised(name: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOMATO_HLS_INCLUDE", str(asset("sim", "hls")))  # ours are quicker to compile than AMD's
    folder = tomato.compile(model_path(f"{name}.onnx"), target).write(tmp_path / name, backends=("hls",))
    summary = csim(folder, frames=FRAMES)
    assert summary["bit_exact"], describe(summary)


def test_a_wrong_weight_is_found_and_its_layer_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOMATO_HLS_INCLUDE", str(asset("sim", "hls")))
    folder = tmp_path / "digits"
    run = CliRunner().invoke
    rate = ["--target", "pynq-z2", "--fps", "1000"]  # small loops are quick to compile
    arguments = ["compile", str(digits.MODEL), *rate, "--calibrate", str(digits.CALIBRATION)]
    assert run(main, [*arguments, "--backend", "hls", "-q", "-o", str(folder)]).exit_code == 0
    assert not (folder / "rtl").exists()
    assert run(main, ["simulate", str(folder), "-q", "--frames", "2", "--bisect"]).exit_code == 0

    layer = next(n["name"] for n in tomato.load(folder).report["layers"] if n["weight_bits"])
    weights = folder / "hls" / "weights" / f"{layer}.hpp"
    first = weights.read_text().index("{0x") + len("{0x")
    text = weights.read_text()
    digit = "1" if text[first] != "1" else "2"
    weights.write_text(f"{text[:first]}{digit}{text[first + 1 :]}")
    result = run(main, ["simulate", str(folder), "-q", "--frames", "2"])
    assert result.exit_code == 1
    assert "NOT bit-exact" in result.output
    assert f"first difference: layer {layer} " in result.output
    assert "got " in result.output
    assert "expected " in result.output


def test_what_is_not_there_cannot_be_simulated(tmp_path: Path) -> None:
    compiled = tomato.compile(digits.MODEL, "u250").write(tmp_path / "digits")
    run = CliRunner().invoke
    result = run(main, ["simulate", str(compiled), "--backend", "hls"])
    assert result.exit_code == 1
    assert "compile again with --backend hls" in result.output
    arguments = ["compile", str(digits.MODEL), "--target", "u250", "-o", str(tmp_path / "x")]
    wrong = run(main, [*arguments, "--backend", "vhdl"])
    assert wrong.exit_code == 1
    assert "there is no 'vhdl'" in wrong.output
    assert not (tmp_path / "x").exists()
