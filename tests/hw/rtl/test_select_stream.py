"""tom_select_stream against the meaning of a choice."""

import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.stream_cases import CASES


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["select_stream"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["select_stream"][name]
    check_engine("select_stream", case.op, case.args, case.knobs)
