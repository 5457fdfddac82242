"""Multipliers follow from the unrolling: what the report and the benchmark count."""

import numpy as np
import pytest

from tests.networks.cases import make_unit
from tomato.core.formats import Codes, Tensor
from tomato.core.ir import Op, TensorType
from tomato.engines.base import Knobs
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.window import Window

CONV = Conv2d(Tensor(np.ones((3, 3, 16, 32), np.int64)), Window((3, 3), (2, 2)))
DEPTHWISE = Conv2d(Tensor(np.ones((3, 3, 1, 16), np.int64)), Window((3, 3)), 16)
DENSE = Dense(Tensor(np.ones((16, 32), np.int64)))
LANES = {"lanes_in": 4, "lanes_out": 8, "weight_ram": 1, "cell": 0, "pack": 2}
NONE, COLUMNS, ALL = (
    {"parallel_rows": r, "parallel_columns": c, "pixels": p} for r, c, p in ((0, 0, 1), (0, 1, 1), (1, 1, 1))
)


@pytest.mark.parametrize(
    ("stem", "op", "knobs", "count"),
    [
        ("conv2d_window", CONV, {**LANES, **NONE}, 32),
        ("conv2d_window", CONV, {**LANES, **COLUMNS}, 96),
        ("conv2d_window", CONV, {**LANES, **ALL}, 288),
        # Pixels that come together are read one window at a time.
        ("conv2d_window", CONV, {**LANES, **ALL, "lanes_in": 16, "pixels": 2}, 1152),
        ("depthwise_window", DEPTHWISE, {"lanes": 4, **ALL, "weight_ram": 0, "cell": 0, "pack": 1}, 36),
        ("dense_fold", DENSE, LANES, 32),
    ],
)
def test_multipliers(stem: str, op: Op, knobs: Knobs, count: int) -> None:
    kind = TensorType((8, 8, 16), Codes.of(8, signed=True))
    assert make_unit(stem, op, [kind], knobs).multipliers == count
