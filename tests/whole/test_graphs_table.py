"""The tables of docs/graphs.md are those of the stored results."""

from tools.bench import graphs
from tools.bench.precision import fill


def test_the_tables_are_those_of_the_stored_results() -> None:
    text, rows = graphs.DOCUMENT.read_text(), graphs.stored()
    assert fill(fill(text, graphs.FRONTS, graphs.fronts(rows)), graphs.FORMATS, graphs.formats(rows)) == text
