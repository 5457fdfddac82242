"""A goal shared out at the least cost, against trying all there is."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tomato.train.allocation import hull, least_cost, spread

OFFERS = st.lists(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=4), min_size=1, max_size=3
)


def test_a_hull_leaves_out_what_is_never_best() -> None:
    assert hull(np.array([1, 2, 3, 4]), np.array([1, 1, 9, 4])) == [(0, 0), (2, 1), (4, 4)]


def test_the_cheapest_that_is_enough() -> None:
    assert least_cost((np.array([1.0, 3.0, 5.0]), np.array([0.0, 4.0, 2.0])), 2.0) == 2


@given(OFFERS, st.integers(1, 20))
def test_whole_offers_of_the_same_sum_never_cost_less(drawn: list[list[tuple[int, int]]], goal: int) -> None:
    offers = [(np.array([float(a) for a, _ in each]), np.array([float(c) for _, c in each])) for each in drawn]
    found = spread(offers, float(goal))
    whole = [c for c in product(*([(0, 0), *each] for each in drawn)) if sum(a for a, _ in c) >= goal]
    if not whole:
        assert found is None
        return
    assert found is not None
    assert sum(found) == pytest.approx(goal)
    cost = sum(_at(x, hull(*offer)) for x, offer in zip(found, offers, strict=True))
    assert cost <= min(sum(c for _, c in choice) for choice in whole) + 1e-9


def _at(amount: float, line: list[tuple[float, float]]) -> float:
    """What an amount costs along a line through some points."""
    amounts, costs = np.array(line).T
    return float(np.interp(amount, amounts, costs))
