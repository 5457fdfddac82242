"""The command line: what it prints, writes and returns."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tests import digits
from tests.unit.frontend.tiny import THIRDS
from tomato.build.rows import merged
from tomato.cli import main, show
from tomato.frontend.translate import rules
from tomato.quantise.integers import NO_CALIBRATION

ROOT = Path(__file__).parents[2]

COMMANDS = ("compile", "simulate", "evaluate", "inspect", "targets")


@pytest.fixture(autouse=True)
def _no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parallel test runners say COLUMNS to their workers."""
    monkeypatch.delenv("COLUMNS", raising=False)


def run(*arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "digits"
    more = ("--calibrate", digits.CALIBRATION, "--fps", "1000", "--share", "never", "-o", folder, "--quiet")
    run("compile", digits.MODEL, "--target", "pynq-z2", *more)
    return folder


HEAVY = {"numpy", "onnx", "scipy", "rich", "jinja2"}


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_loads_nothing_heavy(command: str | None) -> None:
    """What makes help immediate on every machine: it loads little beside click."""
    arguments = [command] if command else []
    code = (
        "import atexit, sys; atexit.register(lambda: print(len(sys.modules), *sys.modules, file=sys.stderr));"
        "from tomato.cli import main; main(sys.argv[1:], prog_name='tomato')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments, "--help"], capture_output=True, check=True, text=True
    )
    assert done.stdout.startswith("Usage: tomato")
    count, *modules = done.stderr.split()
    assert not HEAVY & set(modules)
    assert int(count) < 200


def test_version() -> None:
    assert run("--version").stdout == "tomato 0.1.0\n"


def test_compile_prints_layers_totals_and_speed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("compile", digits.MODEL, "--target", "u250", "--calibrate", digits.CALIBRATION, "-o", out)
    assert result.stderr == ""
    assert "3,906,250 frames/s at 250 MHz on u250\n" in result.stdout
    assert "interval  64 cycles a frame, set by " in result.stdout
    assert f"written: {out}\n" in result.stdout
    assert "\x1b" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= max(show.WIDTH, len(f"written: {out}"))
    assert not list(tmp_path.glob(".*"))


def test_compile_at_80_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    result = run("compile", digits.MODEL, "--target", "u250", "--calibrate", digits.CALIBRATION)
    table = result.stdout.split("between the layers")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert all(f"{layer['name']} " in table for layer in merged(digits.compiled().report["layers"]))
    assert result.stdout.endswith("written: build/digits\nreport: build/digits/report.html\n")


def test_compile_without_calibration_is_loud(tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("compile", digits.MODEL, "--target", "u250", "-o", out, "--quiet")
    assert result.stderr == f"warning: {NO_CALIBRATION}\n"
    assert result.stdout == ""
    assert json.loads((out / "report.json").read_text())["notes"][0] == NO_CALIBRATION


@pytest.mark.slow
def test_plan_comes_back(build: Path, tmp_path: Path) -> None:
    more = ("--calibrate", digits.CALIBRATION, "--plan", build / "plan.toml", "-o", tmp_path / "again", "--quiet")
    run("compile", digits.MODEL, "--target", "pynq-z2", *more)
    assert (tmp_path / "again/plan.toml").read_bytes() == (build / "plan.toml").read_bytes()


def test_fps_asks_for_the_smallest(build: Path) -> None:
    report = json.loads((build / "report.json").read_text())
    assert 1000 <= report["fps"] < 2000
    assert report["resources"]["lut"] < report["budget"]["lut"] / 4


def test_evaluate(build: Path) -> None:
    result = run("evaluate", build, "--data", digits.TEST, "--limit", "200")
    assert result.stdout.startswith("200 frames\n")
    assert "float (ONNX Runtime)" in result.stdout
    written = json.loads((build / "evaluation.json").read_text())
    assert written["frames"] == 200
    assert written["top1"]["accelerator"] > 0.98
    assert result.stdout.endswith(f"report: {build / 'report.html'}\n")
    assert "measured on 200 frames" in (build / "report.html").read_text()


def test_report(build: Path) -> None:
    (build / "report.html").unlink()
    assert run("report", build, "--compare", build).stdout == f"report: {build / 'report.html'}\n"
    assert "Side by side" in (build / "report.html").read_text()
    refused = run("report", build / "rtl", code=1)
    assert refused.stderr.startswith("error: this is not a folder that tomato compile wrote\n")


def test_inspect() -> None:
    result = run("inspect", digits.MODEL)
    assert result.stdout.endswith("16 nodes, all supported; 533,824 multiply-accumulates, 19,562 parameters\n")


def test_inspect_for_a_target() -> None:
    result = run("inspect", digits.MODEL, "--target", "u250")
    assert "\nfits u250; rough, because the ranges are synthetic:\n" in result.stdout


def test_inspect_of_what_is_not_supported(tmp_path: Path) -> None:
    result = run("inspect", THIRDS.save(tmp_path), "--target", "u250")
    assert "5 nodes, 2 are not supported; " in result.stdout
    assert "no: the operator is not supported" in result.stdout


def test_readme_shows_what_compile_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """--update-golden rewrites the table in the README; the lines of the simulation are written by hand."""
    monkeypatch.chdir(tmp_path)
    arguments = ("--target", "u250", "--calibrate", digits.CALIBRATION, "-o", "build/digits")
    lines = (line.rstrip() for line in run("compile", digits.MODEL, *arguments).stdout.splitlines())
    printed = "\n".join(lines).strip("\n")
    readme = ROOT / "README.md"
    text = readme.read_text()
    before, rest = text.split("-o build/digits\n\n", 1)
    _, after = rest.split("\n$ tomato simulate", 1)
    shown = f"{before}-o build/digits\n\n{printed}\n$ tomato simulate{after}"
    if request.config.getoption("--update-golden"):
        readme.write_text(shown)
    assert readme.read_text() == shown


def test_readme_lists_every_operator() -> None:
    section = (ROOT / "README.md").read_text().split("## What is supported")[1].split("##")[0]
    listed = section.split("\n\n")[2].replace("\n", " ").split(", ")
    assert listed == sorted(rules())


def test_targets(golden: Any) -> None:
    golden(run("targets").stdout)


def test_interrupt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tomato.accelerator.project.write_vectors", stop)
    result = run("compile", digits.MODEL, "--target", "u250", "-o", tmp_path / "out", code=130)
    assert result.stderr.endswith("interrupted\n")
    assert not list(tmp_path.iterdir())


def test_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: object, **__: object) -> None:
        raise AssertionError("ours")

    monkeypatch.setattr("tomato.frontend.inspect", bug)
    result = CliRunner().invoke(main, ["inspect", str(digits.MODEL)])
    assert isinstance(result.exception, AssertionError)


@pytest.mark.rtl
def test_simulate(build: Path) -> None:
    lines = run("simulate", build, "--frames", "2").stdout.splitlines()
    assert lines[0] == "bit-exact: 2 frames"
    report = json.loads((build / "report.json").read_text())
    assert lines[1].endswith(f"cycles measured, {report['interval_cycles']:,} predicted")
    assert json.loads((build / "simulation.json").read_text())["bit_exact"] is True
    assert lines[-1] == f"report: {build / 'report.html'}"
    assert "measured: every beat equals the golden model" in (build / "report.html").read_text()


@pytest.mark.rtl
def test_simulate_frames_of_ones_own(build: Path, tmp_path: Path) -> None:
    x, _ = digits.frames()
    np.save(tmp_path / "x.npy", x[40:42])
    before = (build / "sim/vectors/in_image.hex").read_bytes()
    assert run("simulate", build, "--input", tmp_path / "x.npy").stdout.startswith("bit-exact: 2 frames\n")
    assert (build / "sim/vectors/in_image.hex").read_bytes() != before
    assert run("simulate", build, "--frames", "1", "--stall", "0.2").stdout.startswith("bit-exact: 1 frames\n")
    assert (build / "sim/vectors/in_image.hex").read_bytes() == before


@pytest.mark.rtl
def test_first_wrong_layer_is_named(build: Path) -> None:
    memory = build / "mem/block2_skip_skip_0_Conv.mem"
    right = memory.read_text()
    words = right.split()
    words[5] = f"{int(words[5], 16) ^ 0x55:0{len(words[5])}x}"
    memory.write_text("\n".join(words) + "\n")
    try:
        lines = run("simulate", build, "--frames", "1", code=1).stdout.splitlines()
    finally:
        memory.write_text(right)
    assert lines[0].startswith("NOT bit-exact: ")
    assert lines[1].startswith("  layer classify_Gemm_q, frame 0, row 0, column 0, channel ")
    assert lines[-1].startswith(
        "first difference: layer block2_skip_skip_0_Conv (stream s_block2_skip_skip_0_Conv), frame 0, row 0, "
    )


@pytest.mark.rtl
def test_bisect_of_a_right_design(build: Path) -> None:
    result = run("simulate", build, "--frames", "1", "--bisect")
    assert result.stdout.endswith(
        f"every stream between the layers agrees with the golden model\nreport: {build / 'report.html'}\n"
    )
