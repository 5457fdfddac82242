"""tom_maximum_stream against the meaning of the greater or the lesser of two values."""

import pytest

from tests.hw.rtl.harness import check_engine
from tomato.core.formats import Codes
from tomato.core.ir import TensorType
from tomato.ops.maximum import Maximum

S8, S5, U8, U1 = Codes.of(8, signed=True), Codes.of(5, signed=True), Codes.of(8, signed=False), Codes(0, 1)


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("a", "b", "lanes", "least"),
    [
        pytest.param(S8, S8, 3, False, id="plain"),
        pytest.param(U8, S5, 7, True, id="mixed"),
        pytest.param(Codes(-70, -9), U1, 1, False, id="narrow"),
    ],
)
def test_rtl_matches_golden(a: Codes, b: Codes, lanes: int, least: bool) -> None:
    kinds = TensorType((4, 5, 7), a), TensorType((4, 5, 7), b)
    check_engine("maximum_stream", Maximum(least), kinds, {"lanes": lanes})
