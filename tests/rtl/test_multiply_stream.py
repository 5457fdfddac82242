"""tom_multiply_stream against the meaning of a product."""

import pytest

from tests.cases import make_site
from tests.rtl.harness import check_engine
from tomato.engines import CATALOGUE
from tomato.formats import Codes
from tomato.ir import TensorType
from tomato.ops.join import Multiply
from tomato.targets import load


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("op", "a", "b", "lanes"),
    [
        pytest.param(Multiply(), Codes.of(8, signed=True), Codes.of(8, signed=True), 3, id="plain"),
        pytest.param(Multiply(128, -3), Codes.of(8, signed=False), Codes.of(5, signed=True), 7, id="zeros"),
        pytest.param(Multiply(), Codes.of(4, signed=False), Codes.of(1, signed=False), 1, id="unsigned"),
    ],
)
def test_rtl_matches_golden(op: Multiply, a: Codes, b: Codes, lanes: int) -> None:
    shape = (4, 5, 7)
    check_engine("multiply_stream", op, [TensorType(shape, a), TensorType(shape, b)], {"lanes": lanes})


def test_refuses_huge_zero_points() -> None:
    kind = TensorType((1, 1, 3), Codes(0, 1))
    reason = CATALOGUE["multiply_stream"].refuses(make_site(Multiply(0, 1 << 31), [kind, kind]), load("u250"))
    assert reason == "zero point 2147483648 exceeds 32 bits"
