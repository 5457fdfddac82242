"""Frames of many classes, in three sets that share no group of classes, and tasks of a few classes drawn from a set."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.files import reading
from tomato.core.formats import Array

SETS: Final = ("training", "choosing", "reporting")
ASIDE: Final = 0.15
"""Of the groups: to choose networks by, and as many to report on."""
GROUPS: Final = "groups"
"""The array of a .npz that says which classes belong together."""


@dataclass(frozen=True, slots=True)
class Task:
    """So many classes at once, and how many frames of each are learned from (shots) and asked about (queries)."""

    ways: int = 5
    shots: int = 1
    queries: int = 10

    @property
    def frames(self) -> int:
        """Of each class."""
        return self.shots + self.queries


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Frames, (frames, channels, height, width), and where those of each class are."""

    x: Array
    places: tuple[Array, ...]

    def draw(self, task: Task, rng: np.random.Generator) -> tuple[Array, Array]:
        """Frames of one task: to learn from, (ways x shots, ..), and to ask about, (ways x queries, ..), by class."""
        chosen = rng.choice(len(self.places), task.ways, replace=False)
        drawn = np.stack([rng.permutation(self.places[c])[: task.frames] for c in chosen])
        parts = drawn[:, : task.shots], drawn[:, task.shots :]
        return self.x[parts[0].reshape(-1)], self.x[parts[1].reshape(-1)]

    def beside(self, task: Task, rng: np.random.Generator, times: int) -> tuple[Array, Array]:
        """So many tasks, the channels of each behind those of the one before."""
        drawn = [self.draw(task, rng) for _ in range(times)]
        learned, asked = (np.concatenate(part, axis=1) for part in zip(*drawn, strict=True))
        return learned, asked

    def some(self, count: int, rng: np.random.Generator) -> Array:
        """Random frames of all classes, at most so many."""
        every = np.concatenate(self.places)
        chosen: Array = self.x[np.sort(rng.permutation(every)[:count])]
        return chosen


@dataclass(frozen=True, slots=True, eq=False)
class Sets:
    """What is meta-trained on, chosen by, and reported on."""

    train: Pool
    choice: Pool
    report: Pool


def groups_of(path: Path, labels: Array) -> Array:
    """The group of every frame; without an array of them in the file every class is a group. Raises TomatoError."""
    with reading("cannot read the data", where=path, hint="give a .npz with x, labels and groups"):
        stored = np.load(path, allow_pickle=False)
        given = None if isinstance(stored, np.ndarray) or GROUPS not in stored.files else np.asarray(stored[GROUPS])
    if given is None:
        return labels
    if given.shape != labels.shape or given.dtype.kind not in "iu":
        raise TomatoError(
            f"groups are {given.shape} of {given.dtype}: expected one whole number per frame", where=str(path)
        )
    return given.astype(np.int64)


def sets(x: Array, labels: Array, groups: Array, task: Task, seed: int, where: str = "") -> Sets:
    """Groups are drawn by the seed; all classes of a group are in one set. Raises TomatoError where tasks lack frames.

    labels, groups: of every frame.
    """
    order = np.argsort(labels, kind="stable")
    classes, starts = np.unique(labels[order], return_index=True)
    places = dict(zip(classes.tolist(), np.split(order, starts[1:]), strict=True))
    for name, found in places.items():
        if len(found) < task.frames:
            raise TomatoError(
                f"class {name} has {len(found)} frames: a task of {task.shots} shots and {task.queries} queries needs "
                f"{task.frames} of each class", where=where, hint="give more frames of it, or leave it out",
            )  # fmt: skip
    owner = {name: int(groups[found[0]]) for name, found in places.items()}
    for name, found in places.items():
        if np.any(groups[found] != owner[name]):
            raise TomatoError(f"class {name} is in several groups", where=where, hint="a class belongs to one group")
    return Sets(*(Pool(x, tuple(places[c] for c in part))
                  for part in _apart(owner, task, seed, where)))  # fmt: skip


def _apart(owner: dict[int, int], task: Task, seed: int, where: str) -> Sequence[list[int]]:
    """The classes of the three sets."""
    groups = np.random.default_rng([seed, 5]).permutation(sorted(set(owner.values())))
    each = max(1, round(ASIDE * len(groups)))
    parts = groups[2 * each :], groups[:each], groups[each : 2 * each]
    found = [[c for c in sorted(owner) if owner[c] in set(part.tolist())] for part in parts]
    for name, classes in zip(SETS, found, strict=True):
        if len(classes) < task.ways:
            raise TomatoError(
                f"{len(owner)} classes in {len(groups)} groups leave {len(classes)} for {name}: a task has {task.ways}",
                where=where, hint="give more classes, or lower --ways",
            )  # fmt: skip
    return found
