"""QLinearGlobalAveragePool, QLinearAveragePool and MaxPool."""

import numpy as np
import pytest

from tests.unit.kernels.runtime import (
    QDQ,
    QOPERATOR,
    S8,
    U8,
    Arguments,
    Model,
    Result,
    computed,
    on_x86,
    qdq,
    qoperator,
    random_codes,
    random_quantisations,
)
from tomato.core.formats import Array, Codes
from tomato.kernels import (
    Quantisation,
    average_pool,
    float_average,
    global_average,
    quantize_linear,
)

pytestmark = on_x86
FORMS = pytest.mark.parametrize("form", [QDQ, QOPERATOR])
TYPES = pytest.mark.parametrize("codes", [U8, S8], ids=str)
TIES = {0: 729, 1: 275}
"""Of 11,456 windows of `test_float_average` those whose average is a tie, by whether the border counts."""


def run(form: str, kind: str, arguments: Arguments, y: Quantisation, **attributes: int | list[int]) -> Result:
    """A pool in a QDQ model, or as an operator."""
    if form == QOPERATOR:
        result = qoperator(f"QLinear{kind}", arguments, y, **attributes)
    else:
        result = qdq(lambda model, x: model.op(kind, x, **attributes), arguments, y)
    assert f"QLinear{kind}" in result.kinds
    return result


@FORMS
@TYPES
def test_global_average(form: str, codes: Codes) -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        x, y = random_quantisations(rng, codes, 2)
        height, width = (int(n) for n in rng.integers(1, 17, 2))
        image = random_codes(rng, codes, 1, 500, height, width)
        # A scale that puts the first channel's average next to a tie.
        total = int(image[0, 0].sum()) - height * width * x.zero
        scale = abs(total) * x.scale / (height * width * (rng.integers(0, 60) + 0.5)) or x.scale
        y = Quantisation(float(np.float32(scale)), y.zero, codes)
        got = run(form, "GlobalAveragePool", [(image, x)], y).codes[:, :, 0, 0]
        np.testing.assert_array_equal(global_average(image.sum(axis=(2, 3)), height * width, x, y), got)


def windows(image: Array, size: int, stride: int, pad: int, outside: int) -> Array:
    """Windows of an NCHW image, flattened to the last axis; positions outside hold `outside`."""
    edges = ((0, 0), (0, 0), (pad, pad), (pad, pad))
    padded = np.pad(image, edges, constant_values=outside)
    views = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(2, 3))
    return views[:, :, ::stride, ::stride].reshape(*views[:, :, ::stride, ::stride].shape[:4], size * size)


@FORMS
@TYPES
@pytest.mark.parametrize("include", [0, 1])
def test_average_pool(form: str, codes: Codes, include: int) -> None:
    rng = np.random.default_rng(2)
    for size, stride, pad in ((2, 2, 0), (3, 1, 1), (3, 2, 1), (2, 1, 0), (7, 1, 3)):
        x, y = random_quantisations(rng, codes, 2)
        y = x if size == 2 else y
        image = random_codes(rng, codes, 1, 60, 11, 11)
        attributes = {"kernel_shape": [size] * 2, "strides": [stride] * 2, "pads": [pad] * 4}
        got = run(form, "AveragePool", [(image, x)], y, count_include_pad=include, **attributes)
        inside = windows(np.ones_like(image), size, stride, pad, outside=1 if include else 0).sum(axis=-1)
        assert inside.min() < size * size or include or not pad
        taps = windows(image, size, stride, pad, outside=x.zero)
        wanted = computed(form, lambda c, qx, qy, n=inside: average_pool(c, n, qx, qy), [(taps, x)], y)
        np.testing.assert_array_equal(wanted, got.codes)


def rounding(size: int) -> float:
    """How far, in codes of its argument, a float32 average of a window may lie from the exact one in any order."""
    return (size * size + 4) * 255 * 2.0**-24


@pytest.mark.parametrize("include", [0, 1])
def test_float_average(include: int) -> None:
    """A Relu that the zero point does not absorb keeps the pool in float32: all codes but next to ties are exact."""
    rng = np.random.default_rng(4)
    total = ties = differing = 0
    for size, stride, pad in ((2, 2, 0), (3, 1, 1), (3, 2, 1), (5, 1, 2)) * 4:
        x, y = random_quantisations(rng, U8, 2)
        y = Quantisation(x.scale, 1 + y.zero // 2, U8)
        image = random_codes(rng, U8, 1, 8, 11, 13)
        attributes = {"kernel_shape": [size] * 2, "strides": [stride] * 2, "pads": [pad] * 4}

        def build(model: Model, name: str, given: dict[str, list[int]] = attributes) -> str:
            return model.op("Relu", model.op("AveragePool", name, count_include_pad=include, **given))

        result = qdq(build, [(image, x)], y)
        assert "AveragePool" in result.kinds
        inside = windows(np.ones_like(image), size, stride, pad, outside=include).sum(axis=-1)
        sums = (windows(image, size, stride, pad, outside=x.zero) - x.zero).sum(axis=-1)
        wanted = quantize_linear(np.maximum(float_average(sums, inside, x), 0), y)
        tie = np.abs(np.abs(sums / inside) % 1 - 0.5) <= rounding(size)
        np.testing.assert_array_equal(wanted[~tie], result.codes[~tie])
        assert np.abs(wanted - result.codes).max() <= 1
        total, ties = total + tie.size, ties + int(tie.sum())
        differing += int(np.count_nonzero(wanted != result.codes))
    assert (total, ties) == (11_456, TIES[include])
    assert differing < total / 100, "float average"


@TYPES
def test_max_pool_orders_codes(codes: Codes) -> None:
    rng = np.random.default_rng(3)
    (x,) = random_quantisations(rng, codes, 1)
    image = random_codes(rng, codes, 1, 8, 10, 10)
    result = qdq(lambda model, name: model.op("MaxPool", name, kernel_shape=[3, 3]), [(image, x)], x)
    assert result.kinds == ("QuantizeLinear", "MaxPool", "DequantizeLinear")
    np.testing.assert_array_equal(windows(image, 3, 1, 0, 0).max(axis=-1), result.codes)
