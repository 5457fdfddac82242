"""Reals between codes: named and refused in the middle, kept on the host at the ends. Nothing is half-written."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import helper

import tomato
from tests.networks import qonnx
from tests.networks.qonnx import DOMAIN
from tests.networks.runtime import golden, integers, runtime
from tests.unit.quantise.absorb.test_operators import FRAMES, IN, OUT, SHAPE, model, op, steps, weights
from tomato.cli import main
from tomato.core.errors import TomatoError
from tomato.ops.real import Affine, Function

WEIGHT = op("DequantizeLinear", "w ws wz", "wr", axis=0)
CONV = [*IN, WEIGHT, op("Conv", "xr wr", "c")]
HINT = "\n  hint: quantise the values in front of it and behind it"
ISLAND = [*IN, WEIGHT, op("HardSwish", "xr", "h"), op("Sigmoid", "h", "g"), op("Conv", "g wr", "r"), *OUT]

REFUSED: dict[str, tuple[list[Any], str]] = {
    "functions": (
        ISLAND,
        "conv2d cannot be computed on codes: HardSwish_h, Sigmoid_g in front of it are not quantised\n"
        "  --> tiny.onnx: Conv_r" + HINT,
    ),
    "float_weights": (
        [*IN, op("Conv", "xr v", "r"), *OUT],
        (
            "conv2d cannot be computed on codes: its weights are not quantised\n"
            "  --> tiny.onnx: Conv_r\n  hint: quantise the weights too"
        ),
    ),
    "float_layer_at_the_beginning": (
        [op("Conv", "x v", "c"), op("QuantizeLinear", "c ys yz", "yq"), OUT[1]],
        (
            "conv2d cannot be computed on codes: it reads the input x, which is not quantised\n"
            "  --> tiny.onnx: Conv_c\n  hint: quantise the input"
        ),
    ),
    "channels_of_unlike_scales_that_mix": (
        [
            *IN,
            op("Mul", "xr gains", "m"),
            op("DepthToSpace", "m", "d", blocksize=2),
            op("GlobalAveragePool", "d", "r"),
            *OUT,
        ],
        (
            "depthtospace cannot be computed on codes: its input has another scale or zero point in every channel\n"
            "  --> tiny.onnx: DepthToSpace_d" + HINT
        ),
    ),
    "the_greatest_of_falling_codes": (
        [
            *IN,
            op("Neg", "xr", "n"),
            op("MaxPool", "n", "p", kernel_shape=[2, 2]),
            op("GlobalAveragePool", "p", "r"),
            *OUT,
        ],
        ("maxpool cannot be computed on codes: its input has a negative scale\n  --> tiny.onnx: MaxPool_p" + HINT),
    ),
    "a_border_that_is_no_code": (
        [*IN, op("Pad", "xr pads border", "p"), op("GlobalAveragePool", "p", "r"), *OUT],
        (
            "pad cannot be computed on codes: the border 0.02 is no code of its input (zero point 100)\n"
            "  --> tiny.onnx: Pad_p" + HINT
        ),
    ),
    "channels_last": (
        [IN[0], op("QLinearGlobalAveragePool", "xq xs xz ys yz", "yq", "com.microsoft", channels_last=1), OUT[1]],
        (
            "1 of 3 nodes cannot be compiled:\n"
            "    QLinearGlobalAveragePool_yq (QLinearGlobalAveragePool): expected channels first; "
            "export the model with channels_last=0\n"
            "  --> tiny.onnx\n  hint: tomato inspect lists every node; change the network or export it differently"
        ),
    ),
}


def save(folder: Path, nodes: list[Any]) -> Path:
    constants = steps(np.uint8, x=0.05, y=0.043) | {
        "w": weights(np.int8, 4, 4, 3, 3), "ws": np.float32(0.01), "wz": np.int8(0), "gain": np.float32(3),
        "gains": np.array([1, 2, 3, 4], np.float32).reshape(1, 4, 1, 1), "border": np.float32(0.02),
        "pads": np.array([0, 0, 1, 0, 0, 0, 0, 1]),
        "v": np.linspace(-1, 1, 144, dtype=np.float32).reshape(4, 4, 3, 3), "cq": weights(np.uint8, *SHAPE),
    }  # fmt: skip
    return model(folder, nodes, constants, {"x": SHAPE})


@pytest.mark.parametrize("name", REFUSED)
def test_the_error_names_the_nodes(name: str, tmp_path: Path) -> None:
    nodes, text = REFUSED[name]
    with pytest.raises(TomatoError) as error:
        integers(save(tmp_path, nodes))
    assert str(error.value).replace(f"{tmp_path}/", "") == f"error: {text}"


def test_nothing_is_written(tmp_path: Path) -> None:
    path, out = save(tmp_path, ISLAND), tmp_path / "build"
    result = CliRunner().invoke(main, ["compile", str(path), "--target", "u250", "--output", str(out)])
    assert result.exit_code == 1
    assert "HardSwish_h, Sigmoid_g in front of it are not quantised" in result.output
    assert [p.name for p in tmp_path.iterdir()] == ["tiny.onnx"]


def test_functions_in_front_of_the_first_codes_stay_on_the_host(tmp_path: Path) -> None:
    nodes = [op("Sigmoid", "x", "s"), op("Mul", "s gain", "t"), op("QuantizeLinear", "t xs xz", "xq"), IN[1],
             op("Relu", "xr", "r"), *OUT]  # fmt: skip
    path = save(tmp_path, nodes)
    made = integers(path)
    assert isinstance(made.inputs[0].chain[0], Function)
    assert np.array_equal(golden(made, FRAMES)[0], runtime(path, FRAMES)[0])


def test_functions_behind_the_last_codes_stay_on_the_host(tmp_path: Path) -> None:
    path = save(tmp_path, [*CONV, op("Sigmoid", "c", "y")])
    made = integers(path)
    assert [type(o) for o in made.outputs[0].chain] == [Affine, Function]
    assert [n.op.name for n in made.graph] == ["conv2d"]
    apart = np.abs(golden(made, FRAMES)[0] - runtime(path, FRAMES)[0])
    assert apart.max() < 4e-6, "float32 sums, in the order of the processor"


@pytest.mark.slow
def test_thresholds_that_fill_the_board(tmp_path: Path) -> None:
    """Exactness at any price does not fit; off by one at few inputs does, which is counted and can be asked for."""
    rng = np.random.default_rng(3)
    channels = 1024
    scale = rng.uniform(0.9e-3, 1.1e-3, channels).astype(np.float32)
    constants = {
        "xs": np.float32(0.0093), "xz": np.int8(-128), "ys": np.float32(0.0041), "yz": np.int8(-128),
        "w": rng.integers(-128, 128, (64, channels)).astype(np.int8), "ws": scale, "wz": np.zeros(channels, np.int8),
        "b": rng.integers(-2000, 2000, channels).astype(np.int32), "bs": np.float32(0.0093) * scale,
    }  # fmt: skip
    nodes = [
        *IN, op("DequantizeLinear", "w ws wz", "wr", axis=1), op("DequantizeLinear", "b bs", "br", axis=0),
        op("Gemm", "xr wr br", "g"), op("Relu", "g", "r"), *OUT,
    ]  # fmt: skip
    path = model(tmp_path, nodes, constants, {"x": (1, 64)})
    near = tomato.compile(path, "pynq-z2")
    (proof,) = near.proofs
    assert (proof.how, proof.largest, proof.caveat) == ("requant", 1, "nearest constants")
    assert 0 < proof.differing < 1e-5 * proof.checked
    with pytest.raises(TomatoError) as error:
        tomato.compile(path, "pynq-z2", allow_error=0.0)
    assert str(error.value).endswith(
        "hint: choose a larger board than pynq-z2 (tomato targets), or allow requantisations that are off by one "
        "(--allow-error 0.01)"
    )


def test_wide_activations_are_multiplications(tmp_path: Path) -> None:
    """Codes of 12 bits: 4,095 steps are no thresholds."""
    nodes = [
        op("Quant", "x s none b", "xd", DOMAIN), op("Quant", "w sw none b", "wd", DOMAIN),
        op("MatMul", "xd wd", "m"), op("Quant", "m sy none b", "y", DOMAIN),
    ]  # fmt: skip
    rng = np.random.default_rng(4)
    constants = {"s": 0.0021, "sw": 0.0007, "sy": 0.0053, "none": 0.0, "b": 12.0, "w": rng.normal(size=(16, 8)) * 0.3}
    path = model(tmp_path, nodes, {k: np.asarray(v, np.float32) for k, v in constants.items()}, {"x": (1, 16)})
    made: Any = onnx.load(path)
    made.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    onnx.save(made, path)
    x = (rng.normal(size=(200, 16))).astype(np.float32)
    compiled = tomato.compile(path, "u250")
    (proof,) = compiled.proofs
    assert proof.differing < 1e-4 * proof.checked
    off = np.abs(compiled.golden(x) - qonnx.evaluate(path, x)) / 0.0053
    assert off.max() < 1.01
    assert np.count_nonzero(off > 0.5) < 1e-3 * off.size


@pytest.mark.parametrize(("bits", "rc"), [pytest.param(4, 1, marks=pytest.mark.slow), (16, 0)])
def test_an_error_beyond_the_bound_must_be_asked_for(bits: int, rc: int, tmp_path: Path) -> None:
    """The exit code says so, nothing is written, and the hint can be followed."""
    constants = steps(np.int8, x=0.05, y=0.0031) | {
        "w": weights(np.int8, 600, 4, 3, 3), "ws": np.float32(0.0013), "wz": np.int8(0),
    }  # fmt: skip
    nodes = [*IN, WEIGHT, op("Conv", "xr wr", "r", pads=[1, 1, 1, 1]), *OUT]
    path, out = model(tmp_path, nodes, constants, {"x": SHAPE}), tmp_path / "build"
    command = ["compile", str(path), "--target", "u250", "--output", str(out), "--requant-bits", str(bits)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == rc, result.output
    assert out.exists() == (rc == 0)
    if rc:
        assert f"the nearest multiplication of {bits} bits is off by up to" in result.output
        (share,) = re.findall(r"--allow-error ([\d.]+) takes it all the same", result.output)
        again = CliRunner().invoke(main, [*command, "--allow-error", share])
        assert again.exit_code == 0, again.output
        assert "inputs differ, by at most" in again.output
