"""The folder of several boards: what is written, what people read, and what commands make of it."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tests.digits import CALIBRATION, MODEL
from tomato import TomatoError, compile_on_boards
from tomato.cli import main
from tomato.cluster import design, page
from tomato.cluster.design import Clustered


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Clustered]:
    with np.load(CALIBRATION) as stored:
        made = compile_on_boards(MODEL, "zcu102,zcu102", calibration=stored["x"], fps=50_000)
    return made.write(tmp_path_factory.mktemp("two") / "build"), made


def test_every_board_has_a_folder_of_its_own(built: tuple[Path, Clustered]) -> None:
    folder, made = built
    assert [p.name for p in sorted((folder / "boards").iterdir())] == ["0_zcu102", "1_zcu102"]
    for board in made.boards:
        place = folder / "boards" / board.name
        name = board.lowered.netlist.name
        assert (place / "rtl" / f"{name}.sv").exists()
        text = (place / "rtl" / f"{name}_linked.sv").read_text()
        assert ("m_axis_next_tvalid" in text) == (board.goes is not None)
        assert ("m_axis_prev_tvalid" in text) == (board.comes is not None)
        assert "linked.sv" in (place / "README.md").read_text()
        assert list((place / "sim" / "vectors").iterdir())


def test_it_computes_what_one_board_does(built: tuple[Path, Clustered]) -> None:
    folder, made = built
    x = made.samples[0]
    again = design.load(folder)
    np.testing.assert_array_equal(again.golden(x), made.golden(x))
    assert again.interval == made.interval


def test_what_people_read(built: tuple[Path, Clustered]) -> None:
    folder, made = built
    report = made.report
    readme, html = (folder / "README.md").read_text(), (folder / "report.html").read_text()
    for text in (readme, html):
        assert f"{report['interval_cycles']:,} cycles" in text
        assert "1_zcu102" in text
        assert made.cuts[0].value in text
    assert "not simulated" in html
    assert page.view(report, {"frames": 2, "bit_exact": False, "mismatches": 3}).tiles[-1].state == "bad"
    assert (folder / "boards" / "1_zcu102" / "report.html").exists()


def test_a_folder_that_was_damaged_is_told(built: tuple[Path, Clustered], tmp_path: Path) -> None:
    _, made = built
    folder = made.write(tmp_path / "build")
    (folder / "cluster.json").write_text("{}")
    with pytest.raises(TomatoError, match="damaged"):
        design.load(folder)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["build"], "of several boards"),
        (["run", "--input", str(CALIBRATION)], "of several boards"),
        (["simulate", "--bisect"], "--bisect is for one board alone"),
        (["report", "--compare", "x"], "--compare is for one board alone"),
    ],
    ids=lambda v: v[0] if isinstance(v, list) else "",
)
def test_commands_for_one_board(built: tuple[Path, Clustered], command: list[str], said: str) -> None:
    name, *options = command
    done = CliRunner().invoke(main, [name, str(built[0]), *options])
    assert done.exit_code == 1
    assert said in done.output


@pytest.mark.parametrize(
    "option",
    [["--plan", "x.toml"], ["--backend", "hls"], ["--weights", "memory"], ["--exit", "a"], ["--double-clock"]],
)
def test_options_for_one_board(option: list[str], tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("")
    options = [str(tmp_path / o) if o == "x.toml" else o for o in option]
    done = CliRunner().invoke(
        main, ["compile", str(MODEL), "--target", "u250,u250", "-o", str(tmp_path / "b"), *options]
    )
    assert done.exit_code == 1
    assert "is for one board alone" in done.output
    assert not (tmp_path / "b").exists()
