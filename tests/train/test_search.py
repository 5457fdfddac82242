"""`tomato search` on tiny pictures: an interrupted run, several processes, what is written, what is refused."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from tests import digits
from tomato import load, work
from tomato.cli import main
from tomato.compiler import compile_model
from tomato.core.errors import TomatoError
from tomato.train.search import plan, winners
from tomato.train.search.command import Asked, Wish, search
from tomato.train.search.teaching import Teaching
from tomato.train.search.winners import Workshop
from tomato.work.workers import Here

TOML = """
formats = ["w8a8", "w4a4"]
[loop]
batch = 50
rate = 5e-3
[[stage]]
kinds = ["conv"]
kernels = [3]
widths = [4, 8]
[[stage]]
kinds = ["conv", "inverted"]
kernels = [3]
widths = [8, 12]
downs = ["stride", "max"]
expands = [2]
"""
WISH = Wish(epochs=2, count=12, tune=1, winners=2, population=4)


@pytest.fixture
def asked(tmp_path: Path) -> Callable[[str], Asked]:
    x, labels = digits.frames()
    np.savez(tmp_path / "data.npz", x=x[:240], labels=labels[:240])
    (tmp_path / "space.toml").write_text(TOML)
    return lambda name: Asked((tmp_path / "data.npz",), "pynq-z2", tmp_path / name, space=tmp_path / "space.toml")


def said(given: Asked, *, fps: int, candidates: int, precision: str) -> list[str]:
    """A short search as a command."""
    return [
        "search", "--data", str(given.paths[0]), "--target", given.target, "--space", str(given.space),
        "--fps", str(fps), "--epochs", "1", "--candidates", str(candidates), "--tune", "1", "-o", str(given.output),
        "--precision", precision,
    ]  # fmt: skip


def files(folder: Path) -> dict[str, bytes]:
    """What a search leaves that says what it found."""
    names = "candidates.jsonl", "front.json", "search.json", "network1/trained.onnx", "network1/accelerator/plan.toml"
    return {name: (folder / name).read_bytes() for name in names}


def test_an_interrupted_search_ends_like_one_that_was_not(asked: Callable[[str], Asked], monkeypatch: Any) -> None:
    found = search(asked("whole"), WISH)
    assert found["candidates"] == 12
    assert all(row["differing"] == 0 < row["codes"] for row in found["trained"])

    class StopError(Exception):
        pass

    class Looks(Here):
        """Looks at so many networks, and stops."""

        def __init__(self, count: int) -> None:
            self.left = count

        def run(self, function: Any, tasks: Sequence[Any], *, what: str, name: Any = str) -> Iterator[tuple[int, Any]]:
            for done in super().run(function, tasks, what=what, name=name):
                if what == "Networks":
                    if not self.left:
                        raise StopError
                    self.left -= 1
                yield done

    def stops(*_: Any) -> None:
        raise StopError

    with pytest.raises(StopError):  # in the middle of a generation
        search(asked("parts"), WISH, workers=Looks(6))
    monkeypatch.setattr(Workshop, "finish", stops)
    with pytest.raises(StopError):  # with all networks looked at, before any is trained on
        search(asked("parts"), WISH, workers=Looks(6))
    monkeypatch.undo()
    with_none = search(asked("parts"), WISH, workers=Looks(0))
    assert with_none["front"] == found["front"]
    assert files(asked("parts").output) == files(asked("whole").output)


def test_two_workers_find_the_same(asked: Callable[[str], Asked]) -> None:
    wish = replace(WISH, epochs=1, count=8)
    alone = search(asked("one"), wish)
    with work.opened(2) as workers:
        both = search(asked("two"), wish, workers=workers)
    assert alone["front"] == both["front"]
    assert len(both["trained"]) == 2
    assert files(asked("one").output) == files(asked("two").output)


def test_shared_weights_serve_another_board(asked: Callable[[str], Asked], monkeypatch: Any) -> None:
    wish = Wish(epochs=1, count=4, tune=1, population=2)
    first = search(asked("one"), wish)

    def trains(*_: Any) -> None:
        raise AssertionError("the weights are there")

    monkeypatch.setattr(Teaching, "run", trains)
    other = replace(asked("two"), target="kv260", weights=asked("one").output)
    found = search(other, replace(wish, epochs=None))
    assert found["target"] == "kv260"
    same = search(replace(asked("three"), weights=asked("one").output), replace(wish, epochs=None))
    assert same["front"] == first["front"]
    finer = search(replace(other, output=other.output / "finer", precision="w8a8"), replace(wish, epochs=None))
    assert all(":w8a8" in row["network"] for row in finer["trained"])
    with pytest.raises(TomatoError, match="another space, other frames or another seed"):
        search(replace(other, output=other.output / "four"), replace(wish, seed=1))
    assert not (other.output / "four").exists()
    with pytest.raises(TomatoError, match="no folder of a search"):
        search(replace(other, output=other.output / "five", weights=other.output / "network1"), wish)


def test_the_command_writes_networks_that_compile_to_what_it_says(
    asked: Callable[[str], Asked], tmp_path: Path
) -> None:
    given = asked("found")
    arguments = said(given, fps=20000, candidates=8, precision="w4a4")
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "network1" in result.stdout
    front = json.loads((given.output / "front.json").read_text())
    assert front["objectives"] == ["area"]
    (row,) = front["trained"]
    report = load(given.output / "network1" / "accelerator").report
    assert (row["fps"], row["interval"], row["resources"]) == (
        report["fps"], report["interval_cycles"], report["resources"],
    )  # fmt: skip
    assert row["fps"] >= 20000
    lines = (given.output / "candidates.jsonl").read_text().splitlines()
    assert [json.loads(line)["genes"] for line in lines] == [json.loads(line)["genes"] for line in dict.fromkeys(lines)]
    other = CliRunner().invoke(main, [*arguments[:-1], "w8a8"])
    assert other.exit_code == 1
    assert other.stderr == (
        "error: the folder holds another search: its space, target, data or options differ\n"
        f"  --> {given.output}\n  hint: remove it to search anew, or give another output\n"
    )


def test_a_trained_network_that_misses_the_rate_is_as_fast_as_it_gets(
    asked: Callable[[str], Asked], monkeypatch: Any
) -> None:
    given = asked("slow")
    compiled: list[float | None] = []

    def slow(*args: Any, fps: float | None = None, **options: Any) -> Any:
        compiled.append(fps)
        if fps:
            raise TomatoError("out of reach")
        return compile_model(*args, **options)

    monkeypatch.setattr(winners, "compile_model", slow)
    result = CliRunner().invoke(main, said(given, fps=30000, candidates=4, precision="w8a8"))
    assert result.exit_code == 0, result.output
    assert compiled == [30000.0, None]


def test_time_is_shared_out(asked: Callable[[str], Asked]) -> None:
    wish = Wish(hours=1e-3, count=4, population=2)
    found = search(asked("timed"), wish)
    made = json.loads((asked("timed").output / "search.json").read_text())["plan"]
    assert found["candidates"] == made["count"] == 4
    assert made["epochs"] >= 1
    assert made["tune"] >= 1


def test_two_workers_have_time_for_twice_as_much(asked: Callable[[str], Asked], monkeypatch: Any) -> None:
    class Two(Here):
        @property
        def count(self) -> int:
            return 2

    plans = []

    def stops(made: plan.Plan, *_: Any) -> None:
        plans.append(made)
        raise KeyboardInterrupt

    monkeypatch.setattr(plan, "_times", lambda calls: [0.125] * len(calls))
    monkeypatch.setattr(plan.Plan, "keep", stops)
    for workers in (Here(), Two()):
        with pytest.raises(KeyboardInterrupt):
            search(asked("timed"), Wish(hours=0.05, winners=4), workers=workers)
    one, two = plans
    assert (two.epochs, two.count, two.tune) == (one.epochs, 2 * one.count, 2 * one.tune)


def test_nothing_fits(asked: Callable[[str], Asked]) -> None:
    with pytest.raises(TomatoError) as error:
        search(replace(asked("none"), fps=1e9), Wish(epochs=1, count=4, tune=1, population=4))
    assert str(error.value) == (
        "error: no network of those that were looked at fits the target\n"
        "  hint: choose a larger board, a lower --fps, a space of smaller networks, or look at more (--candidates)"
    )


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"x": np.zeros((4, 1, 8, 8), np.float32)},
            (
                "error: a search needs labels\n"
                "  --> {}\n  hint: store them beside the frames, as the array labels of the .npz"
            ),
        ),
        (
            {"x": np.zeros((4, 8, 8), np.float32), "labels": np.zeros(4, np.int64)},
            "error: frames are 2-dimensional\n  --> {}\n  hint: give them as (frames, channels, height, width)",
        ),
    ],
)
def test_data_that_does_not_suit(arrays: dict[str, Any], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.raises(TomatoError) as error:
        search(Asked((tmp_path / "data.npz",), "pynq-z2", tmp_path / "out"), WISH)
    assert str(error.value) == message.format(tmp_path / "data.npz")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "epochs = 3",
            "error: epochs does not belong here\n  --> space: [loop]\n  hint: --epochs and --tune say how long",
        ),
        ("rate = -1", "error: rate = -1: expected a number from 0 to 1000\n  --> space: [loop]"),
    ],
)
def test_how_networks_are_trained_is_checked_first(asked: Callable[[str], Asked], line: str, message: str) -> None:
    given = asked("none")
    assert isinstance(given.space, Path)
    given.space.write_text(TOML.replace("rate = 5e-3", line))
    with pytest.raises(TomatoError) as error:
        search(given, WISH)
    assert str(error.value) == message
    assert not given.output.exists()


def test_objectives_are_known() -> None:
    with pytest.raises(TomatoError) as error:
        Wish(objectives=("speed",))
    assert str(error.value) == (
        "error: there is no objective speed\n  hint: choose from fps, area, memory, latency, weights"
    )
    assert torch.get_num_threads() == 1
