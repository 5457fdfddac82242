"""The HLS library is strict C++11, which Vivado HLS reads, and each header stands alone."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import hls_headers
import pytest

from tests.hw.hls import cxx
from tests.hw.hls.cxx import STRICT
from tests.hw.hls.harness import one_engine
from tests.networks.cases import CASES, make_site
from tomato.backend import hls, library
from tomato.core.assets import asset
from tomato.engines import CATALOGUE

LIBRARY = sorted(library.files(library.HLS).values())
TESTBENCH = sorted(asset("sim", "hls").glob("tom_*.hpp"))
AMD = hls_headers.find()
OLDEST = "c++14" if AMD is None else "c++11"
"""The oldest standard that the headers at hand take: the stand-ins want C++14."""
LATER = ("c++14", "c++17")
CHECKS = (
    "-*",
    "bugprone-*",
    "-bugprone-easily-swappable-parameters",  # a design's numbers are template parameters, all unsigned
    "-bugprone-signed-bitwise",  # of ap_int's signed values: two's complement is meant
    "-bugprone-throwing-static-initialization",  # ours are constant expressions
    "-bugprone-implicit-widening-of-multiplication-result",  # widths of beats are far below 32 bits
)

each = pytest.mark.parametrize("header", [*LIBRARY, *TESTBENCH], ids=lambda path: path.name)
needs_amd = pytest.mark.skipif(AMD is None, reason="the stand-ins want C++14: needs AMD's headers (hls4ml)")


def check(source: Path, standard: str, *flags: str) -> None:
    """g++ finds nothing to say about a file. C++11 takes AMD's headers, as the stand-ins want C++14."""
    found = hls_headers.flags(AMD if standard == "c++11" else None)
    warnings = [*STRICT, "-Wno-unknown-pragmas"]
    command = ["g++", f"-std={standard}", "-fsyntax-only", "-x", "c++", *warnings, *found, *flags, str(source)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{shlex.join(command)}\n{result.stderr[-4000:]}"


@each
def test_begins_with_licence_and_purpose(header: Path) -> None:
    first, second = header.read_text().splitlines()[:2]
    assert first == "// SPDX-License-Identifier: Apache-2.0"
    assert re.fullmatch(r"// [A-Z].*[.:]", second) or header.read_text().splitlines()[2].startswith("// ")


@each
def test_guard(header: Path) -> None:
    """Named like the file, around everything but comments."""
    guard = header.name.replace(".", "_").upper()
    code = [line for line in header.read_text().splitlines() if line and not line.startswith("//")]
    assert [*code[:2], code[-1]] == [f"#ifndef {guard}", f"#define {guard}", "#endif"]


@pytest.mark.rtl
@each
def test_header_stands_alone(header: Path, tmp_path: Path) -> None:
    source = tmp_path / "alone.cpp"
    source.write_text(f'#include "{header}"\n#include "{header}"\n')
    check(source, OLDEST, *cxx.LIBRARY)


@pytest.mark.rtl
@pytest.mark.parametrize("standard", LATER)
def test_headers_are_of_later_standards(standard: str, tmp_path: Path) -> None:
    """All of them together: what one lacks alone, the oldest standard says."""
    source = tmp_path / "all.cpp"
    source.write_text("".join(f'#include "{header}"\n' for header in (*LIBRARY, *TESTBENCH)))
    check(source, standard, *cxx.LIBRARY)


def engine_cases() -> Iterator[tuple[str, str]]:
    """Every engine that has a header, with a case that it takes."""
    for stem, engine in CATALOGUE.items():
        if f"tom_{stem}" in library.files(library.HLS):
            yield (
                stem,
                next(
                    name
                    for name, (op, args) in CASES.items()
                    if isinstance(op, engine.ops) and not engine.refuses(make_site(op, args, "kv260"))
                ),
            )


def project(folder: Path, stem: str, name: str) -> Path:
    """Write an engine's HLS project; returns the file of its top."""
    op, args = CASES[name]
    netlist = one_engine(stem, op, args, next(iter(CATALOGUE[stem].choices(make_site(op, args)))))
    for file, text in hls.files(netlist, "a test").items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    return folder / f"{netlist.name}.cpp"


@pytest.mark.rtl
@needs_amd
@pytest.mark.parametrize(("stem", "name"), list(engine_cases()))
def test_engine_is_cxx11(stem: str, name: str, tmp_path: Path) -> None:
    """Instantiated, too."""
    check(project(tmp_path, stem, name), "c++11", "-DTOM_VIVADO_HLS", f"-I{tmp_path}/include")


@pytest.mark.parametrize(
    ("flags", "storage", "foreign"),
    [
        ([], "BIND_STORAGE variable = y_words type = ROM_1P impl = LUTRAM", {"RESOURCE"}),
        (
            ["-DTOM_VIVADO_HLS"],
            "RESOURCE variable = y_words core = ROM_1P_LUTRAM",
            {"BIND_STORAGE", "BIND_OP"},
        ),
    ],
    ids=["vitis", "vivado"],
)
def test_directives_are_the_tools_own(flags: Sequence[str], storage: str, foreign: set[str], tmp_path: Path) -> None:
    top = project(tmp_path, "conv2d_window", "conv2d")
    command = ["g++", "-E", *flags, f"-I{tmp_path}/include", *hls_headers.flags(None), str(top)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    pragmas = re.findall(r"#pragma HLS (.*)", text)
    assert storage in pragmas
    assert not foreign & {pragma.split()[0] for pragma in pragmas}


@each
def test_directives_have_literals_parameters_and_local_constants(header: Path) -> None:
    """What a directive says is not looked up in other scopes, and calls nothing."""
    for directive in re.findall(r"#pragma HLS (.*)", header.read_text()):
        assert not re.search(r"::|[(.]", directive), directive


@pytest.mark.parametrize("stem", ["conv2d_window", "threshold_stream"])
def test_region_has_declarations_and_calls_only(stem: str, tmp_path: Path) -> None:
    """The canonical form of a dataflow region (UG1448, 214-114)."""
    top = project(tmp_path, stem, dict(engine_cases())[stem])
    command = ["g++", "-E", "-P", f"-I{tmp_path}/include", *hls_headers.flags(None), str(top)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    region = re.sub(r"#pragma.*", "", text[text.index("#pragma HLS DATAFLOW") :]).rpartition("}")[0]
    for statement in region.split(";")[:-1]:
        assert re.fullmatch(
            r'hls::stream<.*> \w+\("\w+"\)|tom_\w+<.*>\s?\(frames, [\w, ]+\)', statement.strip(), re.DOTALL
        )


@pytest.mark.skipif(shutil.which("clang-tidy") is None, reason="needs clang-tidy")
@each
def test_clang_tidy(header: Path, tmp_path: Path) -> None:
    source = tmp_path / "alone.cpp"
    source.write_text(f'#include "{header}"\n')
    tidy: Sequence[str] = ["clang-tidy", "--quiet", f"--checks={','.join(CHECKS)}", "--warnings-as-errors=*"]
    flags = ["-std=c++14", *cxx.LIBRARY, "-isystem", str(asset("sim", "hls")), "-Wno-unknown-pragmas"]
    command = [*tidy, r"--header-filter=.*/tom_\w+\.hpp$", str(source), "--", *flags]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
