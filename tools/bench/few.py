"""Few-shot learning, searched and fixed networks: python -m tools.bench.few GLYPHS.npz -o FOLDER.

GLYPHS.npz is what `python -m examples.glyphs` makes. For every pair of a board and a rate, networks are searched with
shared weights that are meta-trained once, and trained alone; beside them the classical network, four convolutions of
one width with strides, is meta-trained in as many steps. All are asked the same tasks, of scripts that nothing was
trained on or chosen by. Results go to tools/bench/few.jsonl, a line each, and as a table into docs/few-shot.md. What is
there already is not measured again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import click
import numpy as np

from tomato import targets
from tomato.search.few import data
from tomato.search.few.data import Task
from tomato.search.network.layers import counts
from tomato.search.network.price import Market
from tomato.search.network.space import Choices, Space
from tools.bench.cases import HERE, ROOT
from tools.bench.precision import fill

RESULTS: Final = HERE / "few.jsonl"
DOCUMENT: Final = ROOT / "docs" / "few-shot.md"
TABLE: Final = "<!-- made by python -m tools.bench.few -->\n"
PAIRS: Final = (("ulx3s", 40_000.0), ("kv260", 250_000.0), ("u250", 300_000.0))
WIDTHS: Final = (8, 16, 24)
FRAME: Final = (28, 28, 1)
EPOCHS, COUNT, POPULATION, WINNERS = 60, 72, 12, 2
ALONE: Final = 24
"""Epochs of a classical network, and of one that was found."""
SEED: Final = 0
Row = Mapping[str, Any]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("glyphs", type=click.Path(path_type=Path, exists=True))
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("build/few"), show_default=True)
@click.option("--shots", default=1, show_default=True)
@click.option("--case", "cases", multiple=True, help="Only some: a board, or a width.  [default: all]")
@click.option("--table", is_flag=True, help="Measure nothing, write the table.")
def main(glyphs: Path, output: Path, shots: int, cases: Sequence[str], table: bool) -> None:
    """Meta-train, search and judge what is not measured yet, then write the table."""
    if not table:
        known = {(row["shots"], row["case"]) for row in stored()}
        for board, fps in PAIRS:
            if (not cases or board in cases) and (shots, f"{board} {fps:g}") not in known:
                searched(glyphs, output / f"shots{shots}", shots, board, fps)
        for width in WIDTHS:
            if (not cases or str(width) in cases) and (shots, f"fixed {width}") not in known:
                fixed(glyphs, output, shots, width)
    DOCUMENT.write_text(fill(DOCUMENT.read_text(), TABLE, written(stored())))


def stored() -> list[Row]:
    """What was measured."""
    return [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []


def keep(row: Row) -> None:
    """Add a line."""
    with RESULTS.open("a") as file:
        file.write(json.dumps(row) + "\n")
    click.echo(json.dumps(row))


def searched(glyphs: Path, output: Path, shots: int, board: str, fps: float) -> None:
    """A search for one board and rate."""
    from tomato.train.few.command import WISH, FewAsked, search_few

    wish = replace(WISH, objectives=("area",), epochs=EPOCHS, tune=ALONE, count=COUNT, population=POPULATION,
                   winners=WINNERS, seed=SEED)  # fmt: skip
    found = search_few(FewAsked(glyphs, board, output, Task(shots=shots), fps=fps), wish, told=click.echo)
    keep({"shots": shots, "case": f"{board} {fps:g}", "classes": found["classes"], "fit": found["fit"],
          "trained": found["trained"]})  # fmt: skip


def classical(width: int) -> Space:
    """The space of one network: four convolutions of one width."""
    return Space((Choices(("conv",), (3,), (width,), downs=("stride",), formats=("w8a8",)),) * 4, name=f"fixed-{width}")


def fixed(glyphs: Path, output: Path, shots: int, width: int) -> None:
    """A classical network, meta-trained alone, and what it costs."""
    from tomato.train.few.appraise import REPORTED, FewAppraiser
    from tomato.train.few.teaching import MetaTeaching
    from tomato.train.loop import Loop
    from tomato.train.optimise import one_thread
    from tomato.train.search.command import DEFAULTS
    from tomato.train.search.resumed import taught
    from tomato.train.search.supernet import Supernet

    one_thread()
    task, space = Task(shots=shots), classical(width)
    with np.load(glyphs) as given:
        x, labels = np.asarray(given["x"]), np.asarray(given["labels"])
    sets = data.sets(x, labels, data.groups_of(glyphs, labels), task, SEED)
    genes = (0,) * len(space.genes)
    net = Supernet(space, FRAME, task.ways, SEED)
    teaching = MetaTeaching(net, sets.train, task, Loop(epochs=ALONE, seed=SEED, **DEFAULTS), genes)
    output.mkdir(parents=True, exist_ok=True)
    taught(teaching, output / f"fixed{width}-{shots}.pt", space.name, lambda *_: None, click.echo)
    markets = {f"{board} {fps:g}": Market(targets.load(board), FRAME, fps) for board, fps in PAIRS}
    layers = net.layers(genes)
    appraiser = FewAppraiser(net, teaching.rates, next(iter(markets.values())), sets, task, SEED)
    share = appraiser.share(layers, sets.report, REPORTED)
    keep({"shots": shots, "case": f"fixed {width}", **asdict(counts(layers, FRAME)), **asdict(share),
          "prices": {name: asdict(market.price(layers)) for name, market in markets.items()}})  # fmt: skip


def written(rows: Sequence[Row]) -> str:
    """For every board and rate the networks that were found, and the classical ones that fit there, by size."""
    heads = ["shots", "board, frames/s", "network", "MACs", "weights", "LUT", "DSP", "BRAM18", "% right", "on codes"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for shots in sorted({row["shots"] for row in rows}):
        for board, fps in PAIRS:
            lines += [
                f"| {shots} | {board}, {fps:,.0f} | {' | '.join(cells)} |"
                for cells in _pair([row for row in rows if row["shots"] == shots], f"{board} {fps:g}")
            ]
    return "\n".join(lines) + "\n"


def _pair(rows: Sequence[Row], name: str) -> list[list[str]]:
    """Cells of one pair, the most multiplications first."""
    found: list[tuple[int, list[str]]] = []
    for row in rows:
        if row["case"] == name:
            for one in row["trained"]:
                used = [one["resources"].get(kind, 0) for kind in ("lut", "dsp", "bram18")]
                text = _right(one["accuracy"], one["half"])
                on_codes = f"{100 * (one['coded'] - one['coded_float']):+.1f}"
                found.append((one["macs"], _cells(one["network"], one["macs"], one["weights"], used, text, on_codes)))
        elif row["case"].startswith("fixed") and not row["prices"][name]["refused"]:
            price = row["prices"][name]
            used = [price[kind] for kind in ("lut", "dsp", "bram18")]
            text = _right(row["mean"], row["half"])
            title = f"4 x conv3-{row['case'].split()[1]}, fixed"
            found.append((row["macs"], _cells(title, row["macs"], row["weights"], used, text, "")))
    return [cells for _, cells in sorted(found, key=lambda pair: -pair[0])]


def _cells(name: str, macs: int, weights: int, used: Sequence[int], right: str, on_codes: str) -> list[str]:
    return [name, f"{macs:,}", f"{weights:,}", *(f"{v:,}" for v in used), right, on_codes]


def _right(mean: float, half: float) -> str:
    return f"{100 * mean:.1f} ± {100 * half:.1f}"


if __name__ == "__main__":
    main()
