"""tom_pad_stream against the meaning of a border."""

import pytest

from tests.cases import make_site
from tests.rtl.harness import check_engine
from tomato.engines import CATALOGUE
from tomato.formats import Codes
from tomato.ir import TensorType
from tomato.ops.move import Pad
from tomato.targets import load


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("op", "fmt", "lanes"),
    [
        pytest.param(Pad((1, 2, 3, 1), -3), Codes(-8, 7), 2, id="all_sides"),
        pytest.param(Pad((0, 0, 1, 1), 40), Codes(-8, 7), 5, id="behind_widening"),
        pytest.param(Pad((2, 0, 0, 0), -1), Codes(0, 7), 1, id="above_signed"),
    ],
)
def test_rtl_matches_golden(op: Pad, fmt: Codes, lanes: int) -> None:
    check_engine("pad_stream", op, [TensorType((3, 4, 5), fmt)], {"lanes": lanes})


def test_refuses_huge_borders() -> None:
    site = make_site(Pad((1, 1, 1, 1), 1 << 31), [TensorType((1, 1, 3), Codes(0, 1))])
    assert CATALOGUE["pad_stream"].refuses(site, load("u250")) == "border 2147483648 exceeds 32 bits"
