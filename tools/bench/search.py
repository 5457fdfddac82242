"""Searches for clothes: python -m tools.bench.search -o FOLDER.

Fashion-MNIST, from Debian's package dataset-fashion-mnist, and the space examples/search/fashion.toml. Shared weights
are trained once. For a pynq-z2 networks are searched by accuracy, rate and weights, trained on, compiled and simulated.
Then the most accurate network in 8 bits is trained for longer, and the most accurate of few weights.
Then as many are bred as are drawn, with the same shared weights, three seeds each. Then every board gets its most
accurate network of one rate, and is asked what the others' would be on it. Results go to tools/bench/search.json and,
as tables, into docs/search.md. What is in FOLDER is not done again.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click
import numpy as np

from tomato import targets, work
from tomato.core.interface import Slot
from tomato.core.progress import silent
from tomato.search.lines import read_lines
from tomato.search.network.candidates import FILE, Candidate
from tomato.search.network.evolve import Strategy
from tomato.search.network.price import Market
from tomato.search.network.space import MIXED, Genes, Space, read
from tomato.train import checkpoint, data
from tomato.train.data import Parts
from tomato.train.search.appraise import Appraiser
from tomato.train.search.command import ASIDE, DEFAULTS, Asked, Wish, labelled, search
from tomato.train.search.resumed import STATE, evolved
from tomato.train.search.supernet import Supernet
from tomato.train.search.winners import Workshop
from tools.bench.cases import HERE, ROOT
from tools.bench.precision import fill
from tools.bench.train import fashion

RESULTS: Final = HERE / "search.json"
DOCUMENT: Final = ROOT / "docs" / "search.md"
SPACE: Final = ROOT / "examples" / "search" / "fashion.toml"
FRAME: Final = (28, 28, 1)
CLASSES: Final = 10
TRAIN, TEST = "train.npz", "test.npz"
BOARD: Final = "pynq-z2"
BOARDS: Final = ("pynq-z2", "kv260", "u250")
RATE: Final = 120_000.0
"""Frames/s that every board's network must reach."""
EPOCHS, COUNT, TUNE, WINNERS, SIMULATED = 18, 480, 16, 9, 1
FINE: Final = "w8a8"
FINE_COUNT, FINE_TUNE, FEW_TUNE = 48, 30, 32
"""Networks in 8 bits that are looked at; epochs of the most accurate one, and of the one of few weights."""
DRAWN: Final = 240
"""Networks of every search that is compared with drawing them."""
ASKED, TUNED = 120, 4
"""Networks that are looked at for every board, and epochs of the one that is compared with those of others."""
SEEDS: Final = (0, 1, 2)
BOX: Final = ((0.75, 0.92), (11.5, 18.5), (-18.0, -10.5))
"""Shares right, and binary logarithms of frames/s and of one over weights, that fronts are compared within."""
POINTS: Final = 200_000
RATES: Final = (10_000, 20_000, 30_000)
FEWEST, FEW_WEIGHTS = 22_000, 30_000
FOUND, LONGER, DRAW, ACROSS = (
    f"<!-- made by python -m tools.bench.search{part} -->\n" for part in ("", ", fine", ", drawn", ", boards")
)
PARTS: Final = ("found", "fine", "drawn", "boards")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("build/search"), show_default=True)
@click.option("--workers", default=1, show_default=True, help="Networks that are looked at, or trained, at a time.")
@click.option("--part", "parts", type=click.Choice(PARTS), multiple=True, help="Only some.  [default: all]")
@click.option("--table", is_flag=True, help="Measure nothing, write the tables.")
def main(output: Path, workers: int, parts: Sequence[str], table: bool) -> None:
    """Search, and write the tables."""
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if not table:
        output.mkdir(parents=True, exist_ok=True)
        stored(output)
        measures = {"found": found, "fine": fine, "drawn": drawn, "boards": boards}
        with work.opened(workers) as many:
            for part in parts or PARTS:
                known[part] = measures[part](output, many)
                RESULTS.write_text(json.dumps(known, indent=1) + "\n")
    text = DOCUMENT.read_text()
    tables = (
        ("found", FOUND, networks), ("fine", LONGER, networks), ("drawn", DRAW, strategies), ("boards", ACROSS, across),
    )  # fmt: skip
    for part, mark, written in tables:
        if part in known:
            text = fill(text, mark, written(known[part]))
    DOCUMENT.write_text(text)


def stored(output: Path) -> None:
    """The pictures as a user has them: 60,000 to learn from, and 10,000 that nothing is chosen by."""
    if not (output / TEST).exists():
        for name, frames in zip((TRAIN, TEST), fashion(Path(), (Slot("x", (1, 28, 28), "float32"),)), strict=True):
            np.savez(output / name, x=frames.arrays()[0], labels=frames.classes())


def found(output: Path, workers: work.Workers) -> Mapping[str, Any]:
    """The search for one board."""
    wish = {"objectives": ("fps", "weights"), "epochs": EPOCHS, "count": COUNT, "tune": TUNE, "winners": WINNERS}
    made = searched(output / "found", output, BOARD, workers, wish, simulate=SIMULATED)
    return {key: made[key] for key in ("networks", "candidates", "fit", "trained", "seconds")} | {
        "front": len(made["front"])
    }


def searched(
    folder: Path, output: Path, board: str, workers: work.Workers, wish: Mapping[str, Any], **asked: Any
) -> dict[str, Any]:
    """A search in a folder; the pictures are in `output`."""
    began = time.monotonic()
    given = Asked((output / TRAIN,), board, folder, (output / TEST,), SPACE, **asked)
    made = search(given, Wish(**wish), workers=workers, told=click.echo)
    return made | {"seconds": round(time.monotonic() - began)}


def fine(output: Path, workers: work.Workers) -> Mapping[str, Any]:
    """The most accurate network in 8 bits, and of few weights those of the first search, in 8 bits."""
    wish = {"count": FINE_COUNT, "tune": FINE_TUNE, "winners": 1}
    best = searched(output / "fine", output, BOARD, workers, wish, precision=FINE, weights=output / "found",
                    simulate=SIMULATED)  # fmt: skip
    appraiser, frames = appraisal(output, FINE)
    space = appraiser.net.space
    small = dict.fromkeys(
        in_one_format(space, candidate.genes)
        for candidate in read_lines(output / "found" / FILE, Candidate.of)
        if FEWEST < candidate.counts.weights < FEW_WEIGHTS
    )
    chosen = max(small, key=appraiser.accuracy)
    shop = Workshop(appraiser, frames.train, frames.report, {**DEFAULTS, **space.loop}, FEW_TUNE, 0, output / "few",
                    SIMULATED)  # fmt: skip
    return {"trained": [*best["trained"], asdict(shop.finish(appraiser(chosen), 1))]}


def in_one_format(space: Space, genes: Sequence[int]) -> Genes:
    """Genes of a space of mixed formats in one of a single format."""
    sizes = [len(choices) for choices in space.genes]
    return space.canonical(tuple(gene if gene < size else 0 for gene, size in zip(genes, sizes, strict=True)))


def drawn(output: Path, workers: work.Workers) -> Mapping[str, Any]:
    """Networks that are bred and drawn, of the same shared weights: the most accurate of every kind."""
    appraiser, _ = appraisal(output)
    rows: dict[str, list[Mapping[str, float]]] = {}
    strategies: tuple[Strategy, ...] = ("evolve", "random")
    for seed in SEEDS:
        for strategy in strategies:
            wish = Wish(objectives=("fps", "weights"), seed=seed, strategy=strategy)
            folder = output / f"{strategy}{seed}"
            folder.mkdir(exist_ok=True)
            all_, _ = evolved(appraiser, folder, wish, DRAWN, workers, silent, lambda _: None)
            rows.setdefault(strategy, []).append({"covered": covered(all_), **best(all_)})
            click.echo(f"{strategy} {seed}: {rows[strategy][-1]}")
    return {"count": DRAWN, "seeds": len(SEEDS), "best": rows}


def covered(looked: Sequence[Candidate]) -> float:
    """The share of `BOX` that some network is at least as good as: the hypervolume of the front, by points drawn."""
    points = np.random.default_rng(0).uniform(*zip(*BOX, strict=True), size=(POINTS, len(BOX)))
    beaten = np.zeros(POINTS, dtype=bool)
    for c in looked:
        if c.fits:
            beaten |= np.all(points <= (c.accuracy or 0.0, np.log2(c.price.fps), -np.log2(c.counts.weights)), axis=1)
    return round(float(beaten.mean()), 4)


def best(looked: Sequence[Candidate]) -> dict[str, float]:
    """The greatest accuracy with shared weights at each rate, of few weights, and of all."""
    kinds = {"any": lambda _: True, "few": lambda c: c.counts.weights < FEW_WEIGHTS}
    kinds |= {str(rate): lambda c, rate=rate: c.price.fps >= rate for rate in RATES}
    return {
        name: max((c.accuracy or 0.0 for c in looked if c.fits and suits(c)), default=0.0)
        for name, suits in kinds.items()
    }


def appraisal(output: Path, precision: str = MIXED) -> tuple[Appraiser, Parts]:
    """Looks at networks with the shared weights of the search that was found; the frames."""
    space = read(SPACE).with_precision(precision)
    parts = data.parts(labelled((output / TRAIN,)), ASIDE, 0, labelled((output / TEST,)))
    net = Supernet(space, FRAME, CLASSES)
    net.load_state_dict(checkpoint.read(output / "found" / STATE)["network"])
    return Appraiser.of(net, Market(targets.load(BOARD), FRAME), parts.train, parts.choice), parts


def boards(output: Path, workers: work.Workers) -> Mapping[str, Any]:
    """Every board's network of one rate, and what it would be on the others."""
    winners: dict[str, Any] = {}
    for board in BOARDS:
        wish = {"objectives": ("area",), "count": ASKED, "tune": TUNED, "winners": 1}
        made = searched(output / board, output, board, workers, wish, fps=RATE, weights=output / "found")
        first = made["front"][0]
        winners[board] = {
            "genes": list(first["genes"]),
            "fit": made["fit"],
            "count": made["candidates"],
            **made["trained"][0],
        }
    space = read(SPACE).with_precision(MIXED)
    return {board: {**winner, "on": elsewhere(space, winner["genes"])} for board, winner in winners.items()}


def elsewhere(space: Space, genes: Sequence[int]) -> dict[str, float]:
    """The rate of a network's fastest design on every board, 0 where none fits."""
    layers = space.layers(tuple(genes), FRAME, CLASSES)
    return {board: Market(targets.load(board), FRAME).price(layers).fps for board in BOARDS}


def networks(known: Mapping[str, Any]) -> str:
    """What was found, the most accurate first."""
    lines = [
        "| network | weights | % right | frames/s | cycles | LUT | DSP | BRAM18 | codes that differ | simulated |",
        "|---" * 10 + "|",
    ]
    for row in known["trained"]:
        used = " | ".join(f"{row['resources'].get(kind, 0):,}" for kind in ("lut", "dsp", "bram18"))
        lines.append(
            f"| {row['network']} | {row['weights']:,} | {100 * row['accuracy']:.2f} | {row['fps']:,.0f} | "
            f"{row['interval']:,} | {used} | {row['differing']} of {row['codes']:,} | {row['simulated']} |"
        )
    return "\n".join(lines) + "\n"


def strategies(known: Mapping[str, Any]) -> str:
    """The best of each kind, mean over seeds."""
    kinds = {"any": "any", "few": f"fewer than {FEW_WEIGHTS:,} weights"}
    kinds |= {str(rate): f"{rate:,} frames/s at least" for rate in RATES}
    lines = [f"| | covered | {' | '.join(kinds.values())} |", "|---" * (len(kinds) + 2) + "|"]
    for strategy, rows in known["best"].items():
        means = (100 * float(np.mean([row[kind] for row in rows])) for kind in kinds)
        name = {"evolve": "bred", "random": "drawn"}[strategy]
        share = np.mean([row["covered"] for row in rows])
        lines.append(f"| {name} | {100 * share:.1f} | {' | '.join(f'{mean:.2f}' for mean in means)} |")
    return "\n".join(lines) + "\n"


def across(known: Mapping[str, Any]) -> str:
    """Every board's network, and how fast it would be on each."""
    lines = [f"| found for | network | weights | % right | {' | '.join(f'frames/s on {b}' for b in known)} |",
             "|---" * (4 + len(known)) + "|"]  # fmt: skip
    for board, row in known.items():
        rates = " | ".join(f"{row['on'][other]:,.0f}" if row["on"][other] else "does not fit" for other in known)
        lines.append(f"| {board} | {row['network']} | {row['weights']:,} | {100 * row['accuracy']:.2f} | {rates} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
