"""hw/rtl and hw/hls declare the same: an engine's Verilog module and its C++ function are called alike."""

import pytest

from tests.hw import declared
from tests.hw.declared import MEMORY
from tomato.backend import hls, library
from tomato.engines import CATALOGUE

RTL_ALONE = {"tom_cells_booth"}
"""Cells that compute what another one does in other gates; how to multiply is up to who compiles the C++."""
assert RTL_ALONE <= library.files(library.RTL).keys()
CELLS = sorted({n for n in library.files(library.RTL) if n.startswith("tom_cells_")} - RTL_ALONE)
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
