"""A wheel, installed where there is no checkout, has everything the compiler needs."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest

from tomato.core.assets import asset
from tomato.core.errors import TomatoError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment that has the wheel.

    The dependencies are those of the running environment, linked in behind it; `tomato` itself
    is found first, in the wheel. A checkout installed as editable is left out: .pth files count
    only in real site directories.
    """
    work = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(work)]
    run([*build, str(ROOT)], ROOT)
    (wheel,) = work.glob("tomato-*.whl")
    home = work / "env"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    site = Path(run([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], work).strip())
    (site / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n")
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    run([*install, "--ignore-installed", str(wheel)], work)
    return python


def run(command: list[str], folder: Path) -> str:
    """What the command prints; its failure is the test's failure, with everything it said."""
    clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=clean, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def files(folder: Path) -> set[str]:
    """Files below a folder, without what Python and editors leave behind."""
    found = (p.relative_to(folder) for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return {p.as_posix() for p in found}


def test_asset_in_a_checkout() -> None:
    assert asset("hw", "rtl") == ROOT / "hw/rtl"


def test_missing_asset_says_what_to_do() -> None:
    with pytest.raises(TomatoError) as error:
        asset("hw", "nothing.sv")
    where = ROOT / "hw/nothing.sv"
    assert str(error.value) == (
        f"error: hw/nothing.sv is missing from the installation\n  --> {where}\n  hint: reinstall tomato"
    )


def test_lock_pins_every_requirement() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + [r for extra in extras.values() for r in extra if not r.startswith("tomato[")]
    lines = [s for s in (ROOT / "requirements.lock").read_text().lower().splitlines() if not s.startswith("#")]
    assert all(s.count("==") == 1 for s in lines)
    assert {r.split(">=")[0] for r in wanted} <= {s.split("==")[0] for s in lines}


@pytest.mark.slow
def test_wheel_does_not_use_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = Path(run([str(installed), "-c", "import tomato; print(tomato.__path__[0])"], tmp_path).strip())
    assert where.is_relative_to(installed.parents[1])


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["templates", "hw", "sim"])
def test_wheel_has_every_asset(installed: Path, tmp_path: Path, folder: str) -> None:
    if not files(ROOT / folder):
        pytest.skip(f"{folder}/ is empty")
    code = f"from tomato.core.assets import asset; print(asset({folder!r}))"
    packed = Path(run([str(installed), "-c", code], tmp_path).strip())
    assert packed.is_relative_to(installed.parents[1])
    assert files(packed) == files(ROOT / folder)


@pytest.mark.slow
def test_wheel_has_every_target(installed: Path, tmp_path: Path) -> None:
    code = "from tomato import targets; print(*(targets.load(n).name for n in targets.names()))"
    boards = sorted(p.stem for p in (ROOT / "tomato/targets/boards").glob("*.toml"))
    assert run([str(installed), "-c", code], tmp_path).split() == boards


@pytest.mark.slow
def test_wheel_has_every_module(installed: Path, tmp_path: Path) -> None:
    package = Path(run([str(installed), "-c", "import tomato; print(tomato.__path__[0])"], tmp_path).strip())
    assert {f for f in files(package) if not f.startswith("_assets/")} == files(ROOT / "tomato")


@pytest.mark.rtl
def test_wheel_compiles_and_simulates(installed: Path, tmp_path: Path) -> None:
    """No file of the checkout but the example itself is at hand."""
    for path in (ROOT / "examples/digits").iterdir():
        shutil.copy(path, tmp_path)
    tomato = [str(installed), "-m", "tomato"]
    data = ["--calibrate", "digits_calibration.npz", "--fps", "1000", "--quiet"]
    run([*tomato, "compile", "digits.onnx", "--target", "pynq-z2", *data], tmp_path)
    assert run([*tomato, "simulate", "build/digits", "--frames", "2"], tmp_path).startswith("bit-exact: 2 frames\n")
    assert run([*tomato, "evaluate", "build/digits", "--data", "digits_test.npz"], tmp_path).startswith("599 frames\n")


@pytest.mark.rtl
def test_build_folder_simulates_without_tomato(installed: Path, tmp_path: Path) -> None:
    data = ["--calibrate", str(ROOT / "examples/digits/digits_calibration.npz"), "--fps", "1000", "--quiet"]
    model = str(ROOT / "examples/digits/digits.onnx")
    run([str(installed), "-m", "tomato", "compile", model, "--target", "pynq-z2", *data, "-o", "out"], tmp_path)
    hide = "import sys, runpy; sys.modules['tomato'] = None; sys.argv.pop(0)"
    script = f"{hide}; runpy.run_path(sys.argv[0], run_name='__main__')"
    alone = [str(installed), "-c", script, "sim/run.py", "--frames", "1"]
    assert run(alone, tmp_path / "out").startswith("bit-exact: 1 frames\n")
