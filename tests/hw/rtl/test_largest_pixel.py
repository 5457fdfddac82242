"""tom_largest_pixel against the meaning of keeping the largest channels."""

import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.stream_cases import CASES


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["largest_pixel"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["largest_pixel"][name]
    check_engine("largest_pixel", case.op, case.args, case.knobs)
