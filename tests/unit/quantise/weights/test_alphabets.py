"""Every kind of weights: values are representable, known examples come out exactly, errors beat the naive."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from tomato.core.formats import Array
from tomato.quantise.weights.alphabet import Alphabet
from tomato.quantise.weights.fit import fit_weights
from tomato.quantise.weights.focused import SEPARATED, fit_mixture, focused, separation
from tomato.quantise.weights.kinds import KINDS
from tomato.quantise.weights.shift import shift

EVERY = [(kind, bits) for kind, only in KINDS.items() for bits in only.bits if bits < 8]
QUICK = {"fixed": 4, "shift": 4, "codebook": 4, "ternary": 2, "binary": 1}
"""One width of each kind for the inner loop, but for mixtures, which are slow to fit."""
MARKED = [pytest.param(k, bits, marks=() if QUICK.get(k) == bits else pytest.mark.slow) for k, bits in EVERY]


@st.composite
def weights(draw: st.DrawFn) -> Array:
    """Gaussian, bimodal, pruned or flat; channels of very different sizes, one perhaps dead."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 20)))
    shape = draw(st.integers(1, 60)), draw(st.integers(1, 5))
    flat = rng.normal(size=shape)
    match draw(st.sampled_from(["gaussian", "bimodal", "pruned", "flat"])):
        case "bimodal":
            flat = rng.choice([-1.0, 0.5], shape) + 0.1 * flat
        case "pruned":
            flat = np.where(np.abs(flat) > 1.0, flat, 0.0)
        case "flat":
            flat = np.ones(shape)
    return np.asarray(flat * rng.choice([1.0, 1e-4, 30.0, 0.0], shape[1], p=[0.7, 0.1, 0.1, 0.1]))


def naive(kind: str, bits: int, flat: Array) -> Array:
    """Levels that anybody would take, scaled to hold the largest weight of a channel: squared errors."""
    reach = (1 << (bits - 1)) - 1
    powers = [0, *(s << e for e in range(reach) for s in (-1, 1))]
    count = min(1 << bits, 16)
    levels = {
        "fixed": list(range(-reach, reach + 1)),
        "shift": powers,
        "focused": powers,
        "codebook": np.unique(np.rint(np.linspace(-1, 1, count) * 127)).tolist(),
        "ternary": [-1, 0, 1],
        "binary": [-1, 1],
    }[kind]
    plain = Alphabet(np.array(sorted(levels), dtype=np.int64), np.abs(flat).max(axis=0) / max(levels))
    return plain.error(flat)


@pytest.mark.parametrize(("kind", "bits"), MARKED)
@given(flat=weights())
def test_levels_fit_their_storage_and_the_error_is_at_most_the_naive(kind: str, bits: int, flat: Array) -> None:
    alphabet = KINDS[kind].choose(flat, bits)
    levels = alphabet.levels
    assert np.array_equal(levels, np.unique(levels))
    assert levels.size <= 1 << bits
    assert np.abs(levels).max() < 1 << 15
    assert np.all(alphabet.scale >= 0.0)
    assert np.array_equal(alphabet.scale == 0.0, ~flat.any(axis=0))
    total = naive(kind, bits, flat).sum() if kind in ("codebook", "focused") else naive(kind, bits, flat)
    error = alphabet.error(flat).sum() if kind in ("codebook", "focused") else alphabet.error(flat)
    assert np.all(error <= total * (1 + 1e-9) + 1e-12)


@pytest.mark.parametrize(("kind", "bits"), MARKED)
@given(flat=weights())
def test_fitted_codes_are_levels_on_the_grid(kind: str, bits: int, flat: Array) -> None:
    codes, grid = fit_weights(flat, 0.3, bits, 16, kind=kind)
    alphabet = KINDS[kind].choose(flat, bits)
    assert np.isin(codes, alphabet.levels).all()
    assert np.array_equal(codes, alphabet.nearest(flat * 0.3 / np.where(grid.mult > 0, grid.real, 1.0)))
    steps = alphabet.scale * 0.3 * 2.0**grid.shift
    assert np.all(np.abs(grid.mult - steps) <= (0.5 if steps.any() and not alphabet.has_zero else 1.0) + 1e-6)


@given(flat=weights())
def test_ternary_and_binary_are_optimal(flat: Array) -> None:
    """No number of weights kept, each with its best scale, does better."""
    for channel in flat.T:
        column = channel[:, np.newaxis]
        sizes = np.sort(np.abs(channel))[::-1]
        best = min(((channel**2).sum() - sizes[:k].sum() ** 2 / k) for k in range(1, channel.size + 1))
        assert KINDS["ternary"].choose(column, 2).error(column)[0] == pytest.approx(best, abs=1e-9, rel=1e-6)
        binary = (channel**2).sum() - np.abs(channel).sum() ** 2 / channel.size
        assert KINDS["binary"].choose(column, 1).error(column)[0] == pytest.approx(binary, abs=1e-9, rel=1e-6)


def test_powers_of_two_are_kept() -> None:
    flat = np.array([[0.5, 3.0], [-0.25, -6.0], [0.0, 12.0], [0.03125, 0.0]])
    found = shift(flat, 4)
    assert found.error(flat).max() < 1e-20
    assert found.levels.tolist() == [-64, -32, -16, -8, -4, -2, -1, 0, 1, 2, 4, 8, 16, 32, 64]


def test_few_weights_overflow_powers_of_two() -> None:
    """1000 weights of 1 and 20 of 1000: 4 bits may let 1000 / 17 overflow, but the error says that they should not."""
    flat = np.concatenate([np.ones(1000), np.full(20, 1000.0)])[:, np.newaxis]
    found = shift(flat, 4)
    assert found.levels[-1] * found.scale[0] > 900
    many = np.concatenate([np.ones(20), np.full(1000, 1000.0)])[:, np.newaxis]
    assert shift(many, 2).levels[-1] * shift(many, 2).scale[0] == pytest.approx(1000.0)


def test_a_codebook_finds_the_values_that_there_are() -> None:
    rng = np.random.default_rng(0)
    values = np.array([-127, -90, -31, -5, 0, 2, 17, 64, 100]) / 127
    flat = rng.choice(values, (400, 3)) * np.array([1.0, 5.0, 0.01])
    flat[0] = -1.0 * np.array([1.0, 5.0, 0.01])
    found = KINDS["codebook"].choose(flat, 4)
    assert set(found.levels) == {-127, -90, -31, -5, 0, 2, 17, 64, 100}
    assert found.error(flat).sum() < 1e-12 * (flat**2).sum()


def bimodal(rng: np.random.Generator, below: float, above: float, width: float) -> Array:
    return np.where(rng.random((4000, 2)) < 0.4, below, above) + width * rng.normal(size=(4000, 2))


def test_the_mixture_is_recovered() -> None:
    values = bimodal(np.random.default_rng(0), -1.0, 0.5, 0.1).ravel()
    found = fit_mixture(values)
    assert found.means == pytest.approx((-1.0, 0.5), abs=0.02)
    assert found.deviations == pytest.approx((0.1, 0.1), abs=0.01)
    assert found.share == pytest.approx(0.4, abs=0.02)
    assert found.separation == pytest.approx(1.5**2 / values.var(), rel=0.02)


def test_one_component_is_not_focused() -> None:
    """Halves of a Gaussian lie 2.5 apart by the same measure: only the fit tells that they are one."""
    flat = np.random.default_rng(0).normal(size=(4000, 2))
    assert separation(flat) < 1.0
    assert np.array_equal(focused(flat, 4).levels, shift(flat, 4).levels)


def test_two_components_are_focused() -> None:
    flat = bimodal(np.random.default_rng(1), -1.0, 1.0, 0.15)
    flat[:400] = 0.0
    assert separation(flat) > SEPARATED
    found = focused(flat, 4)
    assert found.levels.size <= 16
    middle = int(found.levels[found.levels > 0].max()) - 4
    assert middle.bit_count() == 1, "the mean is a power of two"
    steps = sorted(int(v) - middle for v in found.levels if v > 0)
    assert steps == [-4, -2, -1, 0, 1, 2, 4]
    assert not found.nearest(np.zeros(1)).any(), "pruned weights stay 0"
    assert found.error(flat).sum() < 0.5 * shift(flat, 4).error(flat).sum()
