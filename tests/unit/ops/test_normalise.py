"""Normalisation on integers: its range, its table, and how near the real result it comes."""

import numpy as np
import pytest

from tomato.core.formats import Codes
from tomato.core.ir import TensorType
from tomato.core.treatment import Line
from tomato.ops.normalise import ACCURATE, FRACTION, ROOT_BITS, Normalise, inverse_root

S8 = Codes.of(8, signed=True)


def test_roots_are_as_accurate_as_they_say() -> None:
    powers = np.left_shift(1, np.arange(61, dtype=np.int64))
    v = np.unique(np.concatenate([np.arange(1, 5000), powers, powers[1:] - 1, powers + powers // 3]))
    root, place = inverse_root(v)
    assert place.tolist() == [int(x).bit_length() - 1 for x in v]
    exact = 2.0 ** (place // 2 + ROOT_BITS) / np.sqrt(v.astype(np.float64))
    assert np.abs(root / exact - 1).max() < 2.0**-ACCURATE


@pytest.mark.parametrize("channels", [1, 2, 3, 15, 16, 255, 1023, 4095])
@pytest.mark.parametrize("centred", [True, False])
def test_the_largest_results_are_in_range(channels: int, centred: bool) -> None:
    kind = TensorType((1, 3, channels), S8)
    x = np.zeros((1, 1, 3, channels), np.int64)
    x[0, 0, :, 0] = 127, -128, 1
    op = Normalise(1, centred)
    made, fmt = op.golden([x]), op.infer([kind]).codes
    assert fmt.lo <= made.min() <= made.max() <= fmt.hi


@pytest.mark.parametrize("centred", [True, False])
def test_results_are_within_a_step_of_the_real_ones(centred: bool) -> None:
    rng, kind = np.random.default_rng(0), TensorType((4, 4, 48), S8)
    x = rng.integers(-128, 128, (8, *kind.shape))
    line = Line.of(0.05, 7, 48)
    real, op = Normalise(1e-5, centred), Normalise(1e-5, centred).on_codes([line], [kind])
    wanted = real.golden([x * line.scale + line.offset])
    assert np.abs(op.golden([x]) / 2.0**FRACTION - wanted).max() < 1.2 * 2.0**-FRACTION


def test_a_pixel_of_equal_codes_is_0() -> None:
    assert not Normalise(1).golden([np.full((1, 2, 2, 9), -77)]).any()


def test_sums_that_are_too_wide_are_refused() -> None:
    with pytest.raises(ValueError, match="the variance of 65536 channels of 16 bits exceeds 62 bits"):
        Normalise(1).infer([TensorType((1, 1, 1 << 16), Codes.of(16, signed=True))])
