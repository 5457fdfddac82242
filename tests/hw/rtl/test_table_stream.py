"""tom_table_stream against the meaning of a table."""

import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.stream_cases import CASES, table
from tests.networks.cases import make_site
from tomato.core.formats import Codes
from tomato.core.ir import TensorType
from tomato.engines import CATALOGUE


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["table_stream"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["table_stream"][name]
    check_engine("table_stream", case.op, case.args, case.knobs)


def test_refuses_wide_inputs() -> None:
    fmt = Codes(0, 1 << 16)
    site = make_site(table(1, fmt), [TensorType((1, 1, 3), fmt)])
    reason = CATALOGUE["table_stream"].refuses(site)
    assert reason == "inputs of 17 bits need a table of 2^17 entries; at most 16 bits"
