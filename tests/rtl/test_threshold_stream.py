"""tom_threshold_stream against the meaning of thresholds."""

import numpy as np
import pytest

from tests.cases import make_site
from tests.rtl.harness import check_engine
from tomato.engines import CATALOGUE
from tomato.formats import Codes, Tensor
from tomato.ir import TensorType
from tomato.ops.threshold import Threshold
from tomato.targets import load

S20 = Codes.of(20, signed=True)


def thresholds(channels: int, steps: int, fmt: Codes, lo: int) -> Threshold:
    """Thresholds anywhere, also just outside of the inputs and some of them equal."""
    rng = np.random.default_rng(steps)
    values = rng.integers(fmt.lo - (fmt.hi - fmt.lo) // 16, fmt.hi + 1, (channels, steps), endpoint=True)
    values[:, -1] = fmt.hi + 1
    values[0, : steps // 4] = values[0, 0]
    return Threshold(Tensor(np.sort(values, axis=1)), lo)


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("channels", "steps", "fmt", "lo", "lanes"),
    [
        pytest.param(5, 1, S20, -1, 2, id="1"),
        pytest.param(3, 2, Codes(0, 4095), 0, 3, id="2_unsigned"),
        pytest.param(4, 3, Codes(-700, 900), 5, 1, id="3_narrow"),
        pytest.param(7, 5, S20, -3, 3, id="5"),
        pytest.param(5, 15, Codes(-8, 7), -8, 5, id="15"),
        pytest.param(6, 200, Codes(0, 255), -128, 2, id="200_unsigned"),
        pytest.param(10, 255, S20, -128, 2, id="255_block"),
    ],
)
def test_rtl_matches_golden(channels: int, steps: int, fmt: Codes, lo: int, lanes: int) -> None:
    op = thresholds(channels, steps, fmt, lo)
    check_engine("threshold_stream", op, [TensorType((9, 8, channels), fmt)], {"lanes": lanes})


@pytest.mark.parametrize(
    ("steps", "lo", "reason"),
    [
        (256, 0, "256 thresholds per channel; at most 255"),
        (3, 1 << 31, "results from 2147483648 exceed 32 bits"),
    ],
)
def test_refuses(steps: int, lo: int, reason: str) -> None:
    site = make_site(thresholds(3, steps, S20, lo), [TensorType((1, 1, 3), S20)])
    assert CATALOGUE["threshold_stream"].refuses(site, load("u250")) == reason


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
