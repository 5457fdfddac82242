"""Constants against every accumulator, and against a search of all multipliers."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given

from tests.unit.quantise.requant.staircases import every, linear
from tomato.core.formats import Array, Codes, Tensor, requantise
from tomato.ops.requant import Requant
from tomato.quantise.requant.constants import differences, fit, nearest
from tomato.quantise.requant.grid import fit_grid, make_requant
from tomato.quantise.requant.staircase import Staircase, find


def golden(op: Requant, acc: Array) -> Array:
    return requantise(acc, op.mult.values, op.bias.values, op.shift, op.lo, op.hi)


def search(stair: Staircase, shift: int) -> int | None:
    """The least |mult| of one channel and that shift, by trying all."""
    acc = every(stair.acc, 1)[:, 0]
    code = stair.codes(acc[:, None])[:, 0]
    for size in range(((stair.hi - stair.lo + 1) << shift) + 1):
        line = acc * (-size if stair.falling[0] else size)
        least = ((code << shift) - line)[code > stair.lo].max(initial=-(1 << 40))
        most = (((code + 1) << shift) - 1 - line)[code < stair.hi].min(initial=1 << 40)
        if least <= most:
            return size
    return None


@given(st.data(), st.integers(-30, 10), st.integers(0, 40), st.integers(-4, 1), st.integers(0, 5))
def test_fit_is_the_least_of_all(data: st.DataObject, lo: int, size: int, code: int, steps: int) -> None:
    """Steps anywhere: most such staircases are not straight enough for any constants."""
    acc, falling = Codes(lo, lo + size), data.draw(st.booleans())
    first, last = (-acc.hi, -acc.lo) if falling else (acc.lo, acc.hi)
    gaps = st.lists(st.integers(0, 12), min_size=steps, max_size=steps)
    places = np.clip(data.draw(st.integers(first - 5, last)) + np.cumsum(np.array([0, *data.draw(gaps)])), first, None)
    thresholds = np.minimum(places[1:], last + 1).astype(np.int64)[None]
    stair = Staircase(thresholds, code, code + steps, acc, np.array([falling]))
    op = fit(stair, shift_most=5)
    tried = [search(stair, shift) for shift in range(6)]
    least = next((shift for shift, mult in enumerate(tried) if mult is not None), None)
    assert (op and op.shift) == least
    if op:
        assert abs(op.mult.values[0]) == tried[op.shift]
        assert np.array_equal(golden(op, every(acc, 1)), stair.codes(every(acc, 1)))


SLOW = [pytest.param(bits, examples, marks=pytest.mark.slow) for bits, examples in ((20, 2), (24, 1))]


@pytest.mark.parametrize(("bits", "examples"), [(10, 12), (14, 6), (17, 3), *SLOW])
def test_fit_is_exact_on_float32(bits: int, examples: int) -> None:
    """And what it does not find is nearly found, and counted right."""
    rng = np.random.default_rng(bits)
    acc = Codes(-(1 << bits), (1 << bits) - 1)
    for _ in range(examples):
        channels = 1 if bits == 24 else 2
        scales = rng.uniform(0.3, 1.5, channels) * rng.choice([-1, 1], channels) * 2.0 ** (7 - bits)
        reference, stair = linear(list(scales), int(rng.integers(-20, 20)), acc, -128, 127)
        exact = fit(stair)
        op = nearest(stair, 30) if exact is None else exact
        wrong = np.abs(golden(op, every(acc, channels)) - reference(every(acc, channels)))
        assert differences(stair, op) == (int(np.count_nonzero(wrong)), int(wrong.max()))
        assert np.count_nonzero(wrong) <= (0 if exact else 255 * channels)


def test_no_threshold_moves_far_where_float32_rounds_much() -> None:
    """The search for exact constants ends far off here: steps next to each other contradict all slopes."""
    scales = [8.466784515081289e-06, -9.186827440648545e-06]
    _, stair = linear(scales, 3, Codes(-(1 << 24), (1 << 24) - 1), -128, 127)
    assert fit(stair) is None
    count, largest = differences(stair, nearest(stair, 30))
    assert count <= 2 * 255
    assert largest == 1


@pytest.mark.slow
@given(st.integers(1, 10), st.booleans(), st.integers(-20, 20))
def test_halves_that_go_to_the_even_code_have_no_constants(power: int, falling: bool, zero: int) -> None:
    scale = (-1 if falling else 1) * 2.0**-power
    _, stair = linear([scale], zero, Codes(-(1 << 13), 1 << 13), -128, 127)
    assert fit(stair) is None
    assert differences(stair, nearest(stair, 30))[1] == 1


@pytest.mark.slow
@given(st.lists(st.floats(2.0**-9, 2.0**-5), min_size=1, max_size=4), st.integers(6, 24))
def test_a_width_is_kept_to(scales: list[float], bits: int) -> None:
    """And exact constants exist in that width just if they exist at all and are so narrow."""
    _, stair = linear(scales, 0, Codes(-4000, 4000), -128, 127)
    free, op = fit(stair), fit(stair, bits)
    assert (op is None) == (free is None or int(free.mult.values.max()).bit_length() > bits)
    assert 0 <= nearest(stair, bits).mult.values.min() <= nearest(stair, bits).mult.values.max() < 1 << bits


@pytest.mark.parametrize("bits", [4, 6, 8, 12, 16, 20])
def test_nearest_is_no_worse_than_rounding_the_factor(bits: int) -> None:
    """But for what finding the very best bias would take."""
    scales = np.random.default_rng(bits).uniform(0.1, 1.5, 64).astype(np.float32) * 2.0**-7
    acc = Codes(-(1 << 14), 1 << 14)
    _, stair = linear(list(scales), 0, acc, -128, 127)
    zero = np.zeros(64, dtype=np.int64)
    rounded = make_requant(fit_grid(scales, bits), zero=zero, target=zero, acc=acc, clamp=Codes(-128, 127))
    assert differences(stair, nearest(stair, bits))[0] <= 1.001 * differences(stair, rounded)[0]


@given(
    st.lists(st.floats(-1, 1), min_size=2, max_size=2),
    st.lists(st.integers(-300, 300), min_size=2, max_size=2),
    st.lists(st.integers(-9000, 9000), min_size=2, max_size=2),
    st.integers(0, 9),
    st.integers(-9, 0),
    st.integers(0, 20),
)
def test_differences_are_those_of_every_accumulator(
    scales: list[float], mult: list[int], bias: list[int], shift: int, lo: int, size: int
) -> None:
    """Of any requant: one that falls where the staircase rises, and one with other ends."""
    acc = Codes(-500, 333)
    reference, stair = linear(scales, 0, acc, -7, 8)
    op = Requant(Tensor(np.array(mult)), Tensor(np.array(bias)), shift, lo, lo + size)
    wrong = np.abs(golden(op, every(acc, 2)) - reference(every(acc, 2)))
    assert differences(stair, op) == (int(np.count_nonzero(wrong)), int(wrong.max()))


def test_constant_channels_need_no_multiplier() -> None:
    _, stair = linear([1e-9, 0.0, -1e-9], 4, Codes(-1000, 1000), -8, 7)
    op = fit(stair)
    assert op is not None
    assert (op.mult.values.tolist(), op.bias.values.tolist(), op.shift) == ([0, 0, 0], [4, 4, 4], 0)
    for lo, hi in ((4, 9), (-9, 4), (4, 4)):
        constant = fit(linear([0.0], 4, Codes(-10, 10), lo, hi)[1])
        assert constant is not None
        assert golden(constant, every(Codes(-10, 10), 1)).tolist() == [[4]] * 21


@pytest.mark.slow
@given(st.floats(2.0**-3, 2.0**6), st.integers(20, 31))
def test_products_and_biases_keep_to_62_bits(scale: float, bits: int) -> None:
    """Steep staircases far from zero: the finest shifts are out of reach."""
    far = 1 << bits
    acc, top = Codes(far, far + 200), (1 << 11) - 1

    def distance(x: Array) -> Array:
        return np.minimum(np.floor((x - far) * scale).astype(np.int64), top)

    stair = find(distance, acc, 1, 0, top)
    op = fit(stair)
    assume(op is not None)
    assert op is not None
    mult, bias = int(op.mult.values.max()), int(op.bias.values[0])
    assert max(mult * acc.hi, abs(bias), abs(mult * acc.lo + bias), abs(mult * acc.hi + bias)) < 1 << 62
    assert differences(stair, op) == (0, 0)
