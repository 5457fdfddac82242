"""tom_threshold_stream against the meaning of thresholds."""

import numpy as np
import pytest

from tests.hw.rtl.harness import check_engine
from tests.hw.stream_cases import CASES, S20, thresholds
from tests.networks.cases import make_site
from tomato.core.formats import Codes, Tensor
from tomato.core.ir import TensorType
from tomato.engines import CATALOGUE
from tomato.ops.threshold import Threshold


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["threshold_stream"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["threshold_stream"][name]
    check_engine("threshold_stream", case.op, case.args, case.knobs)


@pytest.mark.parametrize(
    ("steps", "lo", "reason"),
    [
        (256, 0, "256 thresholds per channel; at most 255"),
        (3, 1 << 31, "results from 2147483648 exceed 32 bits"),
    ],
)
def test_refuses(steps: int, lo: int, reason: str) -> None:
    site = make_site(thresholds(3, steps, S20, lo), [TensorType((1, 1, 3), S20)])
    assert CATALOGUE["threshold_stream"].refuses(site) == reason


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[1, 2]] * 2, "thresholds of 2 channels do not suit 3"),
        ([[]] * 3, "there must be at least one threshold"),
        ([[1, 2], [2, 2], [2, 1]], "thresholds must ascend"),
    ],
)
def test_what_is_no_threshold(values: list[list[int]], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Threshold(Tensor(np.array(values, dtype=np.int64)), 0).infer([TensorType((1, 1, 3), S20)])


def test_results_are_as_wide_as_the_inputs_reach() -> None:
    op = Threshold(Tensor(np.array([[-900, -5, 3, 900], [-900, 0, 1, 2]])), 10)
    assert op.infer([TensorType((1, 1, 2), Codes(-4, 3))]).codes == Codes(11, 14)
