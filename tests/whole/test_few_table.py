"""The table of docs/few-shot.md is that of the stored results."""

from tools.bench import few
from tools.bench.precision import fill


def test_the_table_is_that_of_the_stored_results() -> None:
    text = few.DOCUMENT.read_text()
    assert fill(text, few.TABLE, few.written(few.stored())) == text
