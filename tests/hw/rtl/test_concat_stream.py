"""tom_concat_stream against the meaning of concatenation."""

import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.stream_cases import CASES
from tests.networks.cases import make_site
from tomato.core.formats import Codes
from tomato.core.ir import TensorType
from tomato.engines import CATALOGUE
from tomato.ops.move import Concat


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["concat_stream"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["concat_stream"][name]
    check_engine("concat_stream", case.op, case.args, case.knobs)


def test_choices_divide_all_inputs_but_the_last() -> None:
    site = make_site(Concat(), [TensorType((1, 1, c), Codes(0, 1)) for c in (12, 18, 5)])
    assert list(CATALOGUE["concat_stream"].choices(site)) == [{"lanes": n} for n in (1, 2, 3, 6)]


def test_refuses_what_it_cannot_count() -> None:
    kinds = [TensorType((1, 1, c), Codes(0, 1)) for c in (3, 1 << 16)]
    engine = CATALOGUE["concat_stream"]
    assert engine.refuses(make_site(Concat(), kinds)) == "65536 channels of one input exceed 65535"
    assert engine.refuses(make_site(Concat(), kinds[:1])) == "one input is no concatenation"
