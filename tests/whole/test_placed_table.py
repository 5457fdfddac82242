"""What docs/open-flow.md says of predicted and placed designs, and how far the one may be off the other."""

import pytest

from tomato.engines import CATALOGUE
from tools.bench.placed import CASES, DOCUMENT, known, off, with_table

MOST_OFF = 0.15
"""Of LUTs and of flip-flops."""
CONSTANT = {"several": 0.25}
"""The same where products are by weights that never change: they are smaller than the model says."""


def test_the_table_is_that_of_the_results() -> None:
    assert DOCUMENT.read_text() == with_table(DOCUMENT.read_text(), known())


def test_every_engine_was_placed() -> None:
    """But for those that read memory beside the chip, or have a second clock: boards of the open flow lack both."""
    engines = {stem for stem, engine in CATALOGUE.items() if not (engine.fetches or engine.doubles)}
    assert {engine for row in known().values() for engine in row["engines"]} == engines


@pytest.mark.parametrize("name", CASES)
def test_predictions_come_true(name: str) -> None:
    row = known()[name]
    predicted, placed = row["predicted"], row["placed"]
    most = CONSTANT.get(name, MOST_OFF)
    assert all(abs(off(predicted[kind], placed[kind])) <= most for kind in ("lut", "ff")), row
    assert [predicted[kind] for kind in ("dsp", "bram18")] == [placed[kind] for kind in ("dsp", "bram18")]
    assert row["clock_mhz"]["reached"] >= row["clock_mhz"]["asked"]
