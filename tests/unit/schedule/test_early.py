"""Frames that wait in front of an exit: the model of whole frames against what must hold."""

import pytest

from tomato.schedule.early import CLOSE, Level, average, departures, drawn, ideal

FAST, SLOW = Level(100, 150, 160, 30, 4), Level(400, 900)


def test_all_frames_that_go_on_take_the_interval_of_the_slowest() -> None:
    assert average((FAST, SLOW), [1] * 500) == pytest.approx(400)


def test_frames_that_all_leave_take_that_of_the_first() -> None:
    assert average((FAST, SLOW), [0] * 500) == pytest.approx(100)


def test_results_leave_in_order() -> None:
    left = departures((FAST, SLOW), [0, 1, 0, 0, 1])
    assert left == sorted(left)
    assert left[2] > left[1] >= 900


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_more_room_comes_closer_to_the_ideal(share: float) -> None:
    passed = drawn((share,))
    rooms = [average((Level(100, 150, 160, 30, n, 1.0), SLOW), passed) for n in (2, 4, 16, 200)]
    assert rooms == sorted(rooms, reverse=True)  # type: ignore[type-var]  # all are numbers
    assert rooms[-1] == pytest.approx(ideal((FAST, SLOW), passed), rel=CLOSE - 1)


def test_shares_of_exits_one_behind_the_other() -> None:
    passed = drawn((0.5, 0.4))
    assert sum(n >= 1 for n in passed) / len(passed) == pytest.approx(0.5, abs=0.02)
    assert sum(n == 2 for n in passed) / len(passed) == pytest.approx(0.2, abs=0.02)
    assert drawn((0.5, 0.4)) == passed


def test_few_frames_have_no_average() -> None:
    assert average((FAST, SLOW), [0, 1]) is None
