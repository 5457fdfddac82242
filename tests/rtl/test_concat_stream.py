"""tom_concat_stream against the meaning of concatenation."""

import pytest

from tests.cases import make_site
from tests.rtl.harness import check_engine
from tomato.engines import CATALOGUE
from tomato.formats import Codes
from tomato.ir import TensorType
from tomato.ops.move import Concat
from tomato.targets import load


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("channels", "formats", "lanes"),
    [
        pytest.param((4, 6), [Codes(-8, 7), Codes(-8, 7)], 2, id="two"),
        pytest.param((4, 8, 7), [Codes(0, 15), Codes(-3, 2), Codes(0, 1)], 4, id="widening"),
        pytest.param((1, 1, 1, 1), [Codes(0, 255)] * 4, 1, id="single_beats"),
    ],
)
def test_rtl_matches_golden(channels: tuple[int, ...], formats: list[Codes], lanes: int) -> None:
    args = [TensorType((4, 5, c), fmt) for c, fmt in zip(channels, formats, strict=True)]
    check_engine("concat_stream", Concat(), args, {"lanes": lanes})


def test_choices_divide_all_inputs_but_the_last() -> None:
    site = make_site(Concat(), [TensorType((1, 1, c), Codes(0, 1)) for c in (12, 18, 5)])
    assert list(CATALOGUE["concat_stream"].choices(site)) == [{"lanes": n} for n in (1, 2, 3, 6)]


def test_refuses_what_it_cannot_count() -> None:
    kinds = [TensorType((1, 1, c), Codes(0, 1)) for c in (3, 1 << 16)]
    engine, target = CATALOGUE["concat_stream"], load("u250")
    assert engine.refuses(make_site(Concat(), kinds), target) == "65536 channels of one input exceed 65535"
    assert engine.refuses(make_site(Concat(), kinds[:1]), target) == "one input is no concatenation"
