"""QLinearSoftmax."""

import numpy as np
import pytest

from tests.kernels.runtime import (
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
from tomato.formats import Codes
from tomato.kernels import Quantisation, softmax

pytestmark = on_x86


@pytest.mark.parametrize("form", [QDQ, QOPERATOR])
@pytest.mark.parametrize("codes", [U8, S8], ids=str)
@pytest.mark.parametrize("axis", [-1, 1])
def test_softmax(form: str, codes: Codes, axis: int) -> None:
    rng = np.random.default_rng(1)
    for round_ in range(15):
        (x,) = random_quantisations(rng, codes, 1)
        terms = int(rng.integers(2, 200))
        shape = (50, terms) if axis == -1 else (2, terms, 5, 5)
        scale = 2.0**-8 if round_ % 2 else float(np.float32(rng.uniform(0.002, 0.01)))
        y = Quantisation(scale, codes.lo if round_ % 3 else int(rng.integers(codes.lo, codes.hi)), codes)
        arguments = [(random_codes(rng, codes, *shape), x)]
        if form == QOPERATOR:
            result = qoperator("QLinearSoftmax", arguments, y, opset=13, axis=axis)
        else:
            result = qdq(lambda model, name: model.op("Softmax", name, axis=axis), arguments, y)
        assert "QLinearSoftmax" in result.kinds
        wanted = softmax(np.moveaxis(arguments[0][0], axis, -1), x, y)
        np.testing.assert_array_equal(wanted, np.moveaxis(result.codes, axis, -1))
