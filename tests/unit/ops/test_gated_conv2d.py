"""What a gated convolution refuses, and how much of it is computed."""

import re

import numpy as np
import pytest

from tomato.core.formats import Codes, Real, Tensor
from tomato.core.ir import TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.gated_conv2d import GatedConv2d
from tomato.ops.window import Window

S8 = Codes.of(8, signed=True)
X = TensorType((4, 4, 6), S8)
WEIGHT = Tensor(np.ones((3, 3, 6, 8), dtype=np.int64))
CONV = Conv2d(WEIGHT, Window((3, 3), pads=(1, 1, 1, 1)))


def gate(groups: int, codes: Codes = S8, pixels: int = 1) -> TensorType:
    return TensorType((1, pixels, groups), codes)


@pytest.mark.parametrize(
    ("op", "args", "reason"),
    [
        (GatedConv2d(CONV, keep=1), [X], "1 arguments do not suit 1 and 0 kept groups"),
        (GatedConv2d(CONV, keep=1), [X, gate(3)], "a gate (1, 1, 3) does not suit 8 channels"),
        (GatedConv2d(CONV, keep=1), [X, gate(4, pixels=2)], "a gate (1, 2, 4) does not suit 8 channels"),
        (GatedConv2d(CONV, keep_in=1), [X, gate(4)], "a gate (1, 1, 4) does not suit 6 channels"),
        (GatedConv2d(CONV, keep=4), [X, gate(4)], "4 of 4 groups cannot be chosen"),
        (
            GatedConv2d(CONV, keep=1, zero=3),
            [X, gate(4, Codes(0, 1))],
            "what stands for 0, 3, is no code of a gate in u1",
        ),
        (
            GatedConv2d(Conv2d(WEIGHT, CONV.window, 1, 5), keep_in=1),
            [X, gate(3)],
            "groups of channels that are not read have no border 5",
        ),
        (
            GatedConv2d(Conv2d(Tensor(np.ones((1, 1, 3, 8), dtype=np.int64)), Window((1, 1)), 2), keep=1),
            [X, gate(4)],
            "a convolution in groups has no gates",
        ),
        (
            GatedConv2d(CONV, keep=1),
            [TensorType(X.shape, Real()), gate(4)],
            "a gated convolution takes codes, not reals",
        ),
    ],
)
def test_refuses(op: GatedConv2d, args: list[TensorType], reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        op.infer(args)


def test_computes_the_share_that_is_kept() -> None:
    args = [X, gate(4), gate(3)]
    assert GatedConv2d(CONV, keep=1, keep_in=2).macs(args) == CONV.macs([X]) // 4 * 2 // 3
