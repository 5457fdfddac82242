"""hw/rtl and hw/hls declare the same: an engine's Verilog module and its C++ function are called alike."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hw import declared
from tests.hw.declared import MEMORY
from tomato.backend import hls, library
from tomato.engines import CATALOGUE

ROOT = Path(__file__).parents[2]
CELLS = sorted(name for name in library.files(library.RTL) if name.startswith("tom_cells_"))
HLS_ALONE = {
    "tom_cells_binary": {"InSigned"},  # sums the numbers itself; in the Verilog the adder tree of tom_dot extends signs
}
"""Template parameters of cells that the Verilog has no need of."""


def pairs(parameters: list[declared.Parameter]) -> list[tuple[str, str]]:
    return [(p.kind, p.name) for p in parameters if not MEMORY.fullmatch(p.name)]


@pytest.mark.parametrize("stem", sorted(CATALOGUE))
def test_an_engine_declares_the_same_in_both_languages(stem: str) -> None:
    """The same parameters of the same kinds in the same order; a loop has an end, so C++ may add FrameBeats."""
    ours, theirs = pairs(declared.template(f"tom_{stem}")), pairs(declared.verilog(f"tom_{stem}"))
    assert ours in (theirs, [*theirs, ("unsigned", hls.FRAME_BEATS)])
    assert ours == list(hls.parameters(f"tom_{stem}")), "the printer reads other parameters"


@pytest.mark.parametrize("stem", sorted(CATALOGUE))
def test_memories_are_called_alike(stem: str) -> None:
    files = [p.name for p in declared.verilog(f"tom_{stem}") if MEMORY.fullmatch(p.name)]
    assert declared.memories(f"tom_{stem}") == [declared.argument(name) for name in files]


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_declares_the_same_in_both_languages(cell: str) -> None:
    ours = pairs(declared.template(cell))
    assert [p for p in ours if p[1] not in HLS_ALONE.get(cell, ())] == pairs(declared.verilog(cell))
    assert HLS_ALONE.get(cell, set()) <= {name for _, name in ours}


@pytest.mark.parametrize("module", [*CELLS, *(f"tom_{stem}" for stem in sorted(CATALOGUE))])
def test_template_parameters_are_documented(module: str) -> None:
    assert not [p.name for p in declared.template(module) if not p.documented], "template parameters without a comment"


def test_a_new_engine_is_its_own_files_and_no_registry(tmp_path: Path) -> None:
    """The compiler with three files more knows one engine more, and prints it in both languages."""
    for folder in ("tomato", "hw", "templates", "sim"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (
        "tomato/engines/add_stream.py",
        "hw/rtl/engines/tom_add_stream.sv",
        "hw/hls/engines/tom_add_stream.hpp",
    ):
        text = (ROOT / path).read_text().replace("add_stream", "blend_stream")
        (tmp_path / path.replace("add_stream", "blend_stream")).write_text(text)
    program = (
        "from tests.networks.cases import CASES\n"
        "from tests.hw.hls.harness import one_engine\n"
        "from tomato.backend import hls, library, verilog\n"
        "from tomato.engines import CATALOGUE\n"
        "netlist = one_engine('blend_stream', *CASES['add'], {'lanes': 2})\n"
        "print(len(CATALOGUE), *verilog.sources(['tom_blend_stream']), *hls.files(netlist, 'a test'))\n"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    count, *files = done.stdout.split()
    assert int(count) == len(CATALOGUE) + 1
    assert {"tom_blend_stream", "include/tom_blend_stream.hpp"} <= set(files)
