"""tom_slice_stream against the meaning of a slice."""

import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.stream_cases import CASES
from tests.networks.cases import make_site
from tomato.core.formats import Codes
from tomato.core.ir import TensorType
from tomato.engines import CATALOGUE
from tomato.ops.move import Slice

FMT = Codes(-16, 15)


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["slice_stream"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["slice_stream"][name]
    check_engine("slice_stream", case.op, case.args, case.knobs)


@pytest.mark.parametrize(
    ("begin", "end", "lanes"),
    [(0, 12, [1, 2, 3, 4, 6, 12]), (4, 12, [1, 2, 4]), (0, 6, [1, 2, 3, 6]), (4, 10, [1, 2])],
)
def test_choices_divide_the_borders(begin: int, end: int, lanes: list[int]) -> None:
    site = make_site(Slice((0, 0, begin), (1, 1, end)), [TensorType((1, 1, 12), FMT)])
    assert list(CATALOGUE["slice_stream"].choices(site)) == [{"lanes": n} for n in lanes]
