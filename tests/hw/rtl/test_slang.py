"""A second parser, slang, reads hw/rtl without an error, and without a warning that has no reason."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyslang.ast import InstanceSymbol, Symbol

from tests.hw.slang import elaborate
from tomato.backend import library

MODULES = [name for name in library.files(library.RTL) if not name.endswith("_pkg")]
ACCEPTED = {
    ("SignConversion", "*.sv"): "codes keep their width and change their sign; the linter guards widths",
    ("UselessCast", "*.sv"): "what some parameters make useless, others need",
    ("ArithOpMismatch", "*.sv"): "indices are multiplied by numbers of 32 bits",
    ("SignCompare", "tom_window*.sv"): "a position in the border before a frame counts as one behind it",
    ("SignCompare", "tom_feedback.sv"): "the number of a bank is no less than 0",
    ("SignCompare", "tom_gate_list.sv"): "codes are equal or not, whatever their sign",
    ("PackedArrayConv", "tom_gated_fold.sv"): "addresses on their way are the bits of one word that is shifted",
    ("PackedArrayConv", "tom_cells_multiply.sv"): "fields side by side are weights where they are as wide",
    ("PackedArrayConv", "tom_columns_window.sv"): "what a window sees is its bits side by side",
    ("PackedArrayConv", "tom_dot.sv"): "an array of sums is its bits side by side",
    ("ShiftCountOverflow", "tom_recurrent_loop.sv"): "a fold of one beat leaves nothing behind",
}
"""Warnings by their name and file, each with its reason."""


def warnings() -> Iterator[tuple[str, Path, int]]:
    """Every diagnostic: its name, file and line."""
    driver, compilation = elaborate(MODULES)
    for found in compilation.getAllDiagnostics():
        sources = driver.sourceManager
        name = str(found.code).removeprefix("DiagCode(").removesuffix(")")
        yield name, Path(sources.getFileName(found.location)), sources.getLineNumber(found.location)


def test_every_warning_has_a_reason_and_every_reason_a_warning() -> None:
    used, unknown = set(), []
    for name, path, line in warnings():
        matching = {(code, files) for code, files in ACCEPTED if code == name and path.match(files)}
        used |= matching
        if not matching:
            unknown.append(f"{path}:{line}: {name}")
    assert not unknown
    assert used == set(ACCEPTED)


def below(instance: InstanceSymbol) -> Iterator[str]:
    """The modules that an instance holds."""
    found: list[str] = []

    def visit(symbol: Symbol) -> bool:
        if isinstance(symbol, InstanceSymbol):
            found.append(symbol.definition.name)
        return True

    instance.body.visit(visit)
    yield from found


@pytest.mark.parametrize("module", MODULES)
def test_modules_found_by_their_names_are_those_that_the_parser_finds(module: str) -> None:
    _, compilation = elaborate([module])
    (top,) = compilation.getRoot().topInstances
    assert set(below(top)) <= library.sources(library.RTL, [module]).keys()
