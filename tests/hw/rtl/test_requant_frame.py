"""tom_requant_frame against the meaning of a requant whose constants differ per pixel."""

import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.stream_cases import CASES


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["requant_frame"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["requant_frame"][name]
    check_engine("requant_frame", case.op, case.args, case.knobs)
