"""Frames that wait in front of an exit: the model of whole frames against what must hold."""

import pytest

from tomato.schedule.early import CLOSE, Level, average, departures, drawn, ideal

FAST, SLOW = Level(100, 150, 160, 30, 4), Level(400, 900)


def test_all_frames_that_go_on_take_the_interval_of_the_slowest() -> None:
    assert average((FAST, SLOW), [1] * 500, ordered=True) == pytest.approx(400)


def test_frames_that_all_leave_take_that_of_the_first() -> None:
    assert average((FAST, SLOW), [0] * 500, ordered=True) == pytest.approx(100)


def test_results_leave_in_order() -> None:
    left = departures((FAST, SLOW), [0, 1, 0, 0, 1], ordered=True)
    assert left == sorted(left)
    assert left[2] > left[1] >= 900


def test_results_leave_as_they_come() -> None:
    """The first frame that goes on takes 1,060 cycles; those behind it that are sure do not wait for it."""
    passed = [0, 1, 0, 0, 1]
    left = departures((FAST, SLOW), passed, ordered=False)
    early = [at for at, count in zip(left, passed, strict=True) if not count]
    assert early == [at + 150 for at in (0, 200, 300)]
    waits, comes = (average((FAST, SLOW), passed * 400, ordered=ordered) for ordered in (True, False))
    assert waits == pytest.approx(comes, rel=0.01), "on average it is the same"


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_more_room_comes_closer_to_the_ideal(share: float) -> None:
    passed = drawn((share,))
    rooms = [average((Level(100, 150, 160, 30, n, 1.0), SLOW), passed, ordered=True) for n in (2, 4, 16, 200)]
    assert rooms == sorted(rooms, reverse=True)  # type: ignore[type-var]  # all are numbers
    assert rooms[-1] == pytest.approx(ideal((FAST, SLOW), passed), rel=CLOSE - 1)


def test_shares_of_exits_one_behind_the_other() -> None:
    passed = drawn((0.5, 0.4))
    assert sum(n >= 1 for n in passed) / len(passed) == pytest.approx(0.5, abs=0.02)
    assert sum(n == 2 for n in passed) / len(passed) == pytest.approx(0.2, abs=0.02)
    assert drawn((0.5, 0.4)) == passed


def test_few_frames_have_no_average() -> None:
    assert average((FAST, SLOW), [0, 1], ordered=True) is None
