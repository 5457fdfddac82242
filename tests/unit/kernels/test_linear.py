"""QuantizeLinear, DequantizeLinear, and pairs of them."""

import numpy as np
import pytest

from tests.unit.kernels.runtime import (
    S8,
    S16,
    TYPES,
    U8,
    U16,
    Model,
    every_code,
    on_x86,
    qdq,
    random_quantisations,
)
from tomato.core.formats import Codes
from tomato.kernels import Quantisation, dequantize_linear, merge_pairs, quantize_linear, requantise_codes
from tomato.kernels.float32 import fma

pytestmark = on_x86
ALL_TYPES = pytest.mark.parametrize("codes", [U8, S8, U16, S16], ids=str)


def test_fma_rounds_once() -> None:
    """Where a * b + c rounded in float64 first is a tie of float32 that the exact sum is not."""
    a = np.float32(1 + 2.0**-12)
    tiny = np.float32(2.0**-60)
    b = np.float32(1 + 2.0**-12)  # a * b = 1 + 2**-11 + 2**-24: a tie
    assert fma(a, b, tiny) == np.float32(1 + 2.0**-11 + 2.0**-23)
    assert fma(a, b, -tiny) == np.float32(1 + 2.0**-11)
    assert fma(-a, b, tiny) == np.float32(-1 - 2.0**-11)
    assert fma(a, b, np.float32(0)) == np.float32(1 + 2.0**-11)  # half to even


@ALL_TYPES
def test_quantize_linear(codes: Codes) -> None:
    rng = np.random.default_rng(1)
    for _ in range(10):
        (q,) = random_quantisations(rng, codes, 1)
        wide = rng.uniform(-1.2, 1.2, 20_000) * (codes.hi - codes.lo)
        ties = np.floor(rng.uniform(-1.2, 1.2, 20_000) * (codes.hi - codes.lo)) + 0.5
        x = (np.concatenate([wide, ties]) * q.scale).astype(np.float32)
        model = Model(opset=21)
        value, _ = model.run(model.quantise(model.feed_value(x), q))
        np.testing.assert_array_equal(quantize_linear(x, q), value)


@ALL_TYPES
def test_dequantize_linear(codes: Codes) -> None:
    rng = np.random.default_rng(2)
    every = np.arange(codes.lo, codes.hi + 1)
    for q in random_quantisations(rng, codes, 5):
        model = Model(opset=21)
        value, _ = model.run(model.dequantise(model.feed_value(every.astype(TYPES[codes])), q))
        np.testing.assert_array_equal(dequantize_linear(every, q), value)


@pytest.mark.parametrize("codes", [U8, S8], ids=str)
def test_pairs_around_a_pool_are_kept(codes: Codes) -> None:
    """Different parameters before and behind: MaxPool in float32, and codes by `requantise_codes`."""
    rng = np.random.default_rng(3)
    image = every_code(codes)
    for _ in range(10):
        x, y = random_quantisations(rng, codes, 2)
        result = qdq(lambda model, name: model.op("MaxPool", name, kernel_shape=[1, 1]), [(image, x)], y)
        np.testing.assert_array_equal(requantise_codes(image, x, y), result.codes)


@ALL_TYPES
def test_neighbouring_pairs_are_merged(codes: Codes) -> None:
    rng = np.random.default_rng(4)
    for round_ in range(20):
        first, second = random_quantisations(rng, codes, 2)
        second = first if round_ == 0 else second
        x = rng.normal(size=1000).astype(np.float32) * first.step * (codes.hi - codes.lo)
        model = Model(opset=21)
        value, kinds = model.run(model.pair(model.pair(model.feed_value(x), first), second))
        assert kinds == ("QuantizeLinear", "DequantizeLinear")
        merged = merge_pairs(first, second)
        np.testing.assert_array_equal(dequantize_linear(quantize_linear(x, merged), merged), value)


def test_parameters_are_checked() -> None:
    with pytest.raises(ValueError, match=r"^a scale is a positive float32 number, not 0\.1$"):
        Quantisation(0.1, 0, U8)
    with pytest.raises(ValueError, match=r"^a scale is a positive float32 number, not -0\.5$"):
        Quantisation(-0.5, 0, U8)
    with pytest.raises(ValueError, match=r"^zero point -1 is outside u8$"):
        Quantisation(0.5, -1, U8)
    with pytest.raises(ValueError, match=r"^pairs of different types are not merged: u8 and s8$"):
        merge_pairs(Quantisation(0.5, 0, U8), Quantisation(0.5, 0, S8))
