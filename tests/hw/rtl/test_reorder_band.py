"""tom_reorder_band against the meaning of the operators that reorder."""

import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.stream_cases import CASES
from tests.networks.cases import make_site
from tomato.core.formats import Codes
from tomato.core.ir import Op, Shape, TensorType
from tomato.engines import CATALOGUE
from tomato.ops.move import DepthToSpace, SpaceToDepth, Transpose, Upsample

FMT = Codes(-16, 15)


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["reorder_band"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["reorder_band"][name]
    check_engine("reorder_band", case.op, case.args, case.knobs)


@pytest.mark.parametrize(
    ("op", "shape", "lanes"),
    [
        pytest.param(Upsample((2, 2)), (1, 1, 6), [1, 2, 3, 6], id="upsample"),
        pytest.param(DepthToSpace(2), (1, 1, 16), [1, 2, 4], id="depth_to_space"),
        pytest.param(SpaceToDepth(2), (2, 2, 6), [1, 2, 3, 6], id="space_to_depth"),
        pytest.param(Transpose((4, 5, 6), (2, 0, 1), (6, 4, 5)), (4, 5, 6), [1], id="channels_first"),
        pytest.param(Transpose((4, 5, 6), (1, 0, 2), (5, 4, 6)), (4, 5, 6), [1, 2, 3, 6], id="rows_and_columns"),
    ],
)
def test_choices_keep_beats_together(op: Op, shape: Shape, lanes: list[int]) -> None:
    choices = CATALOGUE["reorder_band"].choices(make_site(op, [TensorType(shape, FMT)]))
    assert sorted({c["lanes"] for c in choices}) == lanes
