"""tom_number_frame: how many frames came before, and again from 0."""

import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.stream_cases import CASES


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["number_frame"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["number_frame"][name]
    check_engine("number_frame", case.op, case.args, case.knobs, frames=40)
