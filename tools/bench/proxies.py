"""What other searches minimise, against cycles a frame: python -m tools.bench.proxies.

Random networks of the space `cnn` are priced by the scheduler, all layers in one format and formats drawn stage by
stage, on three boards. Beside each interval: multiply-accumulates (MACs), these times bits of both factors (BOPs),
weights, and the sum over all layers of their latency alone on the chip. Rank correlation is Kendall's tau-b. Results go
to tools/bench/proxies.json and, as a table, into docs/search.md.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from time import process_time
from typing import Any, Final

import click
import numpy as np

from tomato import targets
from tomato.schedule.scheduler import options
from tomato.search.network.coded import coded
from tomato.search.network.layers import Layer, counts
from tomato.search.network.pieces import in_integers
from tomato.search.network.price import Market
from tomato.search.network.space import read
from tools.bench.cases import HERE, ROOT
from tools.bench.precision import fill

RESULTS: Final = HERE / "proxies.json"
DOCUMENT: Final = ROOT / "docs" / "search.md"
BEGIN: Final = "<!-- made by python -m tools.bench.proxies -->\n"
BOARDS: Final = ("pynq-z2", "kv260", "u250")
FORMATS: Final = ("w4a4", "mixed")
FRAME, CLASSES = (32, 32, 3), 10
PROXIES: Final = {"MACs": "macs", "BOPs": "bit_operations", "weights": "weights", "summed latencies": "alone"}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--count", default=100, show_default=True, help="Networks.")
@click.option("--board", "boards", multiple=True, default=BOARDS, help="Boards; the others keep their results.")
@click.option("--precision", "forms", multiple=True, default=FORMATS, help="Likewise.")
def main(count: int, boards: Sequence[str], forms: Sequence[str]) -> None:
    """Price networks, and write the table."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for board in boards:
        for form in forms:
            results[f"{board} {form}"] = measured(board, form, count)
            click.echo(f"{board} {form}: {results[f'{board} {form}']['tau']}")
            RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    results = {f"{b} {f}": results[f"{b} {f}"] for b in BOARDS for f in FORMATS if f"{b} {f}" in results}
    DOCUMENT.write_text(fill(DOCUMENT.read_text(), BEGIN, table(results)))


def measured(board: str, form: str, count: int) -> dict[str, Any]:
    """Correlations of `count` networks, MACs per cycle, and how many networks are as fast as any."""
    space, rng = read("cnn").with_precision(form), np.random.default_rng(0)
    market = Market(targets.load(board), FRAME)
    rows, began = [], process_time()
    while len(rows) < count:
        layers = space.layers(space.draw(rng, FRAME), FRAME, CLASSES)
        price = market.price(layers)
        if not price.refused:
            rows.append({**asdict(counts(layers, FRAME)), "alone": alone(market, layers), "interval": price.interval})
    seconds = process_time() - began
    intervals = [row["interval"] for row in rows]
    return {
        "networks": count, "seconds": round(seconds / count, 2), "tau": {n: tau(rows, k) for n, k in PROXIES.items()},
        "intervals": len(set(intervals)), "bound": intervals.count(min(intervals)),
        "reach": [percentile([row["macs"] / row["interval"] for row in rows], p) for p in (5, 95)],
    }  # fmt: skip


def alone(market: Market, layers: Sequence[Layer]) -> int:
    """The sum over a network's layers of the fewest cycles that each takes if it has the chip to itself."""
    graph = in_integers(coded(layers, market.frame), market.pieces)
    offers = options(graph, market.target, kept=market.kept).values()
    usable = market.target.usable
    return sum(min((o.cycles for o in every if o.cost.fits(usable)), default=every[0].cycles) for every in offers)


def tau(rows: Sequence[Mapping[str, Any]], key: str) -> float:
    """Kendall's tau-b of a count and the interval."""
    from scipy.stats import kendalltau

    return round(float(kendalltau([row[key] for row in rows], [row["interval"] for row in rows]).statistic), 2)


def percentile(values: Sequence[float], share: int) -> int:
    """Of some values, rounded."""
    return round(float(np.percentile(values, share)))


def table(results: Mapping[str, Any]) -> str:
    """A row for every board and formats."""
    heads = ["board, formats", *PROXIES, "MACs a cycle, 5th to 95th percentile", "at the least interval"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, row in results.items():
        low, high = row["reach"]
        cells = [f"{row['tau'][proxy]:.2f}" for proxy in PROXIES]
        lines.append(f"| {name} | {' | '.join(cells)} | {low:,} to {high:,} | {row['bound']} of {row['networks']} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
