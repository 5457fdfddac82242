"""tom_global_sum against the meaning of the sum over a frame."""

import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.stream_cases import CASES


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["global_sum"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["global_sum"][name]
    check_engine("global_sum", case.op, case.args, case.knobs)
