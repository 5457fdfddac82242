"""When a stored measurement is out of date: with the tokens of the hardware, not with how they are written down."""

from pathlib import Path

import pytest

from tomato.backend.library import tokens
from tomato.backend.verilog import sources
from tools.calibrate import run
from tools.calibrate.point import Point
from tools.calibrate.points import points

POINT = next(point for point in points() if point.group == "fifo")
KEPT = {
    "comment": ("endmodule", "// a word\n/* and\n   another */ endmodule"),
    "space": ("endmodule", "\n\n\tendmodule  "),
}
CHANGED = {
    "number": ("Depth - 1", "Depth - 2"),
    "name": ("count_q", "counted_q"),
    "string": ("Depth must be at least 2", "Depth // must be at least 2"),
}


def moved(folder: Path, old: str = "", new: str = "") -> dict[str, Path]:
    """The modules of POINT copied to other paths, the first `old` of the last of them replaced."""
    found = {}
    for module, path in sources([POINT.module]).items():
        text = path.read_text()
        assert module != POINT.module or old in text
        found[module] = folder / f"moved_{module}.sv"
        found[module].write_text(text.replace(old, new, 1) if module == POINT.module else text)
    return found


def key(monkeypatch: pytest.MonkeyPatch, files: dict[str, Path]) -> str:
    monkeypatch.setattr("tools.calibrate.run.sources_with_blocks", lambda vendor, roots: files)
    return run.key(POINT, "xcup")


def test_a_path_is_no_part_of_the_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = run.key(POINT, "xcup")
    assert key(monkeypatch, moved(tmp_path)) == before


@pytest.mark.parametrize("name", KEPT)
def test_comments_and_space_are_no_part_of_the_key(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = run.key(POINT, "xcup")
    assert key(monkeypatch, moved(tmp_path, *KEPT[name])) == before


@pytest.mark.parametrize("name", CHANGED)
def test_a_token_is_part_of_the_key(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = run.key(POINT, "xcup")
    assert key(monkeypatch, moved(tmp_path, *CHANGED[name])) != before


@pytest.mark.parametrize("point", [POINT])
def test_other_parameters_have_another_key(point: Point) -> None:
    other = next(p for p in points() if p.module == point.module and p.parameters != point.parameters)
    assert run.key(other, "xcup") != run.key(point, "xcup")


def test_tokens_are_what_a_compiler_reads() -> None:
    assert tokens('a//b\n/* c */ +="x // y" \'hF') == ("a", "+", "=", '"x // y"', "'", "hF")
