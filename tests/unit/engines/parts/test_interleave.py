"""Frames that take turns: the windows of tom_loop_interleave, played without it."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.hw.recurrent_cases import IN_TURNS
from tests.networks.cases import make_site
from tests.networks.recurrent import coded, real, row
from tomato.core.formats import Codes
from tomato.engines.base import Knobs, Site
from tomato.engines.recurrent_loop import RecurrentLoop
from tomato.ops.recurrent import Lstm, Recurrent


def begun(taken: Sequence[int], frames: int, passes: int, window: int) -> list[int]:
    """Cycles in which frames begin that are taken in in these cycles: each in the first window of a free place."""
    free, found, next_window = [0] * frames, list[int](), 0
    for cycle in taken:
        n = max(next_window, cycle // window + 1)
        while n < free[n % frames]:
            n += 1
        free[n % frames], next_window = n + passes * frames, n + 1
        found.append(n * window)
    return found


@given(st.integers(2, 12), st.integers(1, 12), st.integers(1, 5), st.data())
def test_a_frame_waits_for_its_place_no_longer_than_a_turn(
    frames: int, passes: int, window: int, data: st.DataObject
) -> None:
    """Whenever frames come, at least their interval apart: the latest time of their results holds."""
    more = data.draw(st.lists(st.sampled_from((0, 0, 0, 1, 2, 7, 31)), min_size=3 * frames, max_size=3 * frames))
    taken = np.cumsum(np.array(more) + passes * window)
    waited = np.array(begun(list(taken), frames, passes, window)) - taken
    assert waited.min() >= 1
    assert waited.max() <= frames * window


def test_useful_numbers_of_frames_each_have_another_window() -> None:
    for case in IN_TURNS.values():
        site = make_site(case.op, case.args)

        def unit(frames: int, site: Site[Recurrent] = site, knobs: Knobs = case.knobs) -> RecurrentLoop:
            return RecurrentLoop(site, {**knobs, "frames": frames})

        useful = unit(1).useful
        cycles = [unit(frames).cycles for frames in useful]
        assert useful[0] == 1
        assert cycles == sorted(set(cycles), reverse=True)
        most = unit(useful[-1]).interleave
        assert most is not None
        assert most.pause == 0, "the most frames leave no multiplier idle"
        assert all(unit(n - 1).cycles > unit(n).cycles for n in useful[1:]), "fewer would do"


def test_states_that_last_do_not_take_turns() -> None:
    codes = Codes.of(16, signed=True)
    for lasting in (False, True):
        op = coded(real(Lstm, 4, np.random.default_rng(0), lasting=lasting), "w8a8", codes)
        found = {k["frames"] for k in RecurrentLoop.choices(make_site(op, (row(op, 6, codes),)))}
        assert (found == {1}) == lasting
