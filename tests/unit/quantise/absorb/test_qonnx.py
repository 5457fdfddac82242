"""QONNX operators in every position, against an evaluation of the model in float64 that shares no code with ours."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from tests.networks.qonnx import DOMAIN, evaluate
from tests.networks.runtime import golden, integers
from tests.unit.quantise.absorb.test_operators import model, op
from tomato.core.errors import TomatoError
from tomato.core.formats import Array

SHAPE = (1, 4, 6, 5)
RNG = np.random.default_rng(5)
FRAMES = (RNG.standard_normal((24, *SHAPE[1:])) * 3).astype(np.float32)
CHANNELS = np.array([0.11, 0.2, 0.07, 0.31], np.float32).reshape(1, 4, 1, 1)
CONSTANTS: dict[str, Any] = {
    "none": 0.0, "three": 3.0, "b1": 1.0, "b2": 2.0, "b3": 3.0, "b4": 4.0, "b8": 8.0, "b10": 10.0,
    "e1": 0.125, "e2": 0.25, "ew": 0.0625, "s1": 0.17, "s2": 0.23, "s3": 0.1, "s4": 0.4, "sw": 0.09,
    "area": 9.0, "per": CHANNELS,
    "perw": np.linspace(0.05, 0.12, 6).reshape(6, 1, 1, 1), "perv": np.linspace(0.05, 0.12, 4).reshape(4, 1, 1, 1),
    "w": RNG.normal(size=(6, 4, 3, 3)) * 0.3, "v": RNG.normal(size=(4, 4, 1, 1)) * 0.3, "m": RNG.normal(size=(120, 7)),
    "gain": np.array([0.5, 1.7, -0.8, 1.1]), "shift": np.array([0.3, -0.2, 0.1, 2.0]),
    "mean": np.array([0.2, -0.3, 0.0, 0.5]), "var": np.array([0.9, 1.4, 0.3, 2.0]), "bias": RNG.normal(size=6),
}  # fmt: skip


def quant(inputs: str, to: str, mode: str = "ROUND", *, signed: int = 1, narrow: int = 0) -> Any:
    """Quant of `x scale zero bits`."""
    return op("Quant", inputs, to, DOMAIN, signed=signed, narrow=narrow, rounding_mode=mode)


def trunc(inputs: str, to: str, mode: str) -> Any:
    return op("Trunc", inputs, to, DOMAIN, rounding_mode=mode)


X = quant("x s1 none b4", "xq")
W = quant("w perw none b4", "wq", narrow=1)
V = quant("v perv none b3", "vq")
CONV = [X, W, op("Conv", "xq wq", "c", pads=[1, 1, 1, 1])]
EXACT = [quant("x e1 none b4", "xq"), quant("w ew none b4", "wq"), op("Conv", "xq wq", "c")]
"""Scales that are powers of two: float64 is exact, and a step between two codes lies at 0."""
POOL = [X, op("AveragePool", "xq", "p", kernel_shape=[3, 3])]
NORM = "gain shift mean var"
CASES: dict[str, Sequence[Any]] = {
    "conv": [*CONV, quant("c s2 none b4", "y")],
    "conv_bias": [X, W, op("Conv", "xq wq bias", "c"), quant("c s2 none b4", "y")],
    "weights_of_one_scale": [X, quant("w sw none b2", "wq"), op("Conv", "xq wq", "c"), quant("c s2 none b4", "y")],
    "unsigned": [*CONV, quant("c s2 none b4", "y", signed=0)],
    "unsigned_narrow": [*CONV, quant("c s2 none b4", "y", signed=0, narrow=1)],
    "zero_points": [quant("x s1 three b4", "xq", signed=0), quant("xq s2 three b4", "y")],
    "zero_point_in_front_of_a_convolution": [
        quant("x s1 three b4", "xq", signed=0), W, op("Conv", "xq wq", "c"), quant("c s2 three b4", "y"),
    ],
    "ceil": [*EXACT, quant("c e2 none b4", "y", "CEIL")],
    "floor": [*EXACT, quant("c e2 none b4", "y", "FLOOR")],
    "towards_zero": [*CONV, quant("c s2 none b4", "y", "ROUND_TO_ZERO")],
    "weights_rounded_down": [X, quant("v perv none b3", "vq", "FLOOR"), op("Conv", "xq vq", "c"),
                             quant("c s2 none b4", "y")],
    "relu": [*CONV, op("Relu", "c", "r"), quant("r s2 none b3", "y", signed=0)],
    "norm_behind": [X, V, op("Conv", "xq vq", "c"), op("BatchNormalization", f"c {NORM}", "n"),
                    quant("n s2 none b4", "y")],
    "norm_in_front": [X, op("BatchNormalization", f"xq {NORM}", "n"), quant("n s2 none b4", "nq"), V,
                      op("Conv", "nq vq", "c"), quant("c s3 none b4", "y")],
    "norm_on_the_host": [op("BatchNormalization", f"x {NORM}", "n"), quant("n s2 none b4", "nq"), V,
                         op("Conv", "nq vq", "c"), quant("c s3 none b4", "y")],
    "residual_of_one_scale": [X, V, op("Conv", "xq vq", "c"), quant("c s1 none b4", "cq"), op("Add", "xq cq", "a"),
                              quant("a s2 none b4", "y")],
    "residual_of_two_scales": [X, V, op("Conv", "xq vq", "c"), quant("c s2 none b4", "cq"), op("Add", "xq cq", "a"),
                               op("Relu", "a", "r"), quant("r s3 none b4", "y", signed=0)],
    "scale_per_channel": [X, V, op("Conv", "xq vq", "c"), quant("c per none b4", "y")],
    "scale_per_channel_in_front_of_depthwise": [
        quant("x per none b4", "xq"), quant("d perv none b4", "dq"), op("Conv", "xq dq", "c", group=4),
        quant("c s2 none b4", "y"),
    ],
    "bipolar": [*EXACT, op("BipolarQuant", "c e2", "y", DOMAIN)],
    "bipolar_weights": [X, op("BipolarQuant", "v sw", "vq", DOMAIN), op("Conv", "xq vq", "c"),
                        quant("c s2 none b4", "y")],
    "one_signed_bit": [*EXACT, quant("c e2 none b1", "y")],
    "one_signed_bit_of_weights": [X, quant("v sw none b1", "vq"), op("Conv", "xq vq", "c"),
                                  quant("c s2 none b4", "y")],
    "one_unsigned_bit": [*CONV, quant("c s2 none b1", "y", signed=0)],
    "average": [*POOL, quant("p s2 none b4", "y")],
    **{f"trunc_{mode.lower()}": [*POOL, op("Mul", "p area", "t"), trunc("t s1 none b8 b4", "y", mode)]
       for mode in ("FLOOR", "ROUND", "CEIL")},
    "trunc_of_a_step_that_is_not_exact": [quant("x s3 none b8", "xq"), trunc("xq s3 none b8 b4", "y", "FLOOR")],
    "trunc_2": [quant("x s3 none b8", "xq"), trunc("xq s3 none b8 s4 b3", "y", "FLOOR")],
    "max": [*CONV, quant("c s2 none b4", "cq"), op("MaxPool", "cq", "y", kernel_shape=[2, 2])],
    "quant_behind_max": [*CONV, op("MaxPool", "c", "p", kernel_shape=[2, 2]), quant("p s2 none b4", "y")],
    "quant_behind_flatten": [X, op("Flatten", "xq", "f"), quant("m sw none b4", "mq"), op("MatMul", "f mq", "g"),
                             quant("g s4 none b8", "y")],
    "quant_twice": [X, quant("xq s2 none b4", "y")],
}  # fmt: skip


def save(folder: Path, nodes: Sequence[Any]) -> Path:
    depthwise = {"d": RNG.normal(size=(4, 1, 3, 3)) * 0.3}
    used = {name for node in nodes for name in node.input}
    given = {k: np.asarray(v, np.float32) for k, v in (CONSTANTS | depthwise).items() if k in used}
    path = model(folder, list(nodes), given, {"x": SHAPE})
    made: Any = onnx.load(path)
    made.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    onnx.save(made, path)
    return path


@pytest.mark.parametrize("name", CASES)
def test_values_equal_those_of_the_definition(name: str, tmp_path: Path) -> None:
    path = save(tmp_path, CASES[name])
    made = integers(path)
    wanted = evaluate(path, FRAMES)
    (got,) = golden(made, FRAMES)
    assert np.ptp(wanted) > 0
    assert _steps(wanted - got) == 0
    assert all(p.differing == 0 for p in made.proofs)


def _steps(error: Array) -> int:
    """Values that differ by more than float32 explains."""
    return int(np.count_nonzero(np.abs(error) > 1e-5))


def message(folder: Path, nodes: Sequence[Any]) -> str:
    with pytest.raises(TomatoError) as error:
        integers(save(folder, nodes))
    return str(error.value).replace(str(folder), "")


def test_a_scale_per_channel_in_front_of_a_convolution_goes_into_its_weights(tmp_path: Path) -> None:
    nodes = [quant("x per none b4", "xq"), V, op("Conv", "xq vq", "c", pads=[1, 1, 1, 1]), quant("c s2 none b4", "y")]
    path = save(tmp_path, nodes)
    (got,), wanted = golden(integers(path), FRAMES), evaluate(path, FRAMES)
    assert np.ptp(wanted) > 0
    assert _steps(wanted - got) == 0


def test_weights_that_are_not_quantised(tmp_path: Path) -> None:
    assert message(tmp_path, [X, op("Conv", "xq v", "c"), quant("c s2 none b4", "y")]) == (
        "error: dense cannot be computed on codes: its weights are not quantised\n"
        "  --> /tiny.onnx: Conv_c\n"
        "  hint: quantise the weights too"
    )
