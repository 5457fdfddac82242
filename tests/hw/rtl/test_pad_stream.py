"""tom_pad_stream against the meaning of a border."""

import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.stream_cases import CASES
from tests.networks.cases import make_site
from tomato.core.formats import Codes
from tomato.core.ir import TensorType
from tomato.engines import CATALOGUE
from tomato.ops.move import Pad


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["pad_stream"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["pad_stream"][name]
    check_engine("pad_stream", case.op, case.args, case.knobs)


def test_refuses_huge_borders() -> None:
    site = make_site(Pad((1, 1, 1, 1), 1 << 31), [TensorType((1, 1, 3), Codes(0, 1))])
    assert CATALOGUE["pad_stream"].refuses(site) == "border 2147483648 exceeds 32 bits"
