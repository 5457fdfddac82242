"""tom_requant_stream against the meaning of requant."""

import numpy as np
import pytest

from tests.rtl.harness import check_engine
from tomato.formats import Codes, Tensor
from tomato.ir import TensorType
from tomato.ops.requant import Requant


def requant(channels: int, lo: int, hi: int, mult: int = 1 << 15) -> Requant:
    rng = np.random.default_rng(channels)
    return Requant(
        Tensor(rng.integers(-mult, mult, channels) if mult > 1 else np.ones(channels, dtype=np.int64)),
        Tensor(rng.integers(-(1 << 22), 1 << 22, channels)),
        14,
        lo,
        hi,
    )


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("op", "bits", "signed", "lanes"),
    [
        pytest.param(requant(5, -128, 127), 18, True, 2, id="signed"),
        pytest.param(requant(4, 0, 15), 16, False, 4, id="relu"),
        pytest.param(requant(3, 3, 9, mult=1), 20, True, 1, id="unit"),
    ],
)
def test_rtl_matches_golden(op: Requant, bits: int, signed: bool, lanes: int) -> None:
    kind = TensorType((4, 5, op.mult.shape[0]), Codes.of(bits, signed=signed))
    check_engine("requant_stream", op, [kind], {"lanes": lanes})
