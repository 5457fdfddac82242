"""tom_global_sum against the meaning of the sum over a frame."""

import pytest

from tests.rtl.harness import check_engine
from tomato.formats import Codes
from tomato.ir import Shape, TensorType
from tomato.ops.pool import GlobalSum


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("shape", "fmt", "lanes"),
    [
        pytest.param((7, 7, 10), Codes.of(8, signed=True), 4, id="ragged"),
        pytest.param((3, 5, 4), Codes.of(8, signed=False), 4, id="one_beat"),
        pytest.param((1, 1, 9), Codes.of(4, signed=True), 1, id="one_pixel"),
        pytest.param((1, 2, 6), Codes.of(4, signed=True), 2, id="two_pixels"),
    ],
)
def test_rtl_matches_golden(shape: Shape, fmt: Codes, lanes: int) -> None:
    check_engine("global_sum", GlobalSum(), [TensorType(shape, fmt)], {"lanes": lanes})
