"""tom_multiply_stream against the meaning of a product."""

import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.stream_cases import CASES
from tests.networks.cases import make_site
from tomato.core.formats import Codes
from tomato.core.ir import TensorType
from tomato.engines import CATALOGUE
from tomato.ops.join import Multiply


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["multiply_stream"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["multiply_stream"][name]
    check_engine("multiply_stream", case.op, case.args, case.knobs)


def test_refuses_huge_zero_points() -> None:
    kind = TensorType((1, 1, 3), Codes(0, 1))
    reason = CATALOGUE["multiply_stream"].refuses(make_site(Multiply(0, 1 << 31), [kind, kind]))
    assert reason == "zero point 2147483648 exceeds 32 bits"
