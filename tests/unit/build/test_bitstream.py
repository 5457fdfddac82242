"""tomato build, as far as it goes without a tool."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import tomato
from tests import digits
from tomato.board import tools
from tomato.build import bitstream, gates
from tomato.cli import main
from tomato.core.errors import TomatoError


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("builds")
    acc = {name: digits.compiled(name) for name in ("ulx3s", "u250", "arria10-gx1150")}
    acc["mine"] = replace(acc["u250"], target=replace(acc["u250"].target, name="mine"))
    return {name: made.write(root / name) for name, made in acc.items()}


def test_an_unknown_board_says_which_are_known(folders: dict[str, Path]) -> None:
    with pytest.raises(TomatoError) as caught:
        bitstream.build(folders["mine"])
    assert caught.value.what == "nothing is known of the pins of mine"
    assert caught.value.hint == (
        "boards for which a bitstream can be made here: colorlight-i5, colorlight-i9, orangecrab, tang-nano-20k, ulx3s"
    )


def test_a_vendors_flow_says_where_to_run_it(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    flow = folders["u250"] / "board" / "vitis"
    (flow / "Makefile").write_text("all:\n\ttouch made\n")
    monkeypatch.setattr("shutil.which", lambda tool: None)
    with pytest.raises(TomatoError) as caught:
        bitstream.build(folders["u250"])
    assert caught.value.what == "v++ is not on this machine, and no other tool makes a file for this board"
    assert caught.value.hint.endswith("has v++, and there: make -C board/vitis")
    monkeypatch.setattr("shutil.which", lambda tool: tool)
    assert bitstream.build(folders["u250"]) == {"flow": "vitis", "folder": "board/vitis"}
    assert (flow / "made").exists()
    (flow / "Makefile").unlink()


def test_the_page_is_renewed(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    (folders["u250"] / "board" / "vitis" / "Makefile").write_text("all:\n\ttouch made\n")
    (folders["u250"] / "report.html").unlink()
    monkeypatch.setattr("shutil.which", lambda tool: tool)
    done = CliRunner().invoke(main, ["build", str(folders["u250"])])
    assert done.output.splitlines()[-1] == f"report: {folders['u250'] / 'report.html'}"
    assert (folders["u250"] / "report.html").exists()


def test_a_missing_tool_says_how_to_get_it(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "NEXTPNR", tools.Tool("no-such-nextpnr", "no_such_package", "run"))
    with pytest.raises(TomatoError) as caught:
        bitstream.build(folders["ulx3s"])
    assert (caught.value.what, caught.value.hint) == ("no-such-nextpnr is not installed", "pip install 'tomato[open]'")


def test_a_tool_that_fails_leaves_its_log(tmp_path: Path) -> None:
    with pytest.raises(TomatoError) as caught:
        tools.run(["sh", "-c", "echo ERROR: too big; exit 3"], tmp_path, tmp_path / "log", what="placement")
    assert (caught.value.what, caught.value.where) == ("placement failed: ERROR: too big", str(tmp_path / "log"))
    assert (tmp_path / "log").read_text() == "ERROR: too big\n"


def test_a_shell_that_was_refused_says_why(folders: dict[str, Path]) -> None:
    path = folders["ulx3s"] / "board" / "serial.json"
    kept = path.read_text()
    path.write_text(json.dumps({"refused": "no room", "hint": "another board"}))
    with pytest.raises(TomatoError, match="no room"):
        bitstream.build(folders["ulx3s"])
    path.write_text(kept)


def test_cells_without_models_are_refused(folders: dict[str, Path]) -> None:
    with pytest.raises(TomatoError, match="the cells of arria10 have no models here"):
        gates.check(folders["arria10-gx1150"])


def test_the_prediction_counts_the_shell(folders: dict[str, Path]) -> None:
    report = json.loads((folders["ulx3s"] / "report.json").read_text())
    shell = json.loads((folders["ulx3s"] / "board" / "serial.json").read_text())
    found = bitstream.predicted(report, shell)
    assert found["lut"] == report["resources"]["lut"] + shell["resources"]["lut"]
    assert set(found) == {"lut", "ff", "dsp", "bram18"}


def test_a_new_compilation_takes_the_result_of_the_one_before_away(tmp_path: Path) -> None:
    acc: tomato.Accelerator = digits.compiled("ulx3s")
    folder = acc.write(tmp_path / "again")
    (folder / "build.json").write_text("{}")
    (folder / "board" / "ecp5" / "old.bit").touch()
    acc.write(folder)
    assert not (folder / "build.json").exists()
    assert not (folder / "board" / "ecp5" / "old.bit").exists()
