"""What the simulations build, and where: never from yesterday's sources, and in folders of any name."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import toolchain

import tomato
from tests.unit.frontend.tiny import Tiny, op, randoms
from tomato.accelerator import Accelerator
from tomato.build.simulation import csim, simulate
from tomato.core.assets import tool
from tomato.frontend.names import identifier

ODD = "a b$HOME#c:d'e\"f%;g\\h"
"""A name that neither make nor a shell nor a list of paths takes as it is."""


def small(folder: Path, name: str = "tiny") -> Accelerator:
    """A network that is built in seconds."""
    Tiny([op("Gemm", "x", "w")], inputs={"x": (1, 8)}, constants={"w": randoms(8, 4)}).save(folder)
    return tomato.compile((folder / "tiny.onnx").rename(folder / f"{name}.onnx"), "u250")


def edit(path: Path, old: str, new: str) -> None:
    """Change a file as cp -p, git or rsync do: its time stamp stays."""
    stamp, text = path.stat(), path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


@pytest.mark.rtl
def test_verilog_of_another_content_with_the_same_time(tmp_path: Path) -> None:
    folder = small(tmp_path).write(tmp_path / "out")
    assert simulate(folder)["bit_exact"]
    assert simulate(folder)["build_seconds"] < 1, "nothing has changed"
    top = folder / "rtl" / "tiny.sv"
    edit(top, "  assign s_x_data = s_axis_x_tdata", "  assign s_x_data = ~s_axis_x_tdata")
    assert not simulate(folder)["bit_exact"]
    edit(top, "  assign s_x_data = ~s_axis_x_tdata", "  assign s_x_data = s_axis_x_tdata")
    assert simulate(folder)["bit_exact"]


@pytest.mark.rtl
def test_long_runs_are_optimised_and_short_ones_use_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = small(tmp_path).write(tmp_path / "out")
    with monkeypatch.context() as changed:
        changed.setattr(tool("run"), "FEW_CYCLES", 0)
        assert simulate(folder)["bit_exact"]
    assert simulate(folder)["build_seconds"] < 1
    assert {path.name for path in (folder / "sim").glob("verilator*")} == {"verilator"}


@pytest.mark.rtl
def test_layers_are_timed_in_the_first_frame(tmp_path: Path) -> None:
    made = small(tmp_path)
    found = simulate(made.write(tmp_path / "out"), frames=3)
    layers = {layer["name"]: layer for layer in made.report["layers"]}
    assert found["layers"].keys() == {"x", *layers}
    assert found["layers"]["x"][0] == 0
    for name, layer in layers.items():
        first, last = found["layers"][name]
        assert layer["begins"] <= first <= last
        assert abs(last - layer["ends"]) <= 4


@pytest.mark.rtl
def test_cpp_of_another_content_with_the_same_time(tmp_path: Path) -> None:
    folder = small(tmp_path).write(tmp_path / "out", backends=("hls",))
    assert csim(folder)["bit_exact"]
    assert csim(folder)["build_seconds"] < 1, "nothing has changed"
    (weights,) = (folder / "hls" / "weights").glob("y.hpp")
    old = weights.read_text().split("{0x", 1)[1].split("}", 1)[0]
    edit(weights, f"{{0x{old}}}", "{0x1}")
    assert not csim(folder)["bit_exact"]
    edit(weights, "{0x1}", f"{{0x{old}}}")
    assert csim(folder)["bit_exact"]


@pytest.mark.rtl
def test_folder_whose_name_make_does_not_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both simulations, and the one that stands alone; AMD's headers may lie in such a folder too."""
    folder = small(tmp_path).write(tmp_path / ODD / "out", backends=("verilog", "hls"))
    headers = shutil.copytree(folder / "hls" / "csim", tmp_path / ODD / "headers")
    monkeypatch.setenv("TOMATO_HLS_INCLUDE", str(headers))
    assert simulate(folder)["bit_exact"]
    assert csim(folder)["bit_exact"]
    done = subprocess.run(
        [sys.executable, "sim/run.py", "--frames", "1"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("bit-exact: 1 frames\n"), done.stderr
    assert (folder / "sim" / "verilator_quick" / "built").exists()


@pytest.mark.rtl
def test_a_failing_build_names_the_files_of_the_user(tmp_path: Path) -> None:
    folder = small(tmp_path).write(tmp_path / ODD / "out")
    (folder / "rtl" / "tiny.sv").write_text("module tiny (\n")
    with pytest.raises(tomato.TomatoError, match="the Verilator build failed") as error:
        simulate(folder)
    assert str(folder / "rtl" / "tiny.sv") in str(error.value)
    assert (folder / "sim" / "verilator_quick" / "build.log").exists()
    assert not (folder / "sim" / "verilator_quick" / "built").exists()


@pytest.mark.rtl
@pytest.mark.parametrize("name", ["delete", "tom_axis"])
def test_model_named_after_a_word_of_cpp(name: str, tmp_path: Path) -> None:
    folder = small(tmp_path, name).write(tmp_path / "out", backends=("verilog", "hls"))
    assert (folder / "rtl" / f"{name}_.sv").exists()
    assert csim(folder, frames=1)["bit_exact"]


@pytest.mark.parametrize(
    "name",
    ["auto", "operator", "char", "float", "main", "NULL", "EOF", "errno", "std", "delete", "module", "tb", "frames",
     "tom_fifo", "ap_uint"],
)  # fmt: skip
def test_names_that_are_taken(name: str) -> None:
    assert identifier(name) == f"{name}_"


def test_hash_is_of_names_and_contents(tmp_path: Path) -> None:
    digest, a, b = tool("run").digest, tmp_path / "a", tmp_path / "b"
    a.write_text("12")
    b.write_text("3")
    first = digest([a, b])
    assert first == digest([a, b])
    assert first != digest([b, a])
    assert first != digest([a, b], "-O2")
    a.write_text("1")
    b.write_text("23")
    assert first != digest([a, b])


@pytest.mark.parametrize("name", [" ", "$", "#", ":", "'", '"', ";", "\\", "%", "(", "~", "é", "\n"])
def test_plain_paths(name: str) -> None:
    assert toolchain.is_plain(Path("/home/user_1/build-2/a.b+c"))
    assert not toolchain.is_plain(Path(f"/home/{name}x"))


@pytest.mark.parametrize("name", ["plain", ODD])
def test_modules_of_a_folder_of_any_name(name: str, tmp_path: Path) -> None:
    folder, before = tmp_path / name, list(sys.path)
    folder.mkdir()
    with toolchain.importable(folder):
        assert toolchain.is_plain(Path(sys.path[0]))
        assert Path(sys.path[0]).resolve() == folder
    assert sys.path == before
    assert folder.exists()
