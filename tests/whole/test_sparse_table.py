"""The table of docs/sparse.md is what the resource model says."""

from tools.bench import sparse
from tools.bench.precision import fill


def test_the_table_is_that_of_the_model() -> None:
    text = sparse.DOCUMENT.read_text()
    assert fill(text, sparse.BEGIN, sparse.table()) == text
