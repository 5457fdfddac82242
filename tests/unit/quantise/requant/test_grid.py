"""Grids and requants against exact rational arithmetic."""

from fractions import Fraction
from math import floor

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from tomato.core.formats import Codes
from tomato.quantise.requant.grid import Grid, fit_grid, make_requant
from tomato.quantise.weights.fit import fit_weights

FACTORS = st.floats(1e-9, 1e4)


@given(st.lists(FACTORS, min_size=1, max_size=4), st.integers(4, 18))
def test_grid_is_as_wide_as_asked_and_as_near_as_that_allows(factors: list[float], bits: int) -> None:
    grid = fit_grid(np.array(factors), bits)
    if 0 < grid.shift < 40:
        assert 1 << (bits - 1) <= grid.mult.max() + 1 <= 1 << bits
    assert np.all(np.abs(grid.real - factors) <= 0.5 / 2.0**grid.shift + 1e-15)


@given(
    st.lists(st.integers(-(1 << 15), 1 << 15), min_size=1, max_size=3),
    st.integers(0, 20),
    st.integers(-300, 300),
    st.floats(-300, 300),
    st.integers(-50, 0),
    st.integers(1, 60),
)
def test_requant_rounds_the_exact_value(
    mult: list[int], shift: int, zero: int, target: float, lo: int, hi: int
) -> None:
    """Halves go up; only the target is rounded first, to the grid."""
    grid = Grid(np.array(mult, dtype=np.int64), shift)
    goal = Fraction(round(Fraction(target) * 2**shift), 2**shift)
    size = len(mult)
    op = make_requant(
        grid,
        zero=np.full(size, zero, dtype=np.int64),
        target=np.full(size, target),
        acc=Codes(-100, 100),
        clamp=Codes(lo, hi),
    )
    acc = np.arange(-100, 101).reshape(1, 1, -1, 1).repeat(size, axis=3)
    got = op.golden([acc])
    for column, value in enumerate(range(-100, 101)):
        for channel, m in enumerate(mult):
            exact = floor((value - zero) * Fraction(m, 2**shift) + goal + (Fraction(1, 2) if shift else 0))
            assert got[0, 0, column, channel] == min(max(exact, lo), hi)


def test_common_factors_of_two_are_dropped() -> None:
    op = make_requant(
        Grid(np.array([32768, 16384]), 15),
        zero=np.zeros(2, dtype=np.int64),
        target=np.zeros(2),
        acc=Codes(0, 255),
        clamp=Codes(0, 255),
    )
    assert op.mult.values.tolist() == [2, 1]
    assert op.shift == 1


@pytest.mark.parametrize("bits", [2, 3, 4, 8, 12])
def test_weights_lie_on_the_grid(bits: int) -> None:
    weight = np.random.default_rng(bits).normal(size=(3, 3, 4, 5)) * np.array([1.0, 1e-3, 50.0, 0.0, 1e-7])
    codes, grid = fit_weights(weight, 0.01, bits, 16)
    limit = (1 << (bits - 1)) - 1
    assert np.abs(codes).max() == limit
    assert not codes[..., 3].any(), "a dead channel has no weights"
    assert grid.mult.min() >= 1
    if bits >= 8:  # nothing is clipped, so every weight is within half a step
        assert np.all(np.abs(codes * grid.real - weight * 0.01) <= 0.5 * grid.real * (1 + 1e-9))


def test_clipping_pays_at_two_bits() -> None:
    weight = np.random.default_rng(0).normal(size=(200, 3))
    codes, grid = fit_weights(weight, 1.0, 2, 16)
    plain = np.abs(weight).max(axis=0)
    assert set(np.unique(codes)) == {-1, 0, 1}
    assert ((codes * grid.real - weight) ** 2).sum() < ((np.rint(weight / plain) * plain - weight) ** 2).sum()


def test_all_channels_dead() -> None:
    codes, grid = fit_weights(np.zeros((4, 3)), 0.5, 8, 16)
    assert not codes.any()
    assert grid.mult.tolist() == [1, 1, 1]


@pytest.mark.parametrize(("factor", "mult", "shift"), [(0.9999, 8, 3), (0.93, 15, 4), (1.0, 8, 3), (0.97, 8, 3)])
def test_a_factor_that_rounds_up_to_one_bit_more_takes_a_shift_less(factor: float, mult: int, shift: int) -> None:
    grid = fit_grid(np.array([factor]), 4)
    assert (grid.mult.tolist(), grid.shift) == ([mult], shift)
