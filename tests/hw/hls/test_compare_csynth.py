"""The comparison with a vendor's report, on reports made by hand: no tool of AMD is installed here."""

import shutil
from collections.abc import Callable
from pathlib import Path

import compare_csynth
import pytest

SAMPLES = Path(__file__).parent / "samples"
VITIS, VIVADO = SAMPLES / "vitis_hls_hand_made", SAMPLES / "vivado_hls_hand_made"


@pytest.fixture
def design(tmp_path: Path) -> Path:
    """A build folder with as much as the comparison reads."""
    (tmp_path / "hls").mkdir()
    (tmp_path / "hls" / "sample.cpp").touch()
    shutil.copy(SAMPLES / "report_hand_made.json", tmp_path / "report.json")
    return tmp_path


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """A copy of Vitis HLS's reports, to spoil."""
    return Path(shutil.copytree(VITIS, tmp_path / "reports"))


def spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def error_of(design: Path, reports: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert compare_csynth.main([str(reports), "--design", str(design)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    return shown.err.replace(f"{design}/", "")


def test_samples_say_what_they_are() -> None:
    for path in SAMPLES.rglob("*.xml"):
        assert path.read_text().startswith("<!-- Made by hand for a test")


@pytest.mark.parametrize("tool", [VITIS, VIVADO], ids=["vitis", "vivado"])
def test_table(tool: Path, design: Path, golden: Callable[[str], None], capsys: pytest.CaptureFixture[str]) -> None:
    """Vitis HLS lists the calls: the two requantisations are told apart. Vivado HLS does not: they share a row."""
    assert compare_csynth.main([str(tool), "--design", str(design)]) == 0
    golden(capsys.readouterr().out)


def test_project_is_found(design: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(VITIS, design / "hls" / "vitis_hls" / "solution1" / "syn" / "report")
    assert compare_csynth.main(["--design", str(design)]) == 0
    assert "conv_requant" in capsys.readouterr().out


def test_region_below_the_top(design: Path, reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the top fills UltraRAM first, the calls are one level further down."""
    assert compare_csynth.main([str(VITIS), "--design", str(design)]) == 0
    flat = capsys.readouterr().out
    path, inside = reports / "csynth.xml", "<InstancesList><Instance><ModuleName>accelerate</ModuleName>"
    path.write_text(path.read_text().replace("<InstancesList>", f"{inside}<InstancesList>", 1))
    spoil(path, "</TopModule>", "</Instance></InstancesList></TopModule>")
    assert compare_csynth.main([str(reports), "--design", str(design)]) == 0
    assert capsys.readouterr().out == flat


def test_missing_reports(design: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert error_of(design, design / "none", capsys) == (
        "error: no none/csynth.xml: run csynth, or name the folder that holds its reports\n"
    )


def test_missing_module(design: Path, reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (reports / "tom_dense_fold_4u_2u_s_csynth.xml").unlink()
    assert error_of(design, reports, capsys) == (
        "error: no reports/tom_dense_fold_4u_2u_s_csynth.xml: run csynth, or name the folder that holds its reports\n"
    )


def test_missing_design(design: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (design / "report.json").unlink()
    assert error_of(design, VITIS, capsys) == "error: no report.json: name the build folder with --design\n"


def test_foreign_json(design: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (design / "report.json").write_text("{}")
    assert error_of(design, VITIS, capsys) == "error: report.json is no report of Tomato\n"


def test_other_design(design: Path, reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(reports / "csynth.xml", "<TopModelName>sample<", "<TopModelName>other<")
    assert error_of(design, reports, capsys) == (
        "error: reports/csynth.xml is of 'other', and there is no hls/other.cpp\n"
    )


def test_other_part(design: Path, reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(reports / "csynth.xml", "xck26-sfvc784-2LV-c", "xc7z020-clg400-1")
    assert error_of(design, reports, capsys) == (
        "error: reports/csynth.xml is for xc7z020-clg400-1, the design for xck26-sfvc784-2LV-c\n"
    )


def test_other_file(design: Path, reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(reports / "csynth.xml", "profile>", "syndb>")
    assert error_of(design, reports, capsys) == (
        "error: reports/csynth.xml is no synthesis report: it begins with <syndb>, not with <profile>\n"
    )


def test_torn_file(design: Path, reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(reports / "csynth.xml", "</profile>", "")
    assert error_of(design, reports, capsys).startswith("error: cannot read reports/csynth.xml: no element found")


def test_other_number_of_calls(design: Path, reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(reports / "csynth.xml", "<ModuleName>tom_requant_stream_2u_1u_s<", "<ModuleName>tom_fork_3u_s<")
    assert error_of(design, reports, capsys) == (
        "error: reports: 1 modules of tom_requant_stream, the design has 2: "
        "it was compiled again, or the tool has merged or inlined some\n"
    )
