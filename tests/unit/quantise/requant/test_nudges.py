"""Nudged constants against every accumulator, and against a search of all moved steps."""

from itertools import combinations, product

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from tests.unit.quantise.requant.staircases import every, linear, quantize_linear
from tomato.core.formats import Codes, Tensor
from tomato.core.ir import TensorType
from tomato.ops.requant import Requant
from tomato.quantise.requant.constants import EXACT, finest_shift, fit, least_mult
from tomato.quantise.requant.nudges import agrees, exact
from tomato.quantise.requant.staircase import Staircase


def nudges_of(op: Requant) -> int:
    """The most of a channel."""
    return 0 if op.nudges is None else int(np.count_nonzero(op.nudges.values[:, :, 1], axis=1).max())


def fewest(stair: Staircase, mult_bits: int, most: int) -> int | None:
    """The least number of steps of one channel whose moves leave a staircase that constants equal, by trying all."""
    shift, reached = finest_shift(stair, mult_bits), stair.thresholds[0]
    steps = np.flatnonzero((reached > stair.first[0]) & (reached <= stair.last[0]))
    for count in range(most + 1):
        for some in combinations(steps, count):
            for directions in product((-1, 1), repeat=count):
                moved = stair.thresholds.copy()
                moved[0, np.array(some, dtype=int)] += np.array(directions, dtype=int)
                at = Staircase(moved, stair.lo, stair.hi, stair.acc, stair.falling)
                if least_mult(at, shift, mult_bits).state[0] == EXACT:
                    return count
    return None


@pytest.mark.slow
@given(st.data(), st.integers(0, 3), st.booleans(), st.integers(5, 9))
def test_the_fewest_moves_of_all(data: st.DataObject, wrong: int, falling: bool, mult_bits: int) -> None:
    """A straight staircase of which some steps were moved, by one."""
    acc, steps = Codes(-40, 60), 6
    first = -acc.hi if falling else acc.lo
    gap = data.draw(st.integers(8, 14))
    thresholds = first + 9 + gap * np.arange(steps)
    thresholds += data.draw(st.integers(0, 3)) * np.arange(steps) // 4
    for _ in range(wrong):
        thresholds[data.draw(st.integers(0, steps - 1))] += data.draw(st.sampled_from((-1, 1)))
    stair = Staircase(thresholds[None], -2, -2 + steps, acc, np.array([falling]))
    op, least = exact(stair, mult_bits, 2), fewest(stair, mult_bits, 2)
    assert (op is None) == (least is None)
    if op is not None:
        assert nudges_of(op) == least
        assert np.array_equal(op.golden([every(acc, 1)]), stair.codes(every(acc, 1)))


@given(st.data(), st.integers(-30, 10), st.integers(0, 40), st.integers(0, 5), st.integers(1, 6))
def test_any_steps(data: st.DataObject, lo: int, size: int, steps: int, mult_bits: int) -> None:
    """Steps anywhere, several at one accumulator, at the ends of the range and beyond."""
    acc, falling = Codes(lo, lo + size), data.draw(st.booleans())
    first, last = (-acc.hi, -acc.lo) if falling else (acc.lo, acc.hi)
    places = st.lists(st.integers(first, last + 1), min_size=steps, max_size=steps)
    thresholds = np.sort(np.array(data.draw(places), dtype=np.int64))[None]
    stair = Staircase(thresholds, 3, 3 + steps, acc, np.array([falling]))
    op = exact(stair, mult_bits)
    if op is not None:
        op.infer([TensorType((1, 1, 1), acc)])
        assert np.abs(op.mult.values).max() < 1 << mult_bits
        assert np.array_equal(op.golden([every(acc, 1)]), stair.codes(every(acc, 1)))


@pytest.mark.parametrize(
    ("bits", "steps", "channels", "seed"),
    [(17, 7, 64, 0), (20, 7, 4, 0), pytest.param(22, 4, 1, 1, marks=pytest.mark.slow)],
)
def test_equals_float32(bits: int, steps: int, channels: int, seed: int) -> None:
    """Scales, of about 2**steps codes per half range, of which at least one has no constants without nudges."""
    rng = np.random.default_rng(seed)
    acc = Codes(-(1 << bits), (1 << bits) - 1)
    scales = rng.uniform(0.3, 1.5, channels) * rng.choice([-1, 1], channels) * 2.0 ** (steps - bits)
    _, stair = linear(list(scales), 3, acc, -128, 127)
    assert fit(stair) is None
    op = exact(stair, 26)
    assert op is not None
    assert op.nudges is not None
    for channel in np.flatnonzero(np.any(op.nudges.values[:, :, 1], axis=1)):
        mult, bias, nudges = (Tensor(t.values[[channel]]) for t in (op.mult, op.bias, op.nudges))
        alone = Requant(mult, bias, op.shift, op.lo, op.hi, nudges)
        reference = quantize_linear([scales[channel]], 3, -128, 127)
        assert np.array_equal(alone.golden([every(acc, 1)]), reference(every(acc, 1)))


@given(st.integers(1, 10), st.booleans())
def test_halves_that_go_to_the_even_code_are_too_many(power: int, falling: bool) -> None:
    scale = (-1 if falling else 1) * 2.0**-power
    _, stair = linear([scale], 0, Codes(-(1 << 13), 1 << 13), -128, 127)
    assert exact(stair, 30) is None


def test_few_halves_are_nudged() -> None:
    """Four codes: one tie of the three goes to the other side."""
    _, stair = linear([2.0**-4], 0, Codes(-8, 50), -8, 3)
    op = exact(stair, 12)
    assert op is not None
    assert op.nudges is not None
    assert np.count_nonzero(op.nudges.values[:, :, 1]) == 1
    assert np.array_equal(op.golden([every(stair.acc, 1)]), stair.codes(every(stair.acc, 1)))


def test_plain_where_constants_exist() -> None:
    _, stair = linear([0.0123, -0.0171], 0, Codes(-(1 << 13), 1 << 13), -128, 127)
    assert exact(stair, 26) == fit(stair, 26) is not None


def test_agrees_sees_one_code() -> None:
    _, stair = linear([0.0123], 0, Codes(-(1 << 13), 1 << 13), -128, 127)
    op = fit(stair)
    assert op is not None
    assert agrees(stair, op)
    moved = stair.thresholds.copy()
    moved[0, 77] += 1
    assert not agrees(Staircase(moved, stair.lo, stair.hi, stair.acc, stair.falling), op)
