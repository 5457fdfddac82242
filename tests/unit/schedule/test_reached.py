"""A rate holds when a plan is played; here layers wait for each other as long as a test says."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.schedule.test_sharing import BOARD, PLAIN, SHARED
from tomato.schedule import plan as plans
from tomato.schedule import reached as module
from tomato.schedule import schedule
from tomato.schedule.play import StuckError
from tomato.schedule.reached import reached
from tomato.schedule.scheduler import OutOfReachError
from tomato.schedule.streams import edges, interval_cycles
from tomato.schedule.units import bind

FPS = 5_000
WANTED = int(BOARD.clock_mhz * 1e6 / FPS)


def waiting(monkeypatch: pytest.MonkeyPatch, times: float) -> list[int]:
    """Frames take so many times as long as in closed form; the cycles of what is played, one after the other."""
    asked: list[int] = []

    def steady(units: Any, graph: Any, routes: Any) -> SimpleNamespace:
        asked.append(round(times * interval_cycles(units, edges(graph, units))))
        return SimpleNamespace(interval=asked[-1])

    monkeypatch.setattr(module, "steady", steady)
    return asked


def cycles(plan: plans.Plan) -> int:
    """In closed form."""
    units = bind(SHARED, plan.layers, BOARD)
    return interval_cycles(units, edges(SHARED, units))


def fastest() -> int:
    """The least cycles a frame in closed form."""
    with pytest.raises(OutOfReachError) as refusal:
        schedule(SHARED, BOARD, fps=BOARD.clock_mhz * 1e6, weights="chip")
    return refusal.value.interval


def test_a_rate_that_waits_miss_is_planned_again(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = schedule(SHARED, BOARD, fps=FPS, weights="chip")
    played = waiting(monkeypatch, 1.2)
    plan = reached(SHARED, BOARD, fps=FPS, weights="chip")
    assert played[0] == round(1.2 * cycles(closed)) > WANTED >= played[-1] == round(1.2 * cycles(plan))


def test_a_rate_that_holds_keeps_its_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = schedule(SHARED, BOARD, fps=FPS, weights="chip")
    assert reached(SHARED, BOARD, fps=FPS, weights="chip") == closed  # truly played
    played = waiting(monkeypatch, 1.0)
    assert reached(SHARED, BOARD, fps=FPS, weights="chip") == closed
    assert len(played) == 1


def test_a_rate_that_no_plan_reaches_is_refused_with_what_was_played(monkeypatch: pytest.MonkeyPatch) -> None:
    played = waiting(monkeypatch, 10.0)
    with pytest.raises(OutOfReachError, match="out of reach on pynq-z2") as refusal:
        reached(SHARED, BOARD, fps=FPS, model="net.onnx", weights="chip")
    assert refusal.value.interval == min(played) == 10 * fastest() > WANTED
    assert "net.onnx" in str(refusal.value)


def test_only_what_takes_turns_is_played(monkeypatch: pytest.MonkeyPatch) -> None:
    played = waiting(monkeypatch, 10.0)
    assert reached(PLAIN, BOARD, fps=FPS, weights="chip") == schedule(PLAIN, BOARD, fps=FPS, weights="chip")
    assert reached(SHARED, BOARD, weights="chip") == schedule(SHARED, BOARD, weights="chip")
    assert not played


def test_where_turns_cannot_be_played_the_closed_form_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def stuck(*_: Any) -> None:
        raise StuckError("no turn comes")

    monkeypatch.setattr(module, "steady", stuck)
    assert reached(SHARED, BOARD, fps=FPS, weights="chip") == schedule(SHARED, BOARD, fps=FPS, weights="chip")
