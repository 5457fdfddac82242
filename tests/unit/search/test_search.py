"""Searches for a precision, on networks whose right choice is known."""

import json
import sys
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tests import digits
from tests.networks.nets import Net
from tomato import targets, work
from tomato.cli import main
from tomato.compiler import compile_model
from tomato.core.errors import TomatoError
from tomato.core.formats import Tensor
from tomato.core.ir import Graph
from tomato.ops.dense import Dense
from tomato.ops.move import Concat
from tomato.quantise.precision import LayerFormat
from tomato.search import Exploration, Goal, Subject, explore
from tomato.search.candidates import KNOWN, WIDTHS
from tomato.search.choose import choose
from tomato.search.price import Market, Prices
from tomato.search.sensitivity import Sensitivity, Stream, streams

TARGET = targets.load("pynq-z2")
NARROW = LayerFormat(4)


def signs_then_reals() -> tuple[Graph, Net]:
    """A layer whose weights are -0.5 and +0.5, then one of Gaussian weights."""
    net = Net(2, 2, 16)
    signs = np.where(net.rng.random((16, 16)) < 0.5, -0.5, 0.5)
    hidden = net.relu(net.add(Dense(Tensor(signs)), "x", name="signs"))
    return net.graph(net.dense(hidden, 8, name="reals")), net


def subject() -> Subject:
    graph, net = signs_then_reals()
    return Subject.study(graph, net.data(64), None, "auto", compensate=True)


@cache
def search(goal: Goal) -> Exploration:
    return explore(subject(), TARGET, goal)


@pytest.mark.slow
def test_weights_that_are_signs_become_signs_and_the_others_stay_as_wide_as_they_must() -> None:
    found = search(Goal(5.0, "weights"))
    assert found.precision.named("signs").kind in ("binary", "ternary")  # both hold them exactly
    assert 4 < found.precision.named("reals").weight_bits <= 6
    loose = search(Goal(30.0, "weights"))
    assert loose.precision.named("reals").weight_bits < found.precision.named("reals").weight_bits


@pytest.mark.slow
def test_a_larger_drop_gives_a_faster_or_smaller_design() -> None:
    fast = search(Goal(20.0, "fps"))
    base, best = fast.points[0], max((p for p in fast.points if p.drop <= 20.0), key=lambda p: p.fps)
    assert best.fps >= base.fps
    small = search(Goal(20.0, "area"))
    chosen = next(p for p in small.points if p.precision == str(small.precision))
    assert chosen.resources["lut"] < small.points[0].resources["lut"]
    assert chosen.fps >= small.points[0].fps


@pytest.mark.slow
def test_too_strict_a_limit_gives_w8a8_and_says_so() -> None:
    found = search(Goal(0.0, "weights"))
    assert str(found.precision) == "w8a8"
    (note, *_) = found.notes
    assert note.startswith("precision auto: w8a8, nothing better stays within 0 points of float; ")
    assert json.loads(found.files["exploration.json"])["chosen"] == 0


@pytest.mark.slow
def test_every_point_but_the_chosen_is_worse_or_loses_too_much() -> None:
    found = search(Goal(5.0, "weights"))
    data = json.loads(found.files["exploration.json"])
    chosen = data["points"][data["chosen"]]
    assert chosen["drop"] <= 5.0
    for point in data["points"]:
        assert point["drop"] > 5.0 or point["weight_bits"] >= chosen["weight_bits"]


def test_streams_that_meet_have_one_width() -> None:
    net = Net(4, 4, 8)
    left, right = net.dense("x", 8, "left"), net.dense("x", 8, "right")
    graph = net.graph(net.dense(net.add(Concat(), left, right), 4, "head"))
    found = streams(Subject.study(graph, net.data(16), None, "auto", compensate=False))
    assert {(s.sources, s.readers) for s in found} == {
        (("x",), frozenset({"left", "right"})),
        (("left", "right"), frozenset({"head"})),
    }


@pytest.mark.parametrize("bound", [0.0, 0.5, 1.5, 3.0, 10.0])
def test_the_choice_is_the_cheapest_of_all(bound: float) -> None:
    """Against every combination of two layers in a row; prices are products of widths, as those of multipliers are."""
    rng = np.random.default_rng(3)
    forms = (KNOWN, LayerFormat(6), NARROW)
    paths = (Stream(("x",), frozenset({"a"})), Stream(("a",), frozenset({"b"})))
    weights = {(n, f): (8 - f.weight_bits) * rng.random() for n, f in product("ab", forms)}
    activations = {(i, w): (8 - w) * rng.random() for i, w in product((0, 1), WIDTHS)}
    prices = Prices(
        {(n, f, w): f.weight_bits * w / 64 for n, f, w in product("ab", forms, WIDTHS)},
        dict.fromkeys(activations, 0.0),
    )
    found = choose(Sensitivity(paths, weights, activations), prices, bound)

    def total(a: LayerFormat, b: LayerFormat, x: int, y: int) -> tuple[float, float]:
        loss = weights["a", a] + weights["b", b] + activations[0, x] + activations[1, y]
        return prices.layers["a", a, x] + prices.layers["b", b, y], loss

    every = [total(*c) for c in product(forms, forms, WIDTHS, WIDTHS)]
    least = min(price for price, loss in every if loss <= bound)
    plain = {n: replace(f, activation_bits=8) for n, f in found.items()}
    price, loss = total(plain["a"], plain["b"], found["x"].activation_bits, found["a"].activation_bits)
    assert loss <= bound + 1e-9
    assert price == pytest.approx(least, abs=1e-4)


def test_prices_are_those_of_the_engines() -> None:
    """Narrow inputs and narrow weights are cheaper, and speed is dearer."""
    known = subject()
    market = Market.open(known, (KNOWN, NARROW), streams(known), TARGET, (1000, 16))
    slow, fast = market.prices(1000), market.prices(16)
    assert fast.layers["reals", KNOWN, 8] > slow.layers["reals", KNOWN, 8]
    assert fast.layers["reals", NARROW, 8] < fast.layers["reals", KNOWN, 8]
    assert fast.layers["reals", KNOWN, 4] < fast.layers["reals", KNOWN, 8]


@pytest.mark.slow
def test_the_command_writes_the_curve_and_the_plan_repeats_the_choice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With few formats and few steps."""
    monkeypatch.setattr("tomato.search.candidates.FIXED", ("w8", "w4"))
    monkeypatch.setattr("tomato.search.search.STEPS", 3)
    monkeypatch.setattr("tomato.search.search.MOVES", 2)
    x, labels = digits.frames()
    np.savez(tmp_path / "data.npz", x=x[:100], labels=labels[:100])
    given = ["--calibrate", str(tmp_path / "data.npz"), "--fps", "1000", "--quiet"]
    arguments = ["compile", str(digits.MODEL), "--target", "pynq-z2", *given]
    auto = [*arguments, "-o", str(tmp_path / "auto"), "--precision", "auto", "--objective", "weights"]
    assert CliRunner().invoke(main, auto).exit_code == 0
    data = json.loads((tmp_path / "auto" / "exploration.json").read_text())
    assert data["measure"] == "right"
    assert data["points"][0]["precision"] == "w8a8"
    again = [*arguments, "-o", str(tmp_path / "again"), "--plan", str(tmp_path / "auto" / "plan.toml")]
    assert CliRunner().invoke(main, again).exit_code == 0
    first, second = (json.loads((tmp_path / name / "report.json").read_text()) for name in ("auto", "again"))
    assert first["weight_bits"] == second["weight_bits"] == data["points"][data["chosen"]]["weight_bits"]
    plans = [(tmp_path / name / "plan.toml").read_text() for name in ("auto", "again")]
    assert plans[0] == plans[1]
    assert not (tmp_path / "again" / "exploration.json").exists()
    assert CliRunner().invoke(main, [*arguments, "-o", str(tmp_path / "auto")]).exit_code == 0
    assert not (tmp_path / "auto" / "exploration.json").exists()


def test_the_plot_needs_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    goal = Goal(5.0, "weights")
    picture = search(goal).files["exploration.svg"]
    assert "bits of weights" in picture
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    found = search.__wrapped__(goal)
    assert set(found.files) == {"exploration.json"}
    assert found.notes[-1] == "precision auto: no plot without Matplotlib; pip install 'tomato[plot]'"


def test_workers_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bisections at the same time, and moves in advance, leave the points that one after the other would."""
    monkeypatch.setattr("tomato.search.candidates.FIXED", ("w8", "w4"))
    monkeypatch.setattr("tomato.search.candidates.CELLS", ())
    monkeypatch.setattr("tomato.search.search.STEPS", 2)
    monkeypatch.setattr("tomato.search.search.MOVES", 3)
    with work.opened(2) as workers:
        shared = explore(subject(), TARGET, Goal(5.0, "fps"), workers=workers)
    alone = explore(subject(), TARGET, Goal(5.0, "fps"))
    assert shared.files == alone.files
    assert (shared.precision, shared.fps, shared.notes, shared.points) == (
        alone.precision, alone.fps, alone.notes, alone.points
    )  # fmt: skip


def test_without_calibration() -> None:
    with pytest.raises(TomatoError) as error:
        compile_model(digits.MODEL, "pynq-z2", precision="auto")
    assert str(error.value) == (
        "error: --precision auto measures accuracy, but there is no calibration data\n"
        f"  --> {digits.MODEL}\n  hint: give --calibrate DATA, best a .npz with x and labels"
    )


def test_labels_of_another_length() -> None:
    x, labels = digits.frames()
    with pytest.raises(TomatoError) as error:
        compile_model(digits.MODEL, "pynq-z2", calibration=x[:20], labels=labels[:19], precision="auto")
    assert str(error.value) == f"error: 19 labels for 20 frames\n  --> {digits.MODEL}"


@pytest.mark.parametrize("option", [("--max-drop", "2"), ("--objective", "area")])
def test_options_of_a_search_that_was_not_asked_for(option: tuple[str, str]) -> None:
    result = CliRunner().invoke(main, ["compile", str(digits.MODEL), "--target", "pynq-z2", *option])
    assert result.exit_code == 1
    assert result.stderr == "error: --max-drop and --objective guide a search\n  hint: add --precision auto\n"
