"""Staircases against their references, accumulator by accumulator."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from tests.unit.quantise.requant.staircases import every, linear
from tomato.core.formats import Array, Codes
from tomato.quantise.requant.staircase import find

RANGES = st.builds(lambda lo, size: Codes(lo, lo + size), st.integers(-3000, 1000), st.integers(0, 4000))


@given(
    st.lists(st.floats(-3, 3), min_size=1, max_size=3),
    RANGES,
    st.integers(-40, 40),
    st.integers(-128, 0),
    st.integers(0, 300),
)
def test_staircase_is_its_reference(scales: list[float], acc: Codes, zero: int, lo: int, steps: int) -> None:
    reference, stair = linear(scales, zero, acc, lo, lo + steps)
    values = every(acc, len(scales))
    golden = reference(values)
    assert np.array_equal(stair.codes(values), golden)
    for c, t in enumerate(stair.thresholds):
        turned = values[:, c] * stair.sign[c]
        reached = (golden[:, c, None] > lo + np.arange(steps)) | (turned == stair.last[c] + 1)[:, None]
        least = np.where(reached, turned[:, None], stair.last[c] + 1).min(axis=0)
        assert np.array_equal(t, least)
        assert stair.falling[c] == (golden[0, c] > golden[-1, c])


@pytest.mark.slow
@given(st.data(), RANGES, st.integers(1, 40))
def test_steps_may_lie_anywhere(data: st.DataObject, acc: Codes, steps: int) -> None:
    """No guess of where the next threshold is helps here."""
    places = st.lists(st.integers(acc.lo, acc.hi + 1), min_size=steps, max_size=steps)
    thresholds = np.sort(np.array([data.draw(places), data.draw(places)]), axis=1)

    def reference(x: Array) -> Array:
        return np.asarray((x[:, :, None] >= thresholds).sum(axis=2))

    assert np.array_equal(find(reference, acc, 2, 0, steps).thresholds, thresholds)


@pytest.mark.slow
@pytest.mark.parametrize("scale", [2.0**-7 * 1.1, -(2.0**-8) * 1.3])
def test_65535_steps_of_22_bits(scale: float) -> None:
    acc = Codes(-(1 << 21), (1 << 21) - 1)
    reference, stair = linear([scale] * 2, 5, acc, -(1 << 15), (1 << 15) - 1)
    values = every(acc, 2)
    assert np.array_equal(stair.codes(values), reference(values))


def test_a_search_asks_few_accumulators() -> None:
    """256 channels of 255 steps, 22 bits: about eight questions per threshold, not one per bit."""
    asked, scale = 0, np.linspace(2.0**-12, 2.0**-14, 256).astype(np.float32)

    def reference(x: Array) -> Array:
        nonlocal asked
        asked += x.size
        assert x.size <= 1 << 17, "a block that is too large"
        return np.asarray(np.clip(np.rint(x.astype(np.float32) * scale).astype(np.int64), -128, 127))

    find(reference, Codes(-(1 << 21), (1 << 21) - 1), 256, -128, 127)
    assert asked < 10 * 256 * 255


DIPS = {
    "threshold": range(300, 301),
    "tread": range(655, 660),
    "end of tread": range(674, 675),
    "half": range(500),
    "end": range(999, 1000),
}


@pytest.mark.parametrize("dip", DIPS.values(), ids=DIPS)
def test_what_is_not_monotone_is_refused(dip: range) -> None:
    def reference(x: Array) -> Array:
        wrong = np.isin(x, dip) & (np.arange(3) == 1)
        return np.where(wrong, 39 - x // 25, x // 25)

    with pytest.raises(ValueError, match=r"^the requantisation of channel 1 is not monotone in the accumulator$"):
        find(reference, Codes(0, 999), 3, 0, 39)
