"""Every cell of tom_dot behind every engine with weights, against the meaning of the operator."""

import numpy as np
import pytest

from tests.hw.rtl.harness import check_engine
from tomato.core.formats import Array, Codes, Tensor
from tomato.core.forms import Cell, form_of
from tomato.core.ir import TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.window import Window

VALUES = {
    "binary": (Cell.BINARY, [-1, 1]),
    "ternary": (Cell.TERNARY, [-1, 0, 1]),
    "shift": (Cell.SHIFT, [0, *(s << e for s in (-1, 1) for e in range(2, 9))]),
    "one_power": (Cell.SHIFT, [-4, 4]),
    "focused": (Cell.FOCUSED, [m + (s << e) for m in (-32, 16) for s in (-1, 1) for e in range(4)]),
    "focused_on_zero": (Cell.FOCUSED, [0, 1, -2, 8, 65, 63, 66, 62, 72, 56]),
    "codebook": (Cell.CODEBOOK, [-100, -31, -7, 0, 5, 77, 101]),
    "codebook_without_zero": (Cell.CODEBOOK, [-100, 3, 99]),
}
INPUTS = {
    name: Codes.of(int(name[1:]), signed=name[0] == "s") for name in ("u1", "s1", "u2", "s2", "u4", "s4", "u8", "s8")
}


def weights(values: list[int], *shape: int) -> Tensor:
    """Random weights that take every value."""
    drawn: Array = np.random.default_rng(sum(shape)).choice(values, shape)
    drawn.flat[: len(values)] = values
    return Tensor(drawn)


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        ("binary", "u1"),
        ("binary", "s1"),
        ("binary", "u8"),
        ("binary", "s2"),
        ("ternary", "u2"),
        ("ternary", "s8"),
        ("shift", "u8"),
        ("shift", "s4"),
        ("one_power", "s1"),
        ("focused", "s8"),
        ("focused", "u4"),
        ("focused_on_zero", "u8"),
        ("codebook", "s8"),
        ("codebook_without_zero", "u4"),
    ],
)
def test_dense(kind: str, inputs: str) -> None:
    (cell, values), x = VALUES[kind], INPUTS[inputs]
    weight = weights(values, 21, 10)
    # Some lanes carry no channel, if the form has a zero for them; some outputs never do.
    lanes = 5 if form_of(weight, cell).filler == 0 else 7
    pack = int(cell == Cell.CODEBOOK and x.bits > 4)
    knobs = {"lanes_in": lanes, "lanes_out": 3, "cell": cell, "pack": pack, "weight_ram": 0}
    check_engine("dense_fold", Dense(weight), [TensorType((2, 2, 21), x)], knobs, frames=3)


@pytest.mark.rtl
@pytest.mark.parametrize(("kind", "bits"), [("binary", 1), ("ternary", 8), ("focused", 4)])
def test_conv2d(kind: str, bits: int) -> None:
    cell, values = VALUES[kind]
    op = Conv2d(weights(values, 3, 3, 4, 6), Window((3, 3), pads=(1, 1, 1, 1)), pad_value=1)
    knobs = {"lanes_in": 2, "lanes_out": 3, "parallel_rows": 1, "parallel_columns": 1, "pixels": 1,
             "cell": cell, "pack": 0, "weight_ram": 1}  # fmt: skip
    check_engine("conv2d_window", op, [TensorType((5, 6, 4), Codes.of(bits, signed=False))], knobs)


@pytest.mark.rtl
@pytest.mark.parametrize(("kind", "bits"), [("binary", 1), ("ternary", 8), ("shift", 8)])
def test_depthwise(kind: str, bits: int) -> None:
    cell, values = VALUES[kind]
    op = Conv2d(weights(values, 3, 3, 1, 5), Window((3, 3), pads=(1, 1, 1, 1)), groups=5)
    knobs = {"lanes": 2, "parallel_rows": 0, "parallel_columns": 1, "cell": cell, "pack": 0, "weight_ram": 0}
    check_engine("depthwise_window", op, [TensorType((5, 6, 5), Codes.of(bits, signed=False))], knobs)
