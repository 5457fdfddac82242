"""tom_normalise_pixel against the meaning of normalisation."""

import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.stream_cases import CASES


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["normalise_pixel"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["normalise_pixel"][name]
    check_engine("normalise_pixel", case.op, case.args, case.knobs)
