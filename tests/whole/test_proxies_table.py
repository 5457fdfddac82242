"""The table of docs/search.md is that of the stored results, and its parts are right."""

import json

from tools.bench import proxies
from tools.bench.precision import fill


def test_the_table_is_that_of_the_stored_results() -> None:
    text = proxies.DOCUMENT.read_text()
    results = json.loads(proxies.RESULTS.read_text())
    assert fill(text, proxies.BEGIN, proxies.table(results)) == text


def test_correlation_is_that_of_the_order() -> None:
    rows = [{"macs": 1, "interval": 10}, {"macs": 5, "interval": 20}, {"macs": 3, "interval": 30}]
    assert proxies.tau(rows, "macs") == 0.33
    assert proxies.tau(rows, "interval") == 1.0
