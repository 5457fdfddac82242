"""tom_slice_stream against the meaning of a slice."""

import pytest

from tests.cases import make_site
from tests.rtl.harness import check_engine
from tomato.engines import CATALOGUE
from tomato.formats import Codes
from tomato.ir import TensorType
from tomato.ops.move import Slice

FMT = Codes(-16, 15)


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("op", "lanes"),
    [
        pytest.param(Slice((1, 2, 0), (5, 6, 7)), 3, id="window"),
        pytest.param(Slice((0, 1, 0), (6, 8, 7), (2, 3)), 7, id="steps"),
        pytest.param(Slice((0, 0, 2), (6, 8, 4)), 2, id="channels"),
        pytest.param(Slice((5, 7, 4), (6, 8, 7), (3, 2)), 2, id="ragged_end"),
    ],
)
def test_rtl_matches_golden(op: Slice, lanes: int) -> None:
    check_engine("slice_stream", op, [TensorType((6, 8, 7), FMT)], {"lanes": lanes})


@pytest.mark.parametrize(
    ("begin", "end", "lanes"),
    [(0, 12, [1, 2, 3, 4, 6, 12]), (4, 12, [1, 2, 4]), (0, 6, [1, 2, 3, 6]), (4, 10, [1, 2])],
)
def test_choices_divide_the_borders(begin: int, end: int, lanes: list[int]) -> None:
    site = make_site(Slice((0, 0, begin), (1, 1, end)), [TensorType((1, 1, 12), FMT)])
    assert list(CATALOGUE["slice_stream"].choices(site)) == [{"lanes": n} for n in lanes]
