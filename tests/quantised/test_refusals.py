"""Reals between codes: named and refused in the middle, kept on the host at the ends. Nothing is half-written."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from tests.quantised.runtime import golden, integers, runtime
from tests.quantised.test_operators import FRAMES, IN, OUT, SHAPE, model, op, steps, weights
from tomato.cli import main
from tomato.errors import TomatoError
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
    "channels_last": (
        [IN[0], op("QLinearGlobalAveragePool", "xq xs xz ys yz", "yq", "com.microsoft", channels_last=1), OUT[1]],
        (
            "1 of 3 nodes cannot be compiled:\n"
            "    QLinearGlobalAveragePool_yq (QLinearGlobalAveragePool): expected channels first; "
            "export the model with channels_last=0\n"
            "  --> tiny.onnx\n  hint: tomato inspect lists every node; change the network or export it differently"
        ),
    ),
    "a_constant_that_varies_over_pixels": (
        [IN[0], op("QLinearAdd", "xq xs xz cq xs xz ys yz", "yq", "com.microsoft"), OUT[1]],
        (
            "1 of 3 nodes cannot be compiled:\n"
            "    QLinearAdd_yq (QLinearAdd): expected a constant that is the same for all pixels, not one of shape "
            "1x4x6x5; make it a number or one value per channel\n"
            "  --> tiny.onnx\n  hint: tomato inspect lists every node; change the network or export it differently"
        ),
    ),
}


def save(folder: Path, nodes: list[Any]) -> Path:
    constants = steps(np.uint8, x=0.05, y=0.043) | {
        "w": weights(np.int8, 4, 4, 3, 3), "ws": np.float32(0.01), "wz": np.int8(0), "gain": np.float32(3),
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
