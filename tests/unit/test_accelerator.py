"""A compiled network: golden model, build folder, and back."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tomato
from tests import digits
from tomato.core.errors import TomatoError


def text_files(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.suffix != ".npz"
    }


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return digits.compiled().write(tmp_path_factory.mktemp("build") / "digits")


@pytest.mark.slow
def test_compiling_twice_gives_the_same_bytes(build: Path, tmp_path: Path) -> None:
    digits.compiled.cache_clear()
    again = digits.compiled().write(tmp_path / "digits")
    assert text_files(again) == text_files(build)


@pytest.mark.parametrize("name", ["rtl/digits.sv", "README.md", "plan.toml"], ids=["top", "readme", "plan"])
def test_text(name: str, build: Path, golden: Callable[[str], None]) -> None:
    golden((build / name).read_text())


@pytest.mark.slow
def test_loading_gives_the_same_golden_model(build: Path) -> None:
    x, _ = digits.frames()
    loaded, acc = tomato.load(build), digits.compiled()
    assert np.array_equal(loaded.golden(x), acc.golden(x))
    assert loaded.plan == acc.plan
    assert loaded.report["interval_cycles"] == acc.report["interval_cycles"]
    assert loaded.report["resources"] == acc.report["resources"]


def test_codes_are_what_scores_are_made_of() -> None:
    x, _ = digits.frames()
    acc = digits.compiled()
    codes, scores = acc.golden(x[:3], codes=True), acc.golden(x[:3])
    encoding = acc.graph.encodings[acc.outputs[0].value]
    assert codes.dtype == np.int64
    assert np.array_equal(scores, encoding.decode(codes).astype(np.float32))


def test_writing_again_keeps_what_is_not_ours(tmp_path: Path) -> None:
    folder = digits.compiled().write(tmp_path / "out")
    (folder / "notes.txt").write_text("mine")
    (folder / "simulation.json").write_text("stale")
    digits.small().write(folder)
    assert (folder / "notes.txt").read_text() == "mine"
    assert not (folder / "simulation.json").exists()
    assert 'target = "pynq-z2"' in (folder / "plan.toml").read_text()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_folder_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(TomatoError, match="nothing was touched"):
        digits.compiled().write(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_wrong_number_of_inputs() -> None:
    x, _ = digits.frames()
    with pytest.raises(TomatoError) as error:
        digits.compiled().golden(x, x)
    assert str(error.value) == "error: 2 arrays given, but the model has 1 inputs: image"


@pytest.mark.rtl
def test_simulation_equals_the_golden_model(tmp_path: Path) -> None:
    x, _ = digits.frames()
    acc = digits.small()
    assert np.array_equal(acc.simulate(x[:2], folder=tmp_path / "out"), acc.golden(x[:2]))


def test_another_backend_takes_the_place_of_the_first(tmp_path: Path) -> None:
    folder = digits.small().write(tmp_path / "out", backends=("verilog",))
    assert {"rtl", "mem", "Makefile"} <= {p.name for p in folder.iterdir()}
    digits.small().write(folder, backends=("hls",))
    assert not {"rtl", "mem", "Makefile"} & {p.name for p in folder.iterdir()}
    assert "rtl/" not in (folder / "README.md").read_text()
    assert (folder / "hls" / "Makefile").exists()
