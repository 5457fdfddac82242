"""Size against accuracy of networks on graphs: python -m tools.bench.graphs FOLDER.

FOLDER holds cora.npz, citeseer.npz and pubmed.npz, as `python -m tools.bench.planetoid` makes them. Each is searched in
rounds in which size counts more and more, for three seeds (of weights, of the search, and of the split where that is
drawn), and what is found is trained; beside it a float network of two graph convolutions with 64 channels, and both of
them with all weights in 4 and all values in 8 bits. Results go to tools/bench/graphs.jsonl, a line each, as tables into
docs/graphs.md, and as pictures into docs/graphs. What is there already is not measured again.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from time import process_time
from typing import Any, Final

import click
import numpy as np

from tomato.search.graphs.data import GraphData, read
from tomato.search.graphs.layers import Block, Forms, Layer, counts, layers
from tomato.search.graphs.picture import picture
from tomato.search.graphs.space import read as read_space
from tools.bench.cases import HERE, ROOT
from tools.bench.precision import fill

RESULTS: Final = HERE / "graphs.jsonl"
DOCUMENT: Final = ROOT / "docs" / "graphs.md"
PICTURES: Final = ROOT / "docs" / "graphs"
FRONTS: Final = "<!-- made by python -m tools.bench.graphs -->\n"
FORMATS: Final = "<!-- made by python -m tools.bench.graphs, formats -->\n"
SETS: Final = ("cora", "citeseer", "pubmed")
SEEDS: Final = (0, 1, 2)
ROUNDS: Final = (0.003, 0.03, 0.3, 1.0)
COMPARED: Final = 0.03
"""The round whose network is trained in w4a8, too."""
PART: Final = 100
KIB: Final = 8192
REFERENCE: Final = "gcn-64"
W4A8: Final = Forms("w4a8", "w4a8", 8, 8)
Row = Mapping[str, Any]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--set", "sets", multiple=True, default=SETS, help="Only some; the others keep their results.")
@click.option("--round", "rounds", type=float, multiple=True, default=ROUNDS, help="Likewise: weights of size.")
@click.option("--epochs", default=120, show_default=True, help="Of a round.")
def main(folder: Path, sets: Sequence[str], rounds: Sequence[float], epochs: int) -> None:
    """Search and train what is not measured yet, then write tables and pictures."""
    from tomato.train.optimise import one_thread

    one_thread()
    for name in sets:
        for seed in SEEDS:
            data = read(folder / f"{name}.npz", seed)
            measure(name, seed, data, rounds, epochs)
    rows = stored()
    text = fill(DOCUMENT.read_text(), FRONTS, fronts(rows))
    DOCUMENT.write_text(fill(text, FORMATS, formats(rows)))
    PICTURES.mkdir(exist_ok=True)
    for name in {row["set"] for row in rows}:
        shown = drawn(name, rows)
        if shown is not None:
            (PICTURES / f"{name}.svg").write_text(shown)


def stored() -> list[Row]:
    """What was measured."""
    return [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []


def measure(name: str, seed: int, data: GraphData, rounds: Sequence[float], epochs: int) -> None:
    """One set and seed: the float network, every round, and both in w4a8."""
    from tomato.train.graphs.command import reference
    from tomato.train.graphs.search import Round, search
    from tomato.train.graphs.training import Loop, Trained, rounded, train_float, train_quantised

    known = {(row["set"], row["seed"], row["case"]): row for row in stored()}
    part, space = data.part(data.near(PART, seed)), read_space("graph")

    def once(case: str, found: Callable[[], dict[str, Any]]) -> Row:
        key = (name, seed, case)
        if key not in known:
            began = process_time()
            row = {"set": name, "seed": seed, "case": case, **found(), "seconds": round(process_time() - began, 1)}
            with RESULTS.open("a") as file:
                file.write(json.dumps(row) + "\n")
            click.echo(json.dumps(row))
            known[key] = row
        return known[key]

    def sized(made: Sequence[Layer]) -> dict[str, Any]:
        return asdict(counts(made, data.x.shape[1], data.nodes, data.edge_counts(), data.entered))

    real: dict[str, Trained] = {}

    def in_floats(made: Sequence[Layer]) -> Trained:
        """Formats say nothing of floats: networks that differ in these alone are trained once."""
        plain = str([replace(layer, form="") for layer in made])
        if plain not in real:
            real[plain] = train_float(made, data, part, Loop(), seed)
        return real[plain]

    def floats() -> dict[str, Any]:
        made = reference(data.classes)
        one = in_floats(made)
        return {**sized(made), "valid": one.valid, "test": one.test}

    def in_w4a8(blocks: Sequence[Block]) -> dict[str, Any]:
        made = layers([replace(block, forms=W4A8) for block in blocks])
        mine = in_floats(made)
        only = rounded(made, mine.net, data, part)
        one = train_quantised(made, mine.net, data, part, Loop(), seed)
        return {**sized(made), "float_test": mine.test, "rounded_test": only.test, "valid": one.valid, "test": one.test}

    def found(weight: float) -> dict[str, Any]:
        genes = search(space, data, Round(weight, epochs), seed)
        blocks = space.for_classes(data.classes).decode(genes)
        made = layers(blocks)
        mine = in_floats(made)
        one = train_quantised(made, mine.net, data, part, Loop(), seed)
        return {**sized(made), "network": " | ".join(map(str, blocks)), "genes": genes, "weight": weight,
                "float_test": mine.test, "valid": one.valid, "test": one.test}  # fmt: skip

    once(REFERENCE, floats)
    plain = [Block("gcn", 1, 64, "relu", skip=False, forms=W4A8),
             Block("gcn", 1, data.classes, "none", skip=False, forms=W4A8)]  # fmt: skip
    once(f"{REFERENCE} w4a8", lambda: in_w4a8(plain))
    for weight in rounds:
        row = once(f"round {weight:g}", lambda weight=weight: found(weight))  # type: ignore[misc]
        if weight == COMPARED:
            blocks = space.for_classes(data.classes).decode(tuple(row["genes"]))
            once("found w4a8", lambda blocks=blocks: in_w4a8(blocks))  # type: ignore[misc]


def _cases(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """By set and case, in the order of the sets; the more size weighs, the later."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(rows, key=lambda r: (SETS.index(r["set"]), r.get("weight", 0.0), r["case"], r["seed"])):
        found.setdefault((row["set"], row["case"]), []).append(row)
    return found


def _spread(rows: Sequence[Row], key: str) -> str:
    """Mean and deviation of a share, in percent."""
    values = [100.0 * row[key] for row in rows]
    spread = f" ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
    return f"{np.mean(values):.1f}{spread}"


def _mean(rows: Sequence[Row], key: str) -> float:
    return float(np.mean([row[key] for row in rows]))


def fronts(rows: Sequence[Row]) -> str:
    """A row for the float network and for every round of each set."""
    heads = ["set", "network", "seeds", "weights", "KiB", "times smaller", "bit operations", "% right",
             "its float self", "CPU s"]  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    cases = _cases(rows)
    for (name, case), some in cases.items():
        if case != REFERENCE and not case.startswith("round"):
            continue
        whole = _mean(cases[name, REFERENCE], "bits")
        cells = [name, "gcn-64, floats" if case == REFERENCE else f"found, {case.split()[1]}", str(len(some)),
                 f"{_mean(some, 'weights'):,.0f}", f"{_mean(some, 'bits') / KIB:,.1f}",
                 f"{whole / _mean(some, 'bits'):,.1f}", f"{_mean(some, 'bit_operations') / 1e9:,.2f} G",
                 _spread(some, "test"), "" if case == REFERENCE else _spread(some, "float_test"),
                 f"{_mean(some, 'seconds'):,.0f}"]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def formats(rows: Sequence[Row]) -> str:
    """A row for each network in w4a8."""
    heads = ["set", "network in w4a8", "float", "rounded", "trained"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for (name, case), some in _cases(rows).items():
        if case.endswith("w4a8"):
            cells = [
                name,
                case.removesuffix(" w4a8"),
                *(_spread(some, k) for k in ("float_test", "rounded_test", "test")),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def drawn(name: str, rows: Sequence[Row]) -> str | None:
    """All networks of a set, the means of the rounds, and the float network."""
    cases = {case: some for (of, case), some in _cases(rows).items() if of == name}
    rounds = {case: some for case, some in cases.items() if case.startswith("round")}
    point = lambda some: (_mean(some, "bits"), _mean(some, "test"))  # noqa: E731
    single = [(row["bits"], row["test"]) for some in rounds.values() for row in some]
    return picture(name, single, [point(some) for some in rounds.values()],
                   {"gcn-64, floats": point(cases[REFERENCE])}, "test")  # fmt: skip


if __name__ == "__main__":
    main()
