"""QLinearSoftmax."""

import numpy as np
import pytest

from tests.unit.kernels.runtime import (
    QDQ,
    QOPERATOR,
    S8,
    U8,
    on_x86,
    qdq,
    qoperator,
    random_codes,
    random_quantisations,
)
from tomato.core.formats import Array, Codes
from tomato.kernels import Quantisation, softmax

pytestmark = on_x86


def scale_near_a_tie(rng: np.random.Generator, x: Array) -> float:
    """A scale 1/n, n an integer within the kernel's range, that puts one probability next to half a code."""
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    probabilities = (exponentials / exponentials.sum(axis=-1, keepdims=True)).ravel()
    steps = rng.integers(100, 60 * x.shape[-1] + 101, 200)
    codes = np.outer(steps, probabilities)
    distance = np.where(codes < 255, np.abs(codes % 1 - 0.5), 1)
    best = steps[distance.min(axis=1).argmin()]
    return float(np.float32(1 / (best + 0.5)))


@pytest.mark.parametrize("form", [QDQ, QOPERATOR])
@pytest.mark.parametrize("codes", [U8, S8], ids=str)
@pytest.mark.parametrize("axis", [-1, pytest.param(1, marks=pytest.mark.slow)])
def test_softmax(form: str, codes: Codes, axis: int) -> None:
    rng = np.random.default_rng(1)
    for round_ in range(25):
        (x,) = random_quantisations(rng, codes, 1)
        terms = int(rng.integers(2, 200))
        image = random_codes(rng, codes, *((50, terms) if axis == -1 else (2, terms, 5, 5)))
        scale = 2.0**-8 if round_ < 5 else scale_near_a_tie(rng, np.moveaxis(image, axis, -1) * x.scale)
        y = Quantisation(scale, codes.lo if round_ % 3 else int(rng.integers(codes.lo, codes.hi)), codes)
        arguments = [(image, x)]
        if form == QOPERATOR:
            result = qoperator("QLinearSoftmax", arguments, y, opset=13, axis=axis)
        else:
            result = qdq(lambda model, name: model.op("Softmax", name, axis=axis), arguments, y)
        assert "QLinearSoftmax" in result.kinds
        wanted = softmax(np.moveaxis(image, axis, -1), x, y)
        np.testing.assert_array_equal(wanted, np.moveaxis(result.codes, axis, -1))
