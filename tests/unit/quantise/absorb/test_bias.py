"""Biases as ONNX Runtime reads them: integers whatever their scale, reals rounded to steps of the accumulator."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.networks.runtime import golden, integers, runtime
from tests.unit.quantise.absorb.test_operators import KINDS, OUT, RNG, model, op, steps
from tests.unit.quantise.absorb.test_special import WIDE, both
from tomato.core.formats import Array

OUTPUTS = 8
LAYERS: dict[str, tuple[list[Any], tuple[int, ...]]] = {
    "Conv": ([op("Conv", "xr wr b", "c", pads=[1, 1, 1, 1])], (1, 4, 6, 5)),
    "Gemm": ([op("Gemm", "xr wr b", "c")], (1, 24)),
    "MatMul": ([op("MatMul", "xr wr", "m"), op("Add", "m b", "c")], (1, 24)),
}
IN = [op("QuantizeLinear", "x xs xz", "xq"), op("DequantizeLinear", "xq xs xz", "xr")]
TAILS: dict[str, list[Any]] = {
    "none": [op("Identity", "c", "r")],
    "Relu": [op("Relu", "c", "r")],
    "Clip": [op("Clip", "c low high", "r")],
    "Sigmoid": [op("Sigmoid", "c", "r")],
}
STEP = 0.05


def layer(kind: type[np.integer], name: str, *, per_channel: bool) -> tuple[list[Any], dict[str, Any], Array]:
    """The nodes up to a layer, its constants but for the bias, and the steps of its accumulator."""
    weight = (4, 24)[name != "Conv"], OUTPUTS
    shape = (OUTPUTS, 4, 3, 3) if name == "Conv" else weight
    scale = np.linspace(0.004, 0.009, OUTPUTS, dtype=np.float32) if per_channel else np.float32(0.006)
    axis: dict[str, Any] = {"axis": 0 if name == "Conv" else 1} if per_channel else {}
    zeros = np.zeros(np.shape(scale), np.int8)
    constants = steps(kind, x=STEP, y=0.11) | {
        "w": RNG.integers(-128, 127, shape, endpoint=True).astype(np.int8), "ws": scale, "wz": zeros,
        "low": np.float32(-1), "high": np.float32(2.5),
    }  # fmt: skip
    return [*IN, op("DequantizeLinear", "w ws wz", "wr", **axis)], constants, np.asarray(np.float32(STEP) * scale)


def frames(name: str) -> Array:
    return (RNG.standard_normal((64, *LAYERS[name][1][1:])) * 3).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("per_channel", [False, True], ids=["per tensor", "per channel"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_float_bias_is_rounded_to_the_accumulator(
    name: str, per_channel: bool, kind: type[np.integer], tmp_path: Path
) -> None:
    nodes, constants, unit = layer(kind, name, per_channel=per_channel)
    bias = (RNG.standard_normal(OUTPUTS) * 3).astype(np.float32)
    shape = LAYERS[name][1]
    path = model(tmp_path, [*nodes, *LAYERS[name][0], TAILS["none"][0], *OUT], constants | {"b": bias}, {"x": shape})
    made, x = integers(path), frames(name)
    wanted = runtime(path, x)[0]
    assert np.array_equal(golden(made, x)[0], wanted)
    assert all(p.proved for p in made.proofs)
    rounded = (np.rint(bias / unit) * unit).astype(np.float32)
    assert np.any(rounded != bias), "there is something to round"


@pytest.mark.parametrize("tail", ["Relu", "Clip", "Sigmoid"])
@pytest.mark.parametrize("name", LAYERS)
def test_in_front_of_limits_a_layer_that_is_not_fused_has_the_rounded_bias_too(
    name: str, tail: str, tmp_path: Path
) -> None:
    """Steps of the accumulator as coarse as the result's: a bias that is not rounded gives other codes."""
    nodes, constants, _ = layer(np.uint8, name, per_channel=False)
    constants |= {"ws": np.float32(0.9), "ys": np.float32(0.11 if tail == "Sigmoid" else 0.031)}
    constants |= {"b": (RNG.standard_normal(OUTPUTS) * 3).astype(np.float32), "high": np.float32(3.5)}
    constants["w"] = np.sign(constants["w"]).astype(np.int8) * (RNG.random(constants["w"].shape) < 0.1).astype(np.int8)
    path = model(tmp_path, [*nodes, *LAYERS[name][0], *TAILS[tail], *OUT], constants, {"x": LAYERS[name][1]})
    made, x = integers(path), frames(name)
    apart = np.abs(golden(made, x)[0] - runtime(path, x)[0]) / constants["ys"]
    assert apart.max() < 1.001
    assert np.count_nonzero(apart > 0.5) <= apart.size // 500, "next to ties alone"
    assert {p.caveat for p in made.proofs} == {"float fallback"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("off", [1.0, 1.004, 1.2], ids=["its scale", "near its scale", "another scale"])
@pytest.mark.parametrize("name", ["Conv", "Gemm"])
def test_the_scale_of_an_integer_bias(name: str, off: float, kind: type[np.integer], tmp_path: Path) -> None:
    nodes, constants, unit = layer(kind, name, per_channel=False)
    constants |= {"bq": RNG.integers(-9000, 9000, OUTPUTS).astype(np.int32), "bs": np.float32(unit * off)}
    bias = op("DequantizeLinear", "bq bs", "b")
    path = model(tmp_path, [*nodes, bias, *LAYERS[name][0], TAILS["none"][0], *OUT], constants, {"x": LAYERS[name][1]})
    made, x = integers(path), frames(name)
    got, wanted = golden(made, x)[0], runtime(path, x)[0]
    if off > 1.01 and name == "Conv":
        assert {p.caveat for p in made.proofs} == {"float fallback"}
        assert np.count_nonzero(np.abs(got - wanted) > 0.05) <= got.size // 500
    else:
        assert all(p.proved for p in made.proofs)
        assert np.array_equal(got, wanted)


def test_a_bias_that_nearly_cancels_the_zero_point(tmp_path: Path) -> None:
    """The sum of both is small beside each, where a relative distance from integers says nothing."""
    nodes, constants, unit = layer(np.uint8, "Gemm", per_channel=False)
    weight, zero = constants["w"].astype(int), int(constants["xz"])
    bias = zero * weight.sum(axis=0) + np.arange(-3, OUTPUTS - 3)
    constants |= {"bq": bias.astype(np.int32), "bs": np.float32(unit * 1.003)}
    path = model(
        tmp_path, [*nodes, op("DequantizeLinear", "bq bs", "b"), *LAYERS["Gemm"][0], TAILS["none"][0], *OUT],
        constants, {"x": (1, 24)},
    )  # fmt: skip
    made, x = integers(path), frames("Gemm")
    assert np.array_equal(golden(made, x)[0], runtime(path, x)[0])
    assert all(p.proved for p in made.proofs)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [np.int16, np.uint16])
def test_a_float_bias_between_codes_of_16_bits(kind: type[np.integer], tmp_path: Path) -> None:
    nodes, constants, _ = layer(np.uint8, "Conv", per_channel=True)
    middle = kind(0 if kind is np.int16 else 1 << 15)
    constants |= {"xs": np.float32(0.0004), "xz": middle, "ys": np.float32(0.0007), "yz": middle}
    constants["b"] = (RNG.standard_normal(OUTPUTS) * 3).astype(np.float32)
    made, got, wanted = both(tmp_path, [*nodes, *LAYERS["Conv"][0], TAILS["none"][0], *OUT], constants, WIDE)
    apart = np.abs(got - wanted) / np.float32(0.0007)
    assert apart.max() < 1.5
    assert np.count_nonzero(apart > 0.5) <= got.size // 100, "next to ties alone"
    assert {p.caveat for p in made.proofs} == {"float fallback"}
