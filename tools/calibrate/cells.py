"""What a product costs in every cell: writes the table of docs/arithmetic.md from the stored measurements.

Usage: python -m tools.calibrate.cells, after python -m tools.calibrate.run dot.
"""

from tomato.core.forms import Cell
from tomato.engines.parts import dot
from tools.calibrate.points.dot import TABLE, Array2d
from tools.calibrate.run import HERE, load

DOCUMENT = HERE.parents[1] / "docs" / "arithmetic.md"
BEGIN, END = "<!-- python -m tools.calibrate.cells: begin -->\n", "<!-- end -->\n"
WEIGHTS = {
    "binary": "-1, +1",
    "ternary": "-1, 0, +1",
    "shift3": "0, ±1 to ±4",
    "shift4": "0, ±1 to ±64",
    "focused4": "±16 plus 0, ±1 to ±4",
    "focused5": "±32 plus 0, ±1 to ±64",
    "codebook4": "16 values of 8 bits",
}
"""Kinds of weights that their name does not explain."""


def table() -> str:
    """The measured arrays, a row each."""
    head = "| weights | cell | stored bits | inputs | array | LUT per product | DSP per product | levels |\n"
    return head + "|---|---|--:|---|---|--:|--:|--:|\n" + "".join(map(_row, TABLE))


def _row(array: Array2d) -> str:
    found = load("dot")[array.name]["xcup"]
    products = array.inputs * array.outputs
    cells = (
        WEIGHTS.get(array.kind, f"{array.kind.removeprefix('fixed')} bits"),
        _cell(array),
        str(dot.field_bits(array.weight, array.knobs)),
        str(array.x),
        f"{array.inputs} x {array.outputs}",
        f"{found['lut'] / products:.1f}",
        f"{found['dsp'] / products:.2f}" if found["dsp"] else "0",
        str(found["levels"]),
    )
    return f"| {' | '.join(cells)} |\n"


def _cell(array: Array2d) -> str:
    place = f"DSP, {array.pack} to a block" if array.pack > 1 else "DSP" if array.pack else "LUT"
    if array.cell == Cell.FIXED:
        return f"multiplier in {place}"
    if array.cell == Cell.CODEBOOK:
        return f"table, multiplier in {place}"
    return "count of ones" if array.x.bits == 1 else array.cell.label


def document() -> str:
    """The document with the table of the data at hand."""
    before, rest = DOCUMENT.read_text().split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + table() + END + after


def main() -> None:
    """Rewrite the table."""
    DOCUMENT.write_text(document())


if __name__ == "__main__":
    main()
