"""sim/objcache.py: Verilator's runtime is compiled once, everything else as ever."""

import stat
import sys
from pathlib import Path

import objcache
import pytest

COMPILER = f"""#!{sys.executable}
import pathlib, sys
here = pathlib.Path(__file__).parent
with (here / "runs").open("a") as runs:
    runs.write("x")
if "-fail" in sys.argv:
    sys.exit(7)
output = sys.argv[sys.argv.index("-o") + 1]
pathlib.Path(output).write_text(" ".join(sys.argv[1:]))
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a compiler that counts its runs, and a runtime to compile."""
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "verilated.cpp").write_text("runtime")
    (tmp_path / "design.cpp").write_text("design")
    compiler = tmp_path / "cxx"
    compiler.write_text(COMPILER)
    compiler.chmod(compiler.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("VERILATOR_ROOT", str(tmp_path))
    monkeypatch.delenv("TOM_PRECOMPILED", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(place: Path, source: str, *flags: str, output: str = "out.o") -> int:
    return objcache.main([str(place / "cxx"), *flags, "-c", "-o", output, str(place / source)])


def runs(place: Path) -> int:
    """Compilations; asking for the version is one, too."""
    return len((place / "runs").read_text())


def test_the_runtime_is_compiled_once(place: Path) -> None:
    assert run(place, "include/verilated.cpp", "-Os") == 0
    first = Path("out.o").read_text()
    before = runs(place)
    Path("out.o").unlink()
    assert run(place, "include/verilated.cpp", "-Os") == 0
    assert Path("out.o").read_text() == first
    assert runs(place) == before + 1, "only the version was asked for"


def test_other_flags_or_sources_are_other_objects(place: Path) -> None:
    run(place, "include/verilated.cpp", "-Os")
    run(place, "include/verilated.cpp", "-O2")
    assert "-O2" in Path("out.o").read_text()
    (place / "include" / "verilated.cpp").write_text("another runtime")
    before = runs(place)
    run(place, "include/verilated.cpp", "-O2")
    assert runs(place) == before + 2
    assert len(list((place / "cache").rglob("*.o"))) == 3


def test_a_design_is_never_kept(place: Path) -> None:
    for _ in range(2):
        assert run(place, "design.cpp") == 0
    assert runs(place) == 2
    assert not (place / "cache").exists()


def test_a_failure_is_passed_on_and_not_kept(place: Path) -> None:
    assert run(place, "include/verilated.cpp", "-fail") == 7
    assert not list(place.rglob("cache/**/*.o"))


def test_headers_are_compiled_once_for_all_designs(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOM_PRECOMPILED", str(place / "headers"))
    (place / "include" / "verilated.h").write_text("headers")
    for _ in range(2):
        assert run(place, "design.cpp", "-O1", "-I.", "-DX=1") == 0
    (header,) = (place / "headers").glob("*.h")
    made = header.with_suffix(".h.gch").read_text()
    assert Path("out.o").read_text().endswith(f"design.cpp -include {header}")
    assert made.startswith("-O1 -DX=1 -x c++-header"), "nothing that only this design knows"
    assert runs(place) == 2 + 2 + 1, "two designs, each of which asks for the version, and the headers"
    run(place, "design.cpp", "-O0")
    assert len(list((place / "headers").glob("*.gch"))) == 2


def test_a_design_with_headers_of_its_own_keeps_them(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOM_PRECOMPILED", str(place / "headers"))
    assert run(place, "design.cpp", "-include", "own.h") == 0
    assert Path("out.o").read_text().count("-include") == 1
    assert not (place / "headers").exists()


def test_headers_that_do_not_compile_are_left_out(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOM_PRECOMPILED", str(place / "headers"))
    (place / "include" / "verilated.h").write_text("headers")
    assert run(place, "design.cpp", "-fail") == 7
    assert not list((place / "headers").iterdir())
