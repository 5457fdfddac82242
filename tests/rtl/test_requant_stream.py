"""tom_requant_stream against the meaning of requant."""

import numpy as np
import pytest

from tests.rtl.harness import check_engine
from tomato.formats import Codes, Tensor
from tomato.ir import TensorType
from tomato.ops.requant import Requant


def requant(channels: int, mult: int, shift: int, lo: int, hi: int) -> Requant:
    """A requant whose shift brings about half the results into lo..hi."""
    rng = np.random.default_rng(channels)
    bias = (hi - lo) << shift
    return Requant(
        Tensor(rng.integers(-mult, mult, channels) if mult > 1 else np.ones(channels, dtype=np.int64)),
        Tensor(rng.integers(-bias // 4, bias // 4, channels)),
        shift,
        lo,
        hi,
    )


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("op", "bits", "signed", "lanes"),
    [
        pytest.param(requant(5, 1 << 15, 24, -128, 127), 18, True, 2, id="signed"),
        pytest.param(requant(4, 1 << 15, 26, 0, 15), 16, False, 4, id="relu"),
        pytest.param(requant(3, 1, 15, 3, 9), 20, True, 1, id="unit"),
        pytest.param(requant(3, 1, 0, -7, 7), 4, True, 3, id="clamp_only"),
    ],
)
def test_rtl_matches_golden(op: Requant, bits: int, signed: bool, lanes: int) -> None:
    kind = TensorType((9, 8, op.mult.shape[0]), Codes.of(bits, signed=signed))
    check_engine("requant_stream", op, [kind], {"lanes": lanes})
