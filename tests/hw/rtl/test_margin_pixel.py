"""tom_margin_pixel against the meaning of a sure frame."""

import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.stream_cases import CASES


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["margin_pixel"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["margin_pixel"][name]
    check_engine("margin_pixel", case.op, case.args, case.knobs, frames=12)
