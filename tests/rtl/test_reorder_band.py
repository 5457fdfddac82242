"""tom_reorder_band against the meaning of the operators that reorder."""

import pytest

from tests.cases import make_site
from tests.rtl.harness import check_engine
from tomato.engines import CATALOGUE
from tomato.formats import Codes
from tomato.ir import Op, Shape, TensorType
from tomato.ops.move import DepthToSpace, SpaceToDepth, Transpose, Upsample

FMT = Codes(-16, 15)


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("op", "shape", "lanes", "ram"),
    [
        pytest.param(Upsample((2, 3)), (3, 4, 5), 2, 0, id="upsample"),
        pytest.param(Upsample((2, 1)), (3, 1, 3), 3, 0, id="upsample_one_beat_bands"),
        pytest.param(DepthToSpace(2), (3, 4, 16), 2, 1, id="depth_to_space"),
        pytest.param(SpaceToDepth(2), (4, 6, 6), 3, 0, id="space_to_depth"),
        pytest.param(Transpose((4, 5, 6), (2, 0, 1), (6, 4, 5)), (4, 5, 6), 1, 0, id="channels_first"),
        pytest.param(Transpose((4, 5, 2, 4), (2, 0, 1, 3), (8, 5, 4)), (4, 5, 8), 4, 1, id="groups"),
        pytest.param(Transpose((2, 3, 2, 2, 3, 2), (4, 3, 0, 2, 5, 1), (3, 2, 24)), (4, 6, 6), 1, 0, id="deep"),
    ],
)
def test_rtl_matches_golden(op: Op, shape: Shape, lanes: int, ram: int) -> None:
    check_engine("reorder_band", op, [TensorType(shape, FMT)], {"lanes": lanes, "ram": ram})


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
