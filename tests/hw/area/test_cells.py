"""The table of docs/arithmetic.md, and what it is there to show."""

from tomato.core.forms import Cell
from tools.calibrate.cells import DOCUMENT, document
from tools.calibrate.points.dot import TABLE, Array2d
from tools.calibrate.run import load


def lut(array: Array2d) -> float:
    """Measured LUTs per product."""
    return float(load("dot")[array.name]["xcup"]["lut"]) / (array.inputs * array.outputs)


def test_the_table_is_that_of_the_data() -> None:
    assert DOCUMENT.read_text() == document()


def test_cells_cost_what_the_documentation_says() -> None:
    """Signs and powers of two take no more than a multiplier; a mean costs an adder, and saves memory alone."""
    found = {(a.kind, a.x.bits): lut(a) for a in TABLE if a.pack == 0}
    assert found["shift3", 8] < 1.05 * found["fixed4", 8]
    assert found["shift4", 8] < found["fixed8", 8] < 60
    assert found["focused4", 8] < found["fixed8", 8] < found["focused5", 8]
    assert found["ternary", 8] < 1.05 * found["fixed2", 8]
    assert found["binary", 8] < 0.7 * found["ternary", 8]
    assert found["binary", 1] < 2.5, "counting ones, adding the counts up and correcting them, all in all"


def test_only_multipliers_take_dsp_blocks() -> None:
    used = {a.cell for a in TABLE if load("dot")[a.name]["xcup"]["dsp"]}
    assert used == {Cell.FIXED, Cell.CODEBOOK}
