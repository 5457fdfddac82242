"""tom_dense_fold against the meaning of dense."""

import numpy as np
import pytest

from tests.hw.rtl.harness import check_engine
from tomato.core.formats import Codes, Tensor
from tomato.core.ir import Shape, TensorType
from tomato.ops.dense import Dense


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("shape", "filters", "bits", "signed", "lanes_in", "lanes_out", "pack"),
    [
        pytest.param((1, 1, 33), 10, 8, False, 8, 3, 2, id="vector_ragged"),
        pytest.param((1, 2, 33), 4, 8, False, 4, 4, 4, id="as_slowly_as_it_comes"),
        pytest.param((5, 3, 6), 4, 4, True, 6, 4, 4, id="one_cycle_a_pixel"),
        pytest.param((3, 4, 7), 9, 3, False, 2, 4, 3, id="pointwise_ragged"),
        pytest.param((2, 2, 1), 1, 8, False, 1, 1, 0, id="scalar"),
        pytest.param((2, 3, 3), 9, 2, True, 3, 9, 9, id="nine_products_a_block"),
    ],
)
def test_rtl_matches_golden(
    shape: Shape, filters: int, bits: int, signed: bool, lanes_in: int, lanes_out: int, pack: int
) -> None:
    limit = (1 << (bits - 1)) - 1
    weight = np.random.default_rng(filters).integers(-limit, limit, (shape[2], filters), endpoint=True)
    knobs = {"lanes_in": lanes_in, "lanes_out": lanes_out, "cell": 0, "pack": pack, "weight_ram": 0}
    check_engine(
        "dense_fold", Dense(Tensor(weight)), [TensorType(shape, Codes.of(2 if pack == 9 else 8, signed=signed))], knobs
    )
