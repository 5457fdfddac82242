"""Operators whose float32 is claimed to be repeated to the last bit: codes of 8 and 16 bits are ONNX Runtime's."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from tests.unit.kernels.runtime import assert_equal_if_fused, on_x86
from tests.unit.quantise.absorb.test_operators import IN, OUT, op, steps
from tests.unit.quantise.absorb.test_special import PAIR, WIDE, both
from tomato.quantise.absorb.proof import NEAREST, PIECEWISE
from tomato.quantise.absorb.reference import FAITHFUL

pytestmark = on_x86
LINES_OFF = 3
"""Codes of 16 bits that a function is off by where lines stand for its table."""
SPATIAL = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
ASKED = [op("Greater", "xr low", "c"), op("Less", "br high", "d")]
BODIES: dict[str, list[Any]] = {
    "Add": [op("Add", "xr gain", "r")],
    "Sub": [op("Sub", "gain xr", "a"), op("Sub", "a low", "r")],
    "Mul": [op("Mul", "xr gain", "a"), op("Mul", "a low", "r")],
    "Neg": [op("Neg", "xr", "r")],
    "Abs": [op("Abs", "xr", "r")],
    "Relu": [op("Relu", "xr", "r")],
    "Clip": [op("Clip", "xr low high", "r")],
    "LeakyRelu": [op("LeakyRelu", "xr", "r", alpha=0.13)],
    "PRelu": [op("PRelu", "xr slope", "r")],
    "Sigmoid": [op("Sigmoid", "xr", "r")],
    "Tanh": [op("Tanh", "xr", "r")],
    "HardSigmoid": [op("HardSigmoid", "xr", "r", alpha=0.21, beta=0.47)],
    "HardSwish": [op("HardSwish", "xr", "r")],
    "Min": [op("Min", "xr high", "r")],
    "Max": [op("Max", "xr low", "r")],
    "Concat": [*PAIR, op("Concat", "xr br", "r", axis=1)],
    "MaxPool": [op("MaxPool", "xr", "a", kernel_shape=[2, 2]), op("Neg", "a", "r")],
    "Resize": [helper.make_node("Resize", ["xr", "", "sizes"], ["a"], name="Resize_a", **SPATIAL), op("Neg", "a", "r")],
    "Pad": [op("Pad", "xr pads", "a"), op("Neg", "a", "r")],
    "Flatten": [op("Flatten", "xr", "a"), op("Neg", "a", "r")],
    "Transpose": [op("Transpose", "xr", "a", perm=[0, 1, 3, 2]), op("Neg", "a", "r")],
    "Slice": [op("Slice", "xr one three axis", "a"), op("Neg", "a", "r")],
    "Identity": [op("Identity", "xr", "a"), op("Neg", "a", "r")],
    "DepthToSpace": [op("DepthToSpace", "xr", "a", blocksize=2), op("Neg", "a", "r")],
    "Greater": [op("Greater", "xr low", "c"), op("Where", "c xr gain", "r")],
    "GreaterOrEqual": [op("GreaterOrEqual", "gain xr", "c"), op("Where", "c high xr", "r")],
    "Less": [op("Less", "xr gain", "c"), op("Where", "c low xr", "r")],
    "LessOrEqual": [op("LessOrEqual", "xr gain", "c"), op("Where", "c xr low", "r")],
    "Equal": [op("Equal", "xr none", "c"), op("Where", "c high xr", "r")],
    "Where": [*PAIR, op("Greater", "xr br", "c"), op("Where", "c br xr", "r")],
    "And": [*PAIR, *ASKED, op("And", "c d", "e"), op("Where", "e xr low", "r")],
    "Or": [*PAIR, *ASKED, op("Or", "c d", "e"), op("Where", "e xr br", "r")],
    "Xor": [ASKED[0], op("Less", "xr gain", "f"), op("Xor", "c f", "e"), op("Where", "e xr low", "r")],
    "Not": [ASKED[0], op("Not", "c", "e"), op("Where", "e high xr", "r")],
    "Shrink": [op("Shrink", "xr", "r", bias=0.13, lambd=0.47)],
    "ThresholdedRelu": [op("ThresholdedRelu", "xr", "r", alpha=0.47)],
    "Floor": [op("Mul", "xr gain", "a"), op("Floor", "a", "r")],
    "Ceil": [op("Mul", "xr gain", "a"), op("Ceil", "a", "r")],
    "Round": [op("Mul", "xr high", "a"), op("Round", "a", "r")],
    "Sign": [op("Add", "xr low", "a"), op("Sign", "a", "r")],
}
ELSEWHERE = {
    "QuantizeLinear": "around each of these", "DequantizeLinear": "around each of these",
    "Cast": "test_operators: behind integer products", "QLinearAdd": "test_operators", "QLinearMul": "test_operators",
    "QLinearConcat": "test_operators", "QLinearSigmoid": "test_operators", "QLinearLeakyRelu": "test_operators",
    "Upsample": "an older name of Resize", "Dropout": "an identity in inference", "SpaceToDepth": "only moves",
    "Reshape": "only moves, as Flatten", "Squeeze": "only moves", "Unsqueeze": "only moves", "Split": "Slice, twice",
    "Expand": "only moves, as Resize", "Gather": "Slice, in any order",
}  # fmt: skip


def test_every_claim_is_compared() -> None:
    assert BODIES.keys() | ELSEWHERE.keys() == FAITHFUL


@pytest.mark.parametrize("kind", [np.uint8, np.int8, pytest.param(np.int16, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", BODIES)
def test_equal(name: str, kind: type[np.integer], tmp_path: Path) -> None:
    constants: dict[str, Any] = steps(kind, x=0.043, b=0.071, y=0.0371)
    if np.iinfo(kind).bits == 16:
        constants |= {"xs": np.float32(0.00031), "bs": np.float32(0.00047), "ys": np.float32(0.00027)}
    constants |= {
        "gain": np.array([0.7, -1.3, 0.45, 1.9], np.float32).reshape(1, 4, 1, 1), "low": np.float32(-0.73),
        "high": np.float32(1.61), "slope": np.array([0.2, -0.1, 0.7, 1.4], np.float32).reshape(4, 1, 1),
        "sizes": np.array([1, 1, 2, 2], np.float32), "pads": np.array([0, 0, 1, 0, 0, 0, 0, 1]),
        "none": np.float32(0), "one": np.array([1]), "three": np.array([3]), "axis": np.array([1]),
    }  # fmt: skip
    made, got, wanted = both(tmp_path, [*IN, *BODIES[name], *OUT], constants, WIDE)
    assert np.ptp(wanted) > 0
    caveats = {p.caveat for p in made.proofs}
    codes = [np.rint(v / constants["ys"]) for v in (wanted, got)]
    if PIECEWISE in caveats:
        assert np.abs(codes[0] - codes[1]).max() <= LINES_OFF
    else:
        assert_equal_if_fused(*codes)
    assert caveats <= ({""} if kind is not np.int16 else {"", NEAREST, PIECEWISE})
