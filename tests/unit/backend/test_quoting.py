"""No text of the user ends what it stands in, in any of the generated languages."""

import json
import re
import shutil
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import digits
from tests.hw.hls.harness import one_engine
from tests.networks.cases import CASES
from tomato.backend import hls, quoting, vendor, verilog
from tomato.core.files import write_text

HOSTILE = (
    "[exec touch pwned]",
    '"; exec touch pwned; "',
    "$env(HOME)",
    "a}{b",
    "a{b",
    "trailing\\",
    "trailing??/",
    "two\nlines",
    "*/ int x; /*",
    "`include `id` |x|",
    "<script>alert(1)</script>",
    "-flag #x ;y",
    "verilator lint_off WIDTH",
    "half \udcff",
    "€ \U0001f345",
    "",
)
texts = st.text(st.characters(), max_size=12) | st.text('[]{}$"\\;# \n?/`', max_size=8)


@given(texts)
def test_comment_is_one_line(text: str) -> None:
    line = quoting.comment(text)
    assert line.isprintable() or line == ""
    assert not line.endswith(("\\", "??/"))


@given(texts)
def test_string_holds_the_text(text: str) -> None:
    quoted = quoting.string(text)
    assert re.fullmatch(r'"([ !#->@-\[\]-~]|\\[0-7]{3})*"', quoted)
    data = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), quoted[1:-1]).encode("latin-1")
    assert data.decode("utf-8", "surrogatepass") == text


@given(texts)
def test_code_and_prose_of_markdown(text: str) -> None:
    assert not set(quoting.code(text)) & set("`|\n")
    assert not re.search(r"(?<!\\)(\\\\)*[|`<]", re.sub(r"\\([|`<\[\]])", "", quoting.markdown(text)))
    assert "\n" not in quoting.markdown(text)


@pytest.mark.skipif(not shutil.which("tclsh"), reason="needs tclsh")
def test_tcl_gets_the_very_text_and_runs_none_of_it(tmp_path: Path) -> None:
    """Within the braces of a catch, where the words of the scripts stand."""
    known = [t for t in HOSTILE if "\udcff" not in t]
    lines = ["fconfigure stdout -encoding utf-8", "if {[catch {"]
    lines += [f"  set word {quoting.tcl(text)}\n  puts [string length $word]:$word" for text in known]
    write_text(tmp_path / "words.tcl", "\n".join([*lines, "} reason]} { puts $reason }\n"]))
    done = subprocess.run(
        ["tclsh", "-encoding", "utf-8", "words.tcl"], cwd=tmp_path, capture_output=True, check=True, timeout=20
    )
    expected = "".join(f"{len(t)}:{t}\n" for t in known if t != HOSTILE[-2])
    printed = done.stdout.decode().splitlines(keepends=True)
    assert "".join(line for line in printed if "€" not in line) == expected
    assert [p.name for p in tmp_path.iterdir()] == ["words.tcl"]


def scripts(text: str) -> dict[str, str]:
    """All that is printed of an engine whose names are `text`."""
    netlist = one_engine("requant_stream", *CASES["requant"], {"lanes": 2, "constant_ram": 0})
    report = {"target": text, "vendor": "amd", "part": text, "clock_mhz": 100.0, "interval_cycles": 90}
    title = f"{text} for {text}"
    return {**verilog.rtl(netlist, title), **hls.files(netlist, title), **vendor.files(netlist, report, title)}


def statements(name: str, text: str) -> list[str]:
    """The lines of a file without comments and without the part's."""
    mark = "#" if name.endswith(".tcl") else "//"
    return [line for line in text.splitlines() if not line.lstrip().startswith((mark, "set_part "))]


@pytest.mark.parametrize("text", HOSTILE[:-1])
def test_names_of_model_and_board_change_no_statement(text: str) -> None:
    printed, plain = scripts(text), scripts("plain")
    assert printed.keys() == plain.keys()
    for name in printed:
        if not name.endswith(".md"):
            assert statements(name, printed[name]) == statements(name, plain[name])
            assert not re.search(r"^\s*(//|#)\s*(verilator|synopsys) ", printed[name], re.MULTILINE)


def test_every_text_of_a_build_folder(tmp_path: Path) -> None:
    acc, text = digits.small(), "".join(HOSTILE)
    board = replace(acc.target, name=text, title=text, part=text)
    hostile = replace(acc, target=board, notes=(text, "note"), plan=replace(acc.plan, target=text))
    hostile.report["model"] = text
    folder = hostile.write(tmp_path / "out", backends=("verilog", "hls"))
    assert tomllib.loads((folder / "plan.toml").read_text())["target"] == text.replace("\udcff", "?")
    assert json.loads((folder / "report.json").read_text())["part"] == text
    plain = replace(acc, notes=("other", "note")).write(tmp_path / "plain", backends=("verilog", "hls"))
    for name in ("README.md", "hls/README.md"):
        assert len((folder / name).read_text().split("\n")) == len((plain / name).read_text().split("\n"))
        assert not re.search(r"(?<!\\)<script>", (folder / name).read_text().replace(f"`{quoting.code(text)}`", ""))


def test_code_of_markdown_ends_neither_its_quotes_nor_its_cell() -> None:
    assert quoting.code("a|b`c\nd") == r"a/b'c\nd"
