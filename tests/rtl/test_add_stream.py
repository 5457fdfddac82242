"""tom_add_stream against the meaning of a weighted sum."""

import pytest

from tests.cases import make_site
from tests.rtl.harness import check_engine
from tomato.engines import CATALOGUE
from tomato.formats import Codes
from tomato.ir import TensorType
from tomato.ops.join import Add
from tomato.targets import load


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("op", "a", "b", "lanes"),
    [
        pytest.param(Add(), Codes.of(8, signed=True), Codes.of(8, signed=True), 3, id="plain"),
        pytest.param(Add(57, -13), Codes.of(8, signed=False), Codes.of(5, signed=True), 7, id="scaled"),
        pytest.param(Add(1, 0), Codes(0, 200), Codes(-70, 9), 1, id="zero"),
    ],
)
def test_rtl_matches_golden(op: Add, a: Codes, b: Codes, lanes: int) -> None:
    shape = (4, 5, 7)
    check_engine("add_stream", op, [TensorType(shape, a), TensorType(shape, b)], {"lanes": lanes})


def test_refuses_huge_factors() -> None:
    kind = TensorType((1, 1, 3), Codes(0, 1))
    reason = CATALOGUE["add_stream"].refuses(make_site(Add(1, 1 << 31), [kind, kind]), load("u250"))
    assert reason == "factor 2147483648 exceeds 32 bits"
