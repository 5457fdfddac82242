"""Softmax on integers: its tables, its range, and how near the real result it comes."""

import numpy as np
import pytest

from tomato.core.formats import Codes
from tomato.core.ir import TensorType
from tomato.core.treatment import Line
from tomato.ops.softmax import FAR, MOST_BITS, POWER_BITS, SUM_BITS, Softmax, inverse_sum

S8 = Codes.of(8, signed=True)


def on_codes(scale: float, channels: int, groups: int = 1) -> Softmax:
    kind = TensorType((1, 1, channels), S8)
    return Softmax(groups).on_codes([Line.of(scale, 3, channels)], [kind])


def test_powers_are_as_accurate_as_they_say_and_their_table_is_the_same_everywhere() -> None:
    exponent = np.arange(1 << POWER_BITS)
    power, whole = Softmax(1, 1, 0).power(exponent)
    assert not whole.any()
    assert np.abs(power * 2.0**-POWER_BITS / np.exp2(-exponent / (1 << POWER_BITS)) - 1).max() < 3 * 2.0**-POWER_BITS
    real = (1 << POWER_BITS) * np.exp2(-np.arange(1, 128) / 128)
    assert np.abs(real - np.rint(real)).min() > 1e-3


def test_inverses_are_as_accurate_as_they_say() -> None:
    rng, least = np.random.default_rng(0), 1 << SUM_BITS
    totals = np.unique(np.concatenate([least + np.arange(5000), rng.integers(least, least << 16, 20_000)]))
    inverse, place = inverse_sum(totals)
    assert np.abs(inverse / (2.0 ** (place + 17 + SUM_BITS) / totals) - 1).max() < 2.0**-15


@pytest.mark.parametrize("channels", [1, 2, 3, 16, 197, 1024])
@pytest.mark.parametrize("bits", [4, 8, 12, 16])
def test_results_are_near_the_real_ones_and_add_up_to_one(bits: int, channels: int) -> None:
    rng, step = np.random.default_rng(bits * channels), 2.0 ** -Softmax().fraction(channels)
    for reach in (0.01, 1.0, 8.0, 40.0, 300.0):
        x = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), (40, 1, 1, channels))
        x[20:] //= rng.integers(1, 9, (20, 1, 1, 1))
        scale = reach / (1 << bits) * rng.choice([1, -1])
        got, wanted = on_codes(scale, channels).golden([x]), Softmax().golden([x * scale])
        near = 2.0**-14 + channels * 2.0**-SUM_BITS
        assert (np.abs(got * step - wanted) <= 0.5 * step + near * wanted).all()
        assert (np.abs(got.sum(axis=-1) * step - 1) <= channels / 2 * step + near).all()


def test_entries_far_below_are_zero_and_the_greatest_alone_is_one() -> None:
    x = np.full((1, 1, 1, 64), -128)
    x[..., 5] = 127
    op = on_codes(1.0, 64)
    got = op.golden([x])
    assert got[..., 5] == got.sum() == 1 << op.fraction(64) == op.infer([TensorType((1, 1, 64), S8)]).codes.hi


def test_runs_are_softmaxes_of_their_own() -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(-128, 128, (3, 2, 2, 12))
    got = on_codes(0.05, 12, groups=3).golden([x])
    for run in range(3):
        part = slice(4 * run, 4 * run + 4)
        np.testing.assert_array_equal(got[..., part], on_codes(0.05, 4).golden([x[..., part]]))


@pytest.mark.parametrize("scale", [1e-12, 0.003, 0.7, 1.0, 5.0, 100.0, -0.02])
def test_the_least_depth_that_counts_as_zero(scale: float) -> None:
    op = on_codes(scale, 4)
    depths = np.arange(256)
    _, whole = op.power(depths)
    assert np.count_nonzero(whole < FAR) == op.far(S8)


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^10 channels are no 3 equal runs$"):
        Softmax(3).infer([TensorType((1, 1, 10), S8)])
    with pytest.raises(ValueError, match=r"^its input has 31 bits, a softmax takes up to 30$"):
        Softmax().infer([TensorType((1, 1, 4), Codes.of(MOST_BITS + 1, signed=True))])
    with pytest.raises(ValueError, match=r"^runs of 65537 channels exceed 65536$"):
        Softmax().infer([TensorType((1, 1, (1 << 16) + 1), S8)])
