"""tom_add_stream against the meaning of a weighted sum."""

import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.stream_cases import CASES
from tests.networks.cases import make_site
from tomato.core.formats import Codes
from tomato.core.ir import TensorType
from tomato.engines import CATALOGUE
from tomato.ops.join import Add


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["add_stream"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["add_stream"][name]
    check_engine("add_stream", case.op, case.args, case.knobs)


def test_refuses_huge_factors() -> None:
    kind = TensorType((1, 1, 3), Codes(0, 1))
    reason = CATALOGUE["add_stream"].refuses(make_site(Add(1, 1 << 31), [kind, kind]))
    assert reason == "factor 2147483648 exceeds 32 bits"
