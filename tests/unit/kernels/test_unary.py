"""Unary functions between DequantizeLinear and QuantizeLinear, over all codes."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from tests.unit.kernels.runtime import S8, S16, U8, U16, Model, assert_equal_if_fused, on_x86, qdq, random_quantisations
from tomato.core.formats import Codes
from tomato.kernels import Quantisation, in_float32
from tomato.kernels.float32 import Float32
from tomato.kernels.unary import clip, sigmoid, tanh

pytestmark = on_x86

FUNCTIONS: Mapping[str, Callable[[Float32], Float32]] = {
    "Relu": lambda x: clip(x, 0, np.inf),
    "Sigmoid": sigmoid,
    "Tanh": tanh,
}
BOUNDED = {"Sigmoid": 1.0, "Tanh": 2.0}


@pytest.mark.parametrize("kind", FUNCTIONS)
@pytest.mark.parametrize("codes", [U8, S8, U16, S16], ids=str)
def test_unary(kind: str, codes: Codes) -> None:
    function = FUNCTIONS[kind]
    rng = np.random.default_rng(1)
    every = np.arange(codes.lo, codes.hi + 1).reshape(1, 1, 16, -1)
    span = codes.hi - codes.lo
    for _ in range(20 if span < 256 else 4):
        x, y = random_quantisations(rng, codes, 2)
        x = Quantisation(x.scale if span < 256 else x.scale / 256, x.zero, codes)
        if kind in BOUNDED:
            y = Quantisation(float(np.float32(BOUNDED[kind] / span)), (codes.lo + codes.hi + 1) // 2, codes)

        def build(model: Model, name: str) -> str:
            return model.op(kind, name)

        result = qdq(build, [(every, x)], y, Model(opset=21))
        assert_equal_if_fused(in_float32(function, y, (every, x)), result.codes)


def test_clip() -> None:
    (x,) = random_quantisations(np.random.default_rng(2), U8, 1)
    x = Quantisation(x.scale, 100, U8)
    limits = -50 * x.step, 101.5 * x.step

    def build(model: Model, name: str) -> Any:
        return model.op("Clip", name, *(model.constant(np.float32(limit)) for limit in limits))

    every = np.arange(256)
    result = qdq(build, [(every, x)], x)
    assert "Clip" in result.kinds
    wanted = in_float32(lambda real: clip(real, *map(float, limits)), x, (every, x))
    np.testing.assert_array_equal(wanted, result.codes)
