"""tom_matmul_frame against the meaning of a matrix product of two values."""

import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.stream_cases import CASES


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["matmul_frame"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["matmul_frame"][name]
    check_engine("matmul_frame", case.op, case.args, case.knobs)
