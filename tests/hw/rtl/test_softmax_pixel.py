"""tom_softmax_pixel against the meaning of softmax."""

import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.stream_cases import CASES


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["softmax_pixel"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["softmax_pixel"][name]
    check_engine("softmax_pixel", case.op, case.args, case.knobs)
