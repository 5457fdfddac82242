"""tom_recurrent_loop against the meaning of recurrent layers."""

import pytest

from tests.hw.recurrent_cases import CASES
from tests.hw.rtl.harness import check_engine


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES)
def test_rtl_matches_golden(name: str) -> None:
    case = CASES[name]
    check_engine("recurrent_loop", case.op, case.args, case.knobs)
