"""`tomato search --space graph`: a graph and a board in, networks on its nodes out, and their accelerators."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from tomato import targets
from tomato.compiler import compile_model
from tomato.core.errors import check_number
from tomato.core.files import reading, refusals, write_text
from tomato.core.formats import Array
from tomato.core.progress import Progress, silent
from tomato.frontend.write import write
from tomato.search.graphs import front as fronts
from tomato.search.graphs.data import PARTS, GraphData, read
from tomato.search.graphs.front import Found
from tomato.search.graphs.layers import Block, Forms, Layer, counts, layers
from tomato.search.graphs.picture import picture
from tomato.search.graphs.space import MIXED, NAME, Genes, Space
from tomato.search.graphs.space import read as read_space
from tomato.search.lines import check_same
from tomato.train.graphs.search import Round, search
from tomato.train.graphs.training import Loop, Trained, train, train_float
from tomato.train.optimise import one_thread

FRONT, PICTURE, PLAN, PART, FRAMES = "front.json", "search.svg", "search.json", "graph.npz", "frames.npz"
FLOAT, TRAINED, ACCELERATOR = "float.onnx", "trained.onnx", "accelerator"
WEIGHTS: Final = (0.003, 1.0)
"""Of size in the loss of the first and of the last round; those between grow by one factor."""
REFERENCE: Final = 64
"""Channels of the float network that results stand beside: two graph convolutions (Kipf and Welling, 2017)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A graph and a board.

    rounds: one network each, smaller and smaller. epochs: of a round. tune: of training what it finds, as floats and
    once more quantised. winners: of the front, which are compiled for `part` nodes. simulate: whether they are played
    in simulation. Raises TomatoError.
    """

    path: Path
    target: str
    output: Path
    space: str | Path | Space = NAME
    precision: str = MIXED
    rounds: int = 6
    epochs: int = 200
    tune: int = 200
    winners: int = 1
    part: int = 100
    fps: float | None = None
    clock_mhz: float | None = None
    simulate: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("rounds", "epochs", "tune", "winners", "part"):
            check_number(name, getattr(self, name), 1)


@dataclass(frozen=True, slots=True)
class Winner:
    """A network and its accelerator.

    test: share right of the whole graph's nodes that nothing is chosen by. right: of the part's nodes that it was not
    trained on, as the accelerator computes them. differing: codes of the compiled network that are not the trained
    one's, of `codes`. simulated: frames whose every beat equalled the golden model's in simulation.
    """

    folder: str
    network: str
    test: float
    bits: int
    right: float
    fps: float
    interval: int
    latency: int
    resources: dict[str, int]
    differing: int
    codes: int
    simulated: int


@refusals("cannot search")
def search_graph(
    asked: Asked, *, progress: Progress = silent, told: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Search, train, compile, and say what came of it; all of it is in the folder `output`, and taken up there again.

    Raises TomatoError for what the user can mend.
    """
    one_thread()
    target = targets.load(asked.target)
    data = read(asked.path, asked.seed)
    space = asked.space if isinstance(asked.space, Space) else read_space(asked.space)
    space = space.with_precision(asked.precision)
    nodes = data.near(asked.part, asked.seed)
    part = data.part(nodes)
    asked.output.mkdir(parents=True, exist_ok=True)
    _claim(asked, space, data)
    baseline = _baseline(data, part, asked)
    told(f"{baseline['network']} in floats: {100 * baseline['test']:.2f} % right")
    bench = _Bench(asked, space, data, part)
    found = _rounds(bench, progress, told)
    members = fronts.front(found)
    _write_part(part, nodes, asked.output)
    winners = []
    for i, one in enumerate(fronts.chosen(members, asked.winners), start=1):
        winners.append(bench.finish(one, asked.output / f"network{i}", progress))
        told(f"network{i}: {winners[-1].fps:,.0f} frames/s on {target.name}")
    about = {
        "space": space.name, "networks": space.size, "target": target.name, "precision": asked.precision,
        "seed": asked.seed, "nodes": data.nodes, "features": data.x.shape[1], "classes": data.classes,
        "edges": data.edges.shape[1] // 2, "part": part.nodes, "candidates": len(found), "baseline": baseline,
        "trained": [asdict(w) for w in winners],
    }  # fmt: skip
    return _written(asked, about, found, members)


@dataclass(frozen=True, slots=True)
class _Bench:
    """What networks are trained and built with."""

    asked: Asked
    space: Space
    data: GraphData
    part: GraphData

    def layers(self, genes: Genes) -> tuple[Layer, ...]:
        """Of the network that genes stand for."""
        return layers(self.space.for_classes(self.data.classes).decode(genes))

    def trained(self, made: Sequence[Layer]) -> tuple[Trained, Trained]:
        """As floats, and quantised."""
        return train(made, self.data, self.part, Loop(epochs=self.asked.tune), self.asked.seed)

    def look(self, weight: float, genes: Genes) -> Found:
        """What a round found, trained."""
        made = self.layers(genes)
        floats, coded = self.trained(made)
        text = " | ".join(map(str, self.space.for_classes(self.data.classes).decode(genes)))
        size = counts(made, self.data.x.shape[1], self.data.nodes, self.data.edge_counts(), self.data.entered)
        return Found(weight, genes, text, size, coded.valid, coded.test, floats.valid, floats.test)

    def finish(self, one: Found, folder: Path, progress: Progress) -> Winner:
        """Train a network as before, write it, compile and prove it."""
        folder.mkdir(parents=True, exist_ok=True)
        floats, coded = self.trained(self.layers(one.genes))
        write(floats.net.graph(), floats.net.inputs, floats.net.outputs, folder / FLOAT)
        coded.net.export(folder / TRAINED)
        frame = self.part.x[None]
        wrong, codes = coded.net.check(frame)
        made = compile_model(folder / TRAINED, self.asked.target, fps=self.asked.fps, clock_mhz=self.asked.clock_mhz,
                             progress=progress)  # fmt: skip
        made.write(folder / ACCELERATOR, progress)
        if self.asked.simulate:
            made.simulate(np.repeat(frame, self.asked.simulate, axis=0), progress=progress)
        best = np.asarray(made.golden(frame)).reshape(self.part.nodes, -1).argmax(axis=1)
        unseen = ~self.part.train
        right = float((best == self.part.labels)[unseen].mean()) if unseen.any() else 1.0
        report = made.report
        return Winner(
            folder.name, one.network, coded.test, one.counts.bits, right, report["fps"], report["interval_cycles"],
            report["latency_cycles"], dict(report["resources"]), wrong, codes, self.asked.simulate,
        )  # fmt: skip


def weights_of(rounds: int) -> list[float]:
    """What size counts in each round."""
    return [round(float(w), 6) for w in np.geomspace(*WEIGHTS, rounds)]


def reference(classes: int) -> tuple[Layer, ...]:
    """Two graph convolutions in floats."""
    floats = Forms("", "", 0, 0)
    return layers([Block("gcn", 1, REFERENCE, "relu", skip=False, forms=floats),
                   Block("gcn", 1, classes, "none", skip=False, forms=floats)])  # fmt: skip


def _baseline(data: GraphData, part: GraphData, asked: Asked) -> dict[str, Any]:
    """The network that others stand beside."""
    made = reference(data.classes)
    found = train_float(made, data, part, Loop(epochs=asked.tune), asked.seed)
    size = counts(made, data.x.shape[1], data.nodes, data.edge_counts(), data.entered)
    return {"network": f"gcn-{REFERENCE}", "counts": asdict(size), "valid": found.valid, "test": found.test}


def _rounds(bench: _Bench, progress: Progress, told: Callable[[str], None]) -> list[Found]:
    """What every round finds, kept line by line."""
    asked, path = bench.asked, bench.asked.output / fronts.FILE
    found = fronts.read(path)
    for i, weight in enumerate(weights_of(asked.rounds)):
        if i < len(found):
            continue
        shown = f"Round {i + 1} of {asked.rounds}"
        genes = search(bench.space, bench.data, Round(weight, asked.epochs), asked.seed,
                       lambda epoch, shown=shown: progress(shown, epoch + 1, asked.epochs))  # type: ignore[misc] # fmt: skip
        one = bench.look(weight, genes)
        with path.open("a", encoding="utf-8") as file:
            file.write(one.line + "\n")
        found.append(one)
        told(f"round {i + 1}: {100 * one.test:.2f} % right, {one.counts.bits / 8192:,.1f} KiB: {one.network}")
    return found


def _claim(asked: Asked, space: Space, data: GraphData) -> None:
    """Say in the folder which search it is. Raises TomatoError where it is another one."""
    key = hashlib.sha256()
    plain = {k: v for k, v in asdict(replace(asked, space=space.name)).items() if k not in ("output", "path")}
    key.update(json.dumps([plain, str(space)], default=str).encode())
    for x in (data.x, data.edges, data.labels, *(getattr(data, name) for name in PARTS)):
        key.update(np.ascontiguousarray(x).data)
    path, digest = asked.output / PLAN, key.hexdigest()
    if path.exists():
        with reading("this is no folder of a search, or it is damaged", where=path, hint="give another output"):
            kept = json.loads(path.read_text(encoding="utf-8"))["digest"]
        check_same(kept, digest, asked.output)
    write_text(path, json.dumps({"space": space.name, "weights": weights_of(asked.rounds), "digest": digest}) + "\n")


def _write_part(part: GraphData, nodes: Array, folder: Path) -> None:
    """The nodes that networks are compiled for, and their features as a frame."""
    np.savez_compressed(folder / PART, x=part.x, edges=part.edges, labels=part.labels, nodes=nodes)
    np.savez_compressed(folder / FRAMES, x=part.x[None])


def _written(asked: Asked, about: dict[str, Any], found: Sequence[Found], members: Sequence[Found]) -> dict[str, Any]:
    """Leave the results; what there is to tell."""
    write_text(asked.output / FRONT, fronts.document(about, members))
    written = [str(asked.output / name) for name in (FRONT, fronts.FILE)]
    base = about["baseline"]
    shown = picture(
        f"{asked.path.stem}, {about['nodes']:,} nodes", [(f.counts.bits, f.test) for f in found],
        [(f.counts.bits, f.test) for f in members],
        {f"{base['network']}, floats": (base["counts"]["bits"], base["test"])}, "test",
    )  # fmt: skip
    if shown is not None:
        write_text(asked.output / PICTURE, shown)
        written.append(str(asked.output / PICTURE))
    return {**about, "written": written, "front": [asdict(f) for f in members]}


__all__ = ["Asked", "Winner", "search_graph"]
