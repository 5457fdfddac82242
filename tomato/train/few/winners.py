"""What becomes of a chosen network: meta-trained alone, judged, adapted to a task, a model on codes, an accelerator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.progress import Progress, silent
from tomato.frontend.write import write
from tomato.host import data as host
from tomato.search.few.data import Pool, Task
from tomato.search.network import build
from tomato.search.network.candidates import Candidate
from tomato.search.network.layers import Layer
from tomato.train.few.appraise import REPORTED, FewAppraiser, Share
from tomato.train.few.teaching import MetaTeaching
from tomato.train.loop import Loop
from tomato.train.search.resumed import taught
from tomato.train.search.supernet import Supernet, folded
from tomato.train.search.winners import built
from tomato.train.stored import mapped
from tomato.train.trainable import Trainable

FLOAT, TRAINED, ACCELERATOR = "float.onnx", "adapted.onnx", "accelerator"
LEARNED, QUERIES = "task.npz", "queries.npz"
CODED = 20
"""Tasks that a network is adapted to and put on codes for, to see what codes cost."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One task: frames to adapt to, their labels, and frames to ask about with theirs, of which there may be none."""

    name: str
    x: Array
    labels: Array
    asked: Array
    answers: Array

    @classmethod
    def drawn(cls, pool: Pool, task: Task, seed: int) -> "Shown":
        """One of a pool's."""
        x, asked = pool.draw(task, np.random.default_rng([seed, 8]))
        labels, answers = (np.repeat(np.arange(task.ways), n) for n in (task.shots, task.queries))
        return cls("network", x, labels, asked, answers)

    @classmethod
    def read(cls, path: Path, shape: Sequence[int], ways: int) -> "Shown":
        """The user's, from a .npz. Raises TomatoError."""
        stored, labels = host.opened(path, mapped)
        if labels is None:
            raise TomatoError("a task needs labels", where=str(path), hint=f"from 0 to {ways - 1}, as the array labels")
        x = host.typed(host.arranged(stored, tuple(shape), name="x", where=str(path)), "float32", name="x")
        if set(labels.tolist()) != set(range(ways)):
            raise TomatoError(
                f"labels are {sorted(set(labels.tolist()))}: a task of {ways} ways has frames of each, from 0 to "
                f"{ways - 1}", where=str(path),
            )  # fmt: skip
        x = np.array(x)
        return cls(path.stem, x, labels, x[:0], labels[:0])


@dataclass(frozen=True, slots=True)
class FewWinner:
    """A network, and the accelerator of what it became for one task.

    accuracy, half: share of queries right in many tasks of classes that nothing was chosen by, and half of its 95 %
    interval. coded, coded_float: the same in a few tasks, on codes and before. right: of the task's queries, as the
    accelerator computes them, None if there are none. For the rest see `Winner`.
    """

    folder: str
    network: str
    accuracy: float
    half: float
    coded: float
    coded_float: float
    right: float | None
    fps: float
    interval: int
    latency: int
    resources: Mapping[str, int]
    weights: int
    macs: int
    differing: int
    codes: int
    simulated: int
    priced: int


@dataclass(frozen=True, slots=True)
class FewWorkshop:
    """What is needed for that. loop: of shared weights. tune: epochs of a network alone. folder: for what is kept."""

    appraiser: FewAppraiser
    loop: Loop
    tune: int
    shown: Shown
    folder: Path
    simulate: int = 0

    def finish(self, candidate: Candidate, number: int, progress: Progress = silent) -> FewWinner:
        """Meta-train a network alone, adapt it, write it, compile and prove it; goes on from what is there."""
        mine = self.alone(candidate, self.folder / f"network{number}.pt", progress)
        layers, sets = mine.net.layers(candidate.genes), mine.sets
        share = mine.share(layers, sets.report, REPORTED)
        floats, codes = self._on_codes(mine, layers)
        folder = self.folder / f"{self.shown.name}{number}"
        folder.mkdir(parents=True, exist_ok=True)
        trained = self._adapted(mine, layers, self.shown.x, self.shown.labels, folder / FLOAT)
        trained.export(folder / TRAINED)
        asked = self.shown.asked if len(self.shown.asked) else self.shown.x
        np.savez_compressed(folder / LEARNED, x=self.shown.x, labels=self.shown.labels)
        if len(self.shown.asked):
            np.savez_compressed(folder / QUERIES, x=asked, labels=self.shown.answers)
        wrong, every = trained.check(asked)
        made = built(folder / TRAINED, mine.market, progress)
        made.write(folder / ACCELERATOR, progress)
        if self.simulate:
            made.simulate(asked[: self.simulate], progress=progress)
        right = None
        if len(self.shown.asked):
            best = np.asarray(made.golden(asked)).reshape(len(asked), -1).argmax(1)
            right = float((best == self.shown.answers).mean())
        report = made.report
        return FewWinner(
            folder.name, candidate.network, share.mean, share.half, codes.mean, floats.mean, right, report["fps"],
            report["interval_cycles"], report["latency_cycles"], report["resources"], candidate.counts.weights,
            candidate.counts.macs, wrong, every, min(self.simulate, len(asked)), candidate.price.interval,
        )  # fmt: skip

    def alone(self, candidate: Candidate, path: Path, progress: Progress) -> FewAppraiser:
        """A network with weights of its own, meta-trained from the beginning: shared ones hold it back."""
        shared = self.appraiser
        net = Supernet(shared.net.space, shared.net.frame, shared.task.ways, self.loop.seed)
        loop = replace(self.loop, epochs=self.tune)
        teaching = MetaTeaching(net, shared.sets.train, shared.task, loop, candidate.genes)
        taught(teaching, path, path.stem, progress, lambda _: None)
        return replace(shared, net=net, rates=teaching.rates)

    def _adapted(self, mine: FewAppraiser, layers: Sequence[Layer], x: Array, labels: Array, path: Path) -> Trainable:
        """A network adapted to frames, written as floats, and put on codes."""
        adapting = mine.adapting(layers)
        values = adapting.adapted(torch.from_numpy(x), torch.from_numpy(labels))
        weights = folded(layers, adapting.named([v.detach() for v in values]), adapting.known)
        graph = build.graph(layers, mine.net.frame, lambda layer, _: weights[layer.name])
        image, scores = build.ports(graph)
        write(graph, (image,), (scores,), path)
        found = Trainable.load(path)
        found.quantise(build.precision(layers), np.concatenate([mine.x.numpy(), x]))
        return found

    def _on_codes(self, mine: FewAppraiser, layers: Sequence[Layer]) -> tuple[Share, Share]:
        """What the network has right in a few tasks as floats that are rounded, and on codes."""
        rng, task = np.random.default_rng([mine.seed, 7]), mine.task
        labels, answers = (np.repeat(np.arange(task.ways), n) for n in (task.shots, task.queries))
        found = []
        for _ in range(CODED):
            x, asked = mine.sets.report.draw(task, rng)
            net = self._adapted(mine, layers, x, labels, self.folder / "coded.onnx")
            net.module.eval()
            with torch.no_grad():
                scores = net.module(torch.from_numpy(asked))
            found.append(float((scores.flatten(1).argmax(1).numpy() == answers).mean()))
        (self.folder / "coded.onnx").unlink()
        return mine.share(layers, mine.sets.report, CODED), Share.of(found)
