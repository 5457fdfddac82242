"""Carries a recipe out: step by step, each judged, kept on disk, and taken up again after an interruption."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.ir import Graph
from tomato.core.progress import Progress, silent
from tomato.quantise.precision import Precision
from tomato.train import steps
from tomato.train.data import Frames, check_labels, split
from tomato.train.design import Outcome, design
from tomato.train.hooks import fold_normalisation
from tomato.train.judge import Judge
from tomato.train.kept import Kept
from tomato.train.loop import Training
from tomato.train.losses import is_scores
from tomato.train.module import Network
from tomato.train.named import layers
from tomato.train.recipe import TEACHER, Recipe, Step
from tomato.train.row import Row
from tomato.train.sizes import sizes
from tomato.train.trainable import Trainable

START = "start"
"""What the first row of the table is called: the float model as it came."""
SHOWN = 64
"""Frames that a float network is quantised by for a design."""
SEEN = 8
"""Frames whose values are part of what makes a run the same."""


@dataclass
class Run:
    """A recipe on a network, with its frames.

    valid: frames that results are reported on; else some of `train` are set aside for that. target: a board, whose
    scheduler says after each step what the network would be. folder: where the run is kept. teachers: loads other
    teachers than the network itself as it comes.
    """

    net: Trainable
    recipe: Recipe
    train: Frames
    valid: Frames | None = None
    target: str | None = None
    folder: Path | None = None
    teachers: Callable[[str], Network] | None = None
    where: str = ""
    rows: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        start = self.net.graph()
        self.teacher = Trainable(start, self.net.inputs, self.net.outputs).module
        self.teacher.eval()
        frames, judged = self.train, self.valid
        self.choice: Frames | None = None
        if judged is None:
            frames, judged = split(frames, self.recipe.judge, self.recipe.seed)
        if self.recipe.chooses:
            frames, self.choice = split(frames, self.recipe.aside, self.recipe.seed + 1)
        self.frames = frames
        if is_scores(self.teacher, 0):
            for given in (frames, judged):
                check_labels(given, int(np.prod(self.net.outputs[0].shape)), self.where)
        self.judge = Judge.of(judged, self.teacher)
        self.kept = None if self.folder is None else Kept(self.folder, self._digest(start))

    def carry_out(self, progress: Progress = silent, told: Callable[[Row], None] = lambda _: None) -> list[Row]:
        """Every step, from where the folder says that an interrupted run was. The rows of all steps."""
        first, self.rows, net = (0, [], None) if self.kept is None else self.kept.begin()
        self.net = net or self.net
        for row in self.rows:
            told(row)
        if not self.rows:
            self._add(Row(START, self.judge(self.net.module), sizes(self.net.graph()).total), told)
        for i in range(first, len(self.recipe.steps)):
            loss = self._step(i, self.recipe.steps[i], progress)
            self._add(self._judged(f"{i + 1} {self.recipe.steps[i].do}", loss), told)
            if self.kept:
                self.kept.keep(i + 1, self.rows, self.net)
        return self.rows

    def _step(self, index: int, step: Step, progress: Progress) -> float | None:
        """Prepare and train; the last epoch's loss."""
        name = f"{index + 1} {step.do}"
        scene = steps.Scene(
            self.net, self.frames, self.choice, f"{self.where}: step {name}",
            None if self.target is None else self._words,
        )  # fmt: skip
        steps.prepare(scene, step)
        self.net = scene.net
        loss = self._trained(index, step, scene, name, progress) if step.loop.epochs else None
        fold_normalisation(self.net.module, self.frames)
        self.net.module.eval()
        return loss

    def _trained(self, index: int, step: Step, scene: steps.Scene, name: str, progress: Progress) -> float:
        choose = None
        if (step.loop.patience or step.loop.best) and self.choice is not None:
            choose = partial(Judge.of(self.choice, self.teacher), self.net.module)
        training = Training(self.net.module, self.frames, step.loop, self._teacher(step), scene.hooks, choose, name)
        kept = self.kept
        if kept and (state := kept.training(index)):
            training.restore(state)
        training.run(progress, (lambda: kept.keep_training(index, training.state())) if kept else None)
        return training.losses[-1]

    def _teacher(self, step: Step) -> Network:
        given = step.get(TEACHER, None)
        if given is None:
            return self.teacher
        assert self.teachers is not None, "there is a way to load teachers"
        return self.teachers(given)

    def _judged(self, name: str, loss: float | None) -> Row:
        found = self._design()
        made = found.accelerator if found and self.net.quantised else None
        graph = self.net.frozen() if self.net.quantised else self.net.graph()
        right = self.judge(self.net.module)
        if found is None:
            return Row(name, right, sizes(graph).total, loss=loss)
        return Row(name, right, sizes(graph, made).total, found.fps, found.resources, loss)

    def _design(self) -> Outcome | None:
        """What the network would be on the target now."""
        if self.target is None:
            return None
        asked = [s.options["precision"] for s in self.recipe.steps if s.do == "quantise"]
        precision = Precision.parse(asked[-1]) if asked else None
        return design(self.net, self.target, precision, self._some(SHOWN))

    def _some(self, count: int) -> tuple[Array, ...]:
        return self.frames.take(np.arange(min(count, len(self.frames)))).arrays()

    def _words(self) -> Mapping[str, tuple[int, int]]:
        """The words of the engines of the network's layers, by name."""
        found = self._design()
        if found is None:
            raise TomatoError("words of the engine are those of a design", where=self.where, hint="give --target")
        return {n.name: found.words[n.name] for n in layers(self.net.module.graph) if n.name in found.words}

    def _digest(self, start: Graph) -> str:
        """What a run in the folder must have in common with this one to be taken up."""
        key = hashlib.sha256(self.recipe.text.encode())
        key.update(repr((self.recipe.steps, self.recipe.seed, self.target, str(start))).encode())
        for frames in (self.frames, self.judge.frames):
            some = frames.take(np.arange(min(SEEN, len(frames))))
            key.update(repr((len(frames), [a.shape for a in frames.stored])).encode())
            for array in some.arrays():
                key.update(np.ascontiguousarray(array).tobytes())
        return key.hexdigest()

    def _add(self, row: Row, told: Callable[[Row], None]) -> None:
        self.rows.append(row)
        told(row)
