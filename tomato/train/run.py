"""Carries a recipe out: step by step, each judged, kept on disk, and taken up again after an interruption."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tomato.core.errors import TomatoError
from tomato.core.progress import Progress, silent
from tomato.ops.weighted import Weighted
from tomato.train import checkpoint, steps
from tomato.train.data import Frames, check_labels, split
from tomato.train.design import Outcome, design
from tomato.train.hooks import fold_normalisation
from tomato.train.loop import Training, predicted
from tomato.train.losses import is_scores
from tomato.train.module import Network
from tomato.train.recipe import Recipe, Step
from tomato.train.sizes import Size, sizes
from tomato.train.trainable import Trainable

START = "start"
"""What the first row of the table is called: the float model as it came."""


@dataclass(frozen=True, slots=True)
class Row:
    """How the network is behind a step. right: share of the judged frames, see `Judge`; fps None without a target."""

    step: str
    right: float
    sizes: Size
    fps: float | None = None
    resources: Mapping[str, int] = field(default_factory=dict)
    loss: float | None = None


@dataclass(frozen=True, slots=True)
class Judge:
    """What counts as right: the labels, or else the float model's answers.

    measure: "right" (labels), "as the float model" (its classes), or "explained" (of numbers: the share of their
    variance).
    """

    frames: Frames
    answers: Any
    measure: str

    @classmethod
    def of(cls, frames: Frames, teacher: Network) -> "Judge":
        """By labels where frames have some."""
        answers = predicted(teacher, frames)[0].flatten(1)
        if not is_scores(teacher, 0):
            return cls(frames, answers, "explained")
        labels = frames.classes()
        if labels is not None:
            return cls(frames, torch.from_numpy(labels), "right")
        return cls(frames, answers.argmax(1), "as the float model")

    def __call__(self, network: Network) -> float:
        found = predicted(network, self.frames)[0].flatten(1)
        if self.measure == "explained":
            return float(1.0 - (found - self.answers).var() / self.answers.var())
        return float((found.argmax(1) == self.answers).float().mean())


@dataclass
class Run:
    """A recipe on a network, with its frames.

    target: a board, whose scheduler says after each step what the network would be. folder: where the run is kept.
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
        self.teacher = Trainable(self.net.module.graph, self.net.inputs, self.net.outputs).module.eval()
        frames = self.train
        if self.valid is None:
            frames, self.valid = split(frames, self.recipe.judge, self.recipe.seed)
        self.frames, self.choice = split(frames, self.recipe.aside, self.recipe.seed + 1) if self.recipe.chooses else (frames, None)
        for given in (self.frames, self.valid):
            check_labels(given, int(np.prod(self.net.outputs[0].shape)), self.where)
        self.judge = Judge.of(self.valid, self.teacher)

    def carry_out(self, progress: Progress = silent, told: Callable[[Row], None] = lambda _: None) -> list[Row]:
        """Every step, from where the folder says that an interrupted run was. The rows of all steps."""
        first = self._resumed()
        for row in self.rows:
            told(row)
        if not self.rows:
            self._add(Row(START, self.judge(self.net.module), sizes(self.net.graph()).total), told)
        for i in range(first, len(self.recipe.steps)):
            loss = self._step(i, self.recipe.steps[i], progress)
            self._add(self._judged(f"{i + 1} {self.recipe.steps[i].do}", loss), told)
            self._keep(i + 1)
        return self.rows

    def _step(self, index: int, step: Step, progress: Progress) -> float | None:
        """Prepare and train; the last epoch's loss."""
        name = f"{index + 1} {step.do}"
        scene = steps.Scene(self.net, self.frames, self.choice, self.teacher, f"{self.where}: step {name}", self._words,
                            self._precision())  # fmt: skip
        steps.prepare(scene, step)
        self.net = scene.net
        loss = None
        if step.loop.epochs:
            loss = self._trained(index, step, scene, name, progress)
        fold_normalisation(self.net.module, self.frames)
        self.net.module.eval()
        return loss

    def _trained(self, index: int, step: Step, scene: steps.Scene, name: str, progress: Progress) -> float:
        choose = None
        if step.loop.patience and self.choice is not None:
            judge = Judge.of(self.choice, self.teacher)
            choose = lambda: judge(self.net.module)  # noqa: E731
        training = Training(self.net.module, self.frames, step.loop, self._teacher(step), scene.hooks, choose, name)
        state = self._under_way(index)
        if state is not None:
            training.restore(state)
        path = None if self.folder is None else self.folder / "training.pt"
        kept = None if path is None else lambda: checkpoint.write(path, {"step": index, "training": training.state()})
        training.run(progress, kept)
        if path is not None:
            path.unlink(missing_ok=True)
        return training.losses[-1]

    def _teacher(self, step: Step) -> Network | None:
        given = step.get("teacher", None)
        if given is None:
            return self.teacher
        assert self.teachers is not None
        return self.teachers(given)

    def _judged(self, name: str, loss: float | None) -> Row:
        found: Outcome | None = None
        if self.target is not None:
            found = design(self.net, self.target, self._precision(), self.frames.take(np.arange(min(64, len(self.frames)))).arrays())
        graph = self.net.frozen() if self.net.quantised else self.net.graph()
        return Row(
            name, self.judge(self.net.module), sizes(graph, found.accelerator if found and self.net.quantised else None).total,
            found and found.fps, found.resources if found else {}, loss,
        )  # fmt: skip

    def _precision(self) -> Any:
        """The precision that the recipe asks for, of its quantise step."""
        from tomato.quantise.precision import Precision

        asked = [s.options["precision"] for s in self.recipe.steps if s.do == "quantise"]
        return Precision.parse(asked[-1]) if asked else None

    def _words(self) -> Mapping[str, tuple[int, int]]:
        """The words of the engines of the network's layers, by name."""
        if self.target is None:
            raise TomatoError("words of the engine are those of a design", where=self.where, hint="give --target")
        found = design(self.net, self.target, self._precision(), self.frames.take(np.arange(min(64, len(self.frames)))).arrays()).words
        return {n.name: found[n.name] for n in self.net.module.graph if isinstance(n.op, Weighted) and n.name in found}

    def _add(self, row: Row, told: Callable[[Row], None]) -> None:
        self.rows.append(row)
        told(row)

    @property
    def digest(self) -> str:
        """What a run in the folder must have in common with this one to be taken up."""
        key = hashlib.sha256(self.recipe.text.encode())
        key.update(repr((self.recipe.steps, self.recipe.seed, self.target, str(self.net.module.graph))).encode())
        for frames in (self.frames, self.valid):
            assert frames is not None
            key.update(repr((len(frames), [a.shape for a in frames.stored])).encode())
            key.update(np.ascontiguousarray(frames.take(np.arange(min(8, len(frames)))).arrays()[0]).tobytes())
        return key.hexdigest()

    def _keep(self, done: int) -> None:
        """Leave in the folder what the next step starts from."""
        if self.folder is None:
            return
        fresh = self.folder / f"step{done}"
        checkpoint.save(fresh, self.net)
        document = {"digest": self._first_digest, "done": done, "rows": [asdict(r) for r in self.rows]}
        path = self.folder / "run.json"
        path.with_suffix(".new").write_text(json.dumps(document, indent=1) + "\n")
        path.with_suffix(".new").replace(path)
        shutil.rmtree(self.folder / f"step{done - 1}", ignore_errors=True)

    def _resumed(self) -> int:
        """How many steps the folder has behind it, whose network becomes this run's."""
        self._first_digest = self.digest
        if self.folder is None:
            return 0
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "run.json"
        if not path.exists():
            self.folder.joinpath("digest").write_text(self._first_digest)
            return 0
        document = json.loads(path.read_text())
        if document["digest"] != self._first_digest:
            raise TomatoError(
                "the folder holds another run: its recipe, model, target or frames differ", where=str(self.folder),
                hint="remove it to start anew, or give another output",
            )  # fmt: skip
        self.rows = [Row(**{**r, "sizes": Size(**r["sizes"])}) for r in document["rows"]]
        self.net = checkpoint.load(self.folder / f"step{document['done']}")
        return int(document["done"])

    def _under_way(self, index: int) -> dict[str, Any] | None:
        """The state of this step's training, if it was interrupted."""
        path = None if self.folder is None else self.folder / "training.pt"
        if path is None or not path.exists():
            return None
        found = checkpoint.read(path)
        if found.get("step") != index or (self.folder / "digest").exists() and not self._same_start():
            return None
        return dict(found["training"])

    def _same_start(self) -> bool:
        assert self.folder is not None
        return (self.folder / "digest").read_text() == self._first_digest
