"""tom_recurrent_loop against the meaning of recurrent layers."""

import pytest

from tests.hw.recurrent_cases import CASES, IN_TURNS
from tests.hw.rtl.harness import check_engine, check_rtl
from tests.networks.cases import make_unit


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES)
def test_rtl_matches_golden(name: str) -> None:
    case = CASES[name]
    check_engine("recurrent_loop", case.op, case.args, case.knobs)


@pytest.mark.rtl
@pytest.mark.parametrize("name", IN_TURNS)
def test_frames_take_turns(name: str) -> None:
    """Every frame is one interval behind the one before, places are used again, and frames are not mixed."""
    case = IN_TURNS[name]
    slots = make_unit("recurrent_loop", case.op, case.args, case.knobs).params["Slots"]
    check_engine("recurrent_loop", case.op, case.args, case.knobs, frames=2 * slots + 3)


@pytest.mark.rtl
@pytest.mark.parametrize("frames", [1, 2, 4])
def test_frames_do_not_wait_for_others(frames: int) -> None:
    """Fewer than take turns, and some that are no multiple of them."""
    case = IN_TURNS["lstm"]
    check_rtl("recurrent_loop", case.op, case.args, case.knobs, frames=frames)


@pytest.mark.rtl
@pytest.mark.parametrize("slices", [(5, 17), (12, 6), (4, 4)])
def test_sums_are_multiplied_in_slices(slices: tuple[int, int]) -> None:
    """As on a board whose multipliers take fewer bits."""
    case = CASES["plain_powers"]
    changed = dict(zip(("AccSlice", "MultSlice"), slices, strict=True))
    check_rtl("recurrent_loop", case.op, case.args, case.knobs, changed=changed)
