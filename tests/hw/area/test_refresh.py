"""What is measured by several workers is stored as one would store it."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tomato import work
from tomato.work.calls import dumped, loaded
from tomato.work.workers import R, T, Workers
from tools.calibrate import run
from tools.calibrate.measure import Measured
from tools.calibrate.point import Point


class Backwards(Workers):
    """The last task is done first, and all that travels is pickled."""

    @property
    def count(self) -> int:
        return 2

    def run(
        self, function: Callable[[T], R], tasks: Sequence[T], *, what: str, name: Callable[[T], str] = str
    ) -> Iterator[tuple[int, R]]:
        for place in reversed(range(len(tasks))):
            yield place, loaded(dumped(loaded(dumped(function))(loaded(dumped(tasks[place])))))


def made(point: Point, flow: str, folder: Path) -> Measured:
    return Measured(len(point.name), 1, 0, 0, 0, 1, 0, ())


def test_new_points_are_stored_in_their_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(run, "synthesise", made)
    points = [p for p in run.selected("ecp5") if p.group == "register"]
    assert len(points) > 2
    texts = []
    for workers in (work.HERE, Backwards()):
        monkeypatch.setattr(run, "DATA", tmp_path / type(workers).__name__)
        run.refresh(points[-1:], "ecp5", workers)  # known before the others
        run.refresh(points, "ecp5", workers)
        texts.append((run.DATA / "register.json").read_text())
        assert list(run.load("register")) == [points[-1].name, *(p.name for p in points[:-1])]
    assert texts[0] == texts[1]
