"""Few-shot search on tiny characters: meta-gradients, an interrupted run, a task of the user's, what is refused."""

import json
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from tomato import load
from tomato.cli import main
from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.search.few.data import Task, sets
from tomato.search.network.space import parse
from tomato.train.few import appraise, teaching, winners
from tomato.train.few.adapt import Adapting, Rates, classes
from tomato.train.few.command import WISH, FewAsked, search_few
from tomato.train.few.meta import first_order
from tomato.train.few.teaching import MetaTeaching
from tomato.train.loop import Loop
from tomato.train.search.supernet import Supernet

torch.set_num_threads(1)
TASK = Task(ways=3, shots=1, queries=3)
TOML = """
formats = ["w8a8"]
[[stage]]
kinds = ["conv"]
kernels = [3]
widths = [4, 8]
downs = ["stride"]
[[stage]]
kinds = ["conv", "separable"]
kernels = [3]
widths = [8]
downs = ["none", "stride"]
"""
SHORT = replace(WISH, epochs=2, count=4, tune=1, population=2)


def characters(count: int = 30, each: int = 6) -> tuple[Array, Array, Array]:
    """Random patterns of 8x8 pixels, in noise; three belong together."""
    rng = np.random.default_rng(3)
    patterns = rng.integers(0, 2, (count, 1, 4, 4)).repeat(2, 2).repeat(2, 3)
    labels = np.repeat(np.arange(count), each)
    x = patterns[labels] + rng.normal(0.0, 0.3, (len(labels), 1, 8, 8))
    return x.astype(np.float32), labels, labels // 3


def test_the_first_order_gradient_is_that_of_the_formula() -> None:
    """On a linear model with squares of errors: what descent does, and all gradients, in closed form."""
    rng = np.random.default_rng(0)
    x, y, xq, yq = (rng.normal(size=s) for s in ((6, 4), 6, (5, 4), 5))
    w, rates = rng.normal(size=4), np.array([0.05, 0.1, 0.02])

    def loss(a: Array, b: Array) -> Callable[[Sequence[torch.Tensor]], torch.Tensor]:
        return lambda values: (torch.from_numpy(a) @ values[0] - torch.from_numpy(b)).square().mean()

    def slope(a: Array, b: Array, at: Array) -> Array:
        found: Array = 2 * a.T @ (a @ at - b) / len(b)
        return found

    value, (gradient,), by_rates = first_order(
        loss(x, y), loss(xq, yq), [torch.from_numpy(w)], torch.from_numpy(rates)[:, None]
    )
    at, slopes = w, []
    for rate in rates:
        slopes.append(slope(x, y, at))
        at = at - rate * slopes[-1]
    want = slope(xq, yq, at)
    assert value == pytest.approx(np.mean((xq @ at - yq) ** 2))
    np.testing.assert_allclose(gradient.numpy(), want)
    np.testing.assert_allclose(by_rates.numpy()[:, 0], [-(want @ s) for s in slopes])


def network() -> tuple[Supernet, Any]:
    net = Supernet(parse(tomllib.loads(TOML), "space", "space"), (8, 8, 1), TASK.ways)
    return net, sets(*characters(), TASK, 0)


def test_tasks_beside_each_other_are_adapted_as_alone() -> None:
    """But for the steps of activations, which they share: so with formats that are fine."""
    net, parts = network()
    net = Supernet(net.space.with_precision("w16a16"), net.frame, TASK.ways)
    layers = net.layers(net.space.ends((0,) * len(net.space.genes))[0])
    known = net.statistics(layers, torch.from_numpy(parts.train.some(50, np.random.default_rng(0))))
    rates = Rates(list(net.weights)).of(net.parts(layers)).detach()
    learned, asked = map(torch.from_numpy, parts.train.beside(TASK, np.random.default_rng(1), 3))

    def scores(x: torch.Tensor, q: torch.Tensor, times: int) -> torch.Tensor:
        adapting = Adapting(layers, net.parts(layers), known, rates, TASK.ways, times)
        return adapting.scores(adapting.adapted(x, classes(TASK.ways, len(x))), q).detach()

    together = scores(learned, asked, 3)
    for i in range(3):
        alone = scores(learned[:, i : i + 1], asked[:, i : i + 1], 1)
        torch.testing.assert_close(together[:, i], alone[:, 0], atol=0.03, rtol=0.02)


def test_shared_weights_learn_to_learn(monkeypatch: Any) -> None:
    monkeypatch.setattr(teaching, "EPOCH", 10)
    net, parts = network()
    learning = MetaTeaching(net, parts.train, TASK, Loop(epochs=3, rate=1e-2))
    learning.run()
    assert learning.losses[-1] < 0.8 * learning.losses[0]
    assert not net.weights["scores"].any()


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: Any) -> Callable[..., FewAsked]:
    monkeypatch.setattr(teaching, "EPOCH", 2)
    monkeypatch.setattr(winners, "REPORTED", 4)
    monkeypatch.setattr(winners, "CODED", 1)
    monkeypatch.setattr(appraise, "JUDGED", 4)
    x, labels, groups = characters()
    np.savez(tmp_path / "data.npz", x=x, labels=labels, groups=groups)
    (tmp_path / "space.toml").write_text(TOML)
    return lambda name, **more: FewAsked(
        tmp_path / "data.npz", "ulx3s", tmp_path / name, TASK, tmp_path / "space.toml", **more
    )


def files(folder: Path) -> dict[str, bytes]:
    """What a search leaves that says what it found."""
    names = "candidates.jsonl", "front.json", "network1/float.onnx", "network1/adapted.onnx", "network1/task.npz"
    return {name: (folder / name).read_bytes() for name in names}


def test_an_interrupted_search_ends_like_one_that_was_not(asked: Callable[..., FewAsked], monkeypatch: Any) -> None:
    found = search_few(asked("whole"), SHORT)
    (row,) = found["trained"]
    assert row["differing"] == 0 < row["codes"]
    assert found["candidates"] == 4

    class StopError(Exception):
        pass

    calls = iter(range(100))

    def stops(self: MetaTeaching, rng: np.random.Generator) -> float:
        if next(calls) == 3:  # in the second epoch of shared weights
            raise StopError
        return step(self, rng)

    step = MetaTeaching.step
    monkeypatch.setattr(MetaTeaching, "step", stops)
    with pytest.raises(StopError):
        search_few(asked("parts"), SHORT)
    monkeypatch.setattr(MetaTeaching, "step", step)
    looked = appraise.FewAppraiser.__call__
    monkeypatch.setattr(
        appraise.FewAppraiser, "__call__", lambda self, genes: looked(self, genes) if next(calls) < 7 else fail()
    )

    def fail() -> Any:
        raise StopError

    with pytest.raises(StopError):  # in a generation
        search_few(asked("parts"), SHORT)
    monkeypatch.setattr(appraise.FewAppraiser, "__call__", looked)
    search_few(asked("parts"), SHORT)
    assert files(asked("parts").output / "ulx3s") == files(asked("whole").output / "ulx3s")


def test_boards_and_tasks_share_what_was_learned(
    asked: Callable[..., FewAsked], tmp_path: Path, monkeypatch: Any
) -> None:
    first = search_few(asked("both"), SHORT)

    def never(*_: Any) -> Any:
        raise AssertionError

    x, labels, _ = characters()
    mine = np.flatnonzero(labels < TASK.ways)[::2]
    np.savez(tmp_path / "mine.npz", x=x[mine], labels=labels[mine])
    monkeypatch.setattr(MetaTeaching, "step", never)
    again = search_few(asked("both", own=tmp_path / "mine.npz"), SHORT)
    assert [row["folder"] for row in again["trained"]] == ["mine1"]
    assert again["trained"][0]["right"] is None
    assert again["trained"][0]["accuracy"] == first["trained"][0]["accuracy"]
    monkeypatch.undo()
    monkeypatch.setattr(teaching, "EPOCH", 2)
    monkeypatch.setattr(winners, "REPORTED", 4)
    monkeypatch.setattr(winners, "CODED", 1)
    told: list[str] = []
    search_few(replace(asked("both", fps=1000.0), target="kv260"), SHORT, told=told.append)
    assert not any("shared weights, epoch" in line for line in told)
    assert (asked("both").output / "kv260-1000" / "front.json").exists()
    with pytest.raises(TomatoError) as error:
        search_few(asked("both"), replace(SHORT, seed=1))
    assert str(error.value) == (
        "error: the folder holds another search: its space, target, data or options differ\n"
        f"  --> {asked('both').output}\n  hint: remove it to search anew, or give another output"
    )


def test_a_task_of_other_labels_is_refused(asked: Callable[..., FewAsked], tmp_path: Path) -> None:
    x, labels, _ = characters()
    path = tmp_path / "mine.npz"
    np.savez(path, x=x[:12], labels=labels[:12])
    with pytest.raises(TomatoError) as error:
        search_few(asked("none", own=path), SHORT)
    assert str(error.value) == (
        f"error: labels are [0, 1]: a task of 3 ways has frames of each, from 0 to 2\n  --> {path}"
    )
    np.savez(path, x=x[:12])
    with pytest.raises(TomatoError) as error:
        search_few(asked("none", own=path), SHORT)
    assert str(error.value) == (f"error: a task needs labels\n  --> {path}\n  hint: from 0 to 2, as the array labels")
    assert not asked("none").output.exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--shots", "1", "--hours", "2"], "--hours says nothing of few-shot learning"),
        (["--shots", "1", "--nodes", "9"], "--nodes says something of graphs alone"),
        (["--shots", "1", "--space", "graph"], "--shots says nothing of a search on a graph"),
        (["--ways", "3"], "--ways says something of few-shot learning alone"),
        (["--shots", "9"], "class 0 has 6 frames: a task of 9 shots and 10 queries needs 19 of each class"),
    ],
)
def test_options_that_do_not_suit(asked: Callable[..., FewAsked], more: list[str], said: str) -> None:
    result = CliRunner().invoke(main, ["search", "--data", str(asked("x").path), "--target", "kv260", *more])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {said}\n")


@pytest.mark.slow
@pytest.mark.rtl
def test_the_command_finds_a_network_that_is_bit_exact_in_verilog(
    asked: Callable[..., FewAsked], tmp_path: Path
) -> None:
    given = asked("found")
    x, labels, groups = characters(30, 12)
    np.savez(given.path, x=x, labels=labels, groups=groups)
    arguments = [
        "search", "--data", str(given.path), "--target", "ulx3s", "--space", str(given.space), "--shots", "1",
        "--ways", "3", "--fps", "5000", "--epochs", "2", "--candidates", "4", "--tune", "1", "--simulate", "1", "-o",
        str(given.output),
    ]  # fmt: skip
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "bit-exact in simulation: 1 frames" in result.stdout
    folder = given.output / "ulx3s-5000"
    (row,) = json.loads((folder / "front.json").read_text())["trained"]
    report = load(folder / "network1" / "accelerator").report
    assert (row["fps"], row["resources"]) == (report["fps"], report["resources"])
    assert row["fps"] >= 5000
