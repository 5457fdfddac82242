"""Sets that share no class and no group, tasks drawn from them, and frames that are too few."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.search.few.data import Pool, Sets, Task, groups_of, sets

TASK = Task(ways=3, shots=2, queries=1)
CLASSES, GROUPS, EACH = 40, 10, 4
LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(CLASSES), EACH))
X = LABELS[:, None, None, None].astype(np.float32) + np.zeros((1, 1, 2, 2), np.float32)
"""Frames that say their class."""


def made(groups: Array | None = None, seed: int = 0) -> Sets:
    return sets(X, LABELS, LABELS % GROUPS if groups is None else groups, TASK, seed)


def owned(pool: Pool) -> set[int]:
    return {int(LABELS[places[0]]) for places in pool.places}


def test_no_two_sets_share_a_group_and_none_is_lost() -> None:
    for seed in range(5):
        parts = [owned(pool) for pool in (made(seed=seed).train, made(seed=seed).choice, made(seed=seed).report)]
        groups = [{c % GROUPS for c in part} for part in parts]
        assert set.union(*parts) == set(range(CLASSES))
        assert sum(map(len, groups)) == GROUPS
        assert [len(g) for g in groups] == [6, 2, 2]
    assert owned(made(seed=0).report) != owned(made(seed=1).report)
    assert owned(made(seed=1).report) == owned(made(seed=1).report)


def test_without_groups_every_class_is_one(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=X, labels=LABELS)
    assert np.array_equal(groups_of(tmp_path / "data.npz", LABELS), LABELS)
    np.savez(tmp_path / "data.npz", x=X, labels=LABELS, groups=LABELS // 3)
    assert np.array_equal(groups_of(tmp_path / "data.npz", LABELS), LABELS // 3)


def test_a_task_has_frames_of_each_class_in_order_and_none_twice() -> None:
    pool = made().train
    marked = Pool(np.arange(len(X), dtype=np.float32)[:, None, None, None], pool.places)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        learned, asked = (part.reshape(TASK.ways, -1).astype(int) for part in marked.draw(TASK, rng))
        classes = LABELS[np.hstack([learned, asked])]
        assert learned.shape == (TASK.ways, TASK.shots)
        assert asked.shape == (TASK.ways, TASK.queries)
        assert np.all(classes == classes[:, :1])
        assert len(set(classes[:, 0])) == TASK.ways
        assert len(set(np.hstack([learned, asked]).reshape(-1))) == TASK.ways * TASK.frames


def test_tasks_beside_each_other_are_those_one_after_the_other() -> None:
    pool = made().train
    together = pool.beside(TASK, np.random.default_rng(1), 3)
    rng = np.random.default_rng(1)
    for i in range(3):
        for one, all_ in zip(pool.draw(TASK, rng), together, strict=True):
            assert np.array_equal(one[:, 0], all_[:, i])


@pytest.mark.parametrize(
    ("task", "groups", "message"),
    [
        (
            Task(3, 3, 2),
            LABELS,
            (
                "error: class 0 has 4 frames: a task of 3 shots and 2 queries needs 5 of each class\n"
                "  --> data.npz\n  hint: give more frames of it, or leave it out"
            ),
        ),
        (
            Task(9, 1, 1),
            LABELS % GROUPS,
            (
                "error: 40 classes in 10 groups leave 8 for choosing: a task has 9\n"
                "  --> data.npz\n  hint: give more classes, or lower --ways"
            ),
        ),
        (
            TASK,
            np.arange(len(LABELS)) % 7,
            "error: class 0 is in several groups\n  --> data.npz\n  hint: a class belongs to one group",
        ),
    ],
)
def test_too_little_for_a_task(task: Task, groups: Array, message: str) -> None:
    with pytest.raises(TomatoError) as error:
        sets(X, LABELS, groups, task, 0, "data.npz")
    assert str(error.value) == message


@pytest.mark.parametrize("groups", [np.zeros(3, np.int64), np.zeros(len(LABELS))])
def test_groups_that_do_not_suit(groups: Any, tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, x=X, labels=LABELS, groups=groups)
    with pytest.raises(TomatoError) as error:
        groups_of(path, LABELS)
    assert str(error.value) == (
        f"error: groups are {groups.shape} of {groups.dtype}: expected one whole number per frame\n  --> {path}"
    )
