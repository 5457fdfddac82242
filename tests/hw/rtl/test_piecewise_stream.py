"""tom_piecewise_stream against the meaning of lines on segments."""

import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.stream_cases import CASES


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["piecewise_stream"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["piecewise_stream"][name]
    check_engine("piecewise_stream", case.op, case.args, case.knobs)
