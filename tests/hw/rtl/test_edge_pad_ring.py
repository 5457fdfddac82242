"""tom_edge_pad_ring against the meaning of a border of the frame's own pixels."""

import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.stream_cases import CASES


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["edge_pad_ring"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["edge_pad_ring"][name]
    check_engine("edge_pad_ring", case.op, case.args, case.knobs)
