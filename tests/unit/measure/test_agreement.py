"""`tomato evaluate` on a model that came quantised: equal codes, and the first layer that differs."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import tomato
from tests.models import model_path
from tomato.accelerator import Accelerator
from tomato.cli import main
from tomato.core.formats import Array, Tensor
from tomato.host.data import Data
from tomato.measure.agreement import _equal
from tomato.measure.evaluate import evaluate
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense

pytestmark = [pytest.mark.models, pytest.mark.slow]
KERNELS = "ONNX Runtime's integer kernels"
DEFINITION = "the exact values of the model's operators"


def broken(accelerator: Accelerator, name: str) -> Accelerator:
    """The accelerator with the weights of one channel of a layer negated."""

    def changed(op: Any) -> Any:
        assert isinstance(op, Conv2d | Dense)
        weight = op.weight.values.copy()
        weight[..., 0] *= -1
        return replace(op, weight=Tensor(weight))

    nodes = tuple(replace(n, op=changed(n.op)) if n.name == name else n for n in accelerator.graph.nodes)
    return replace(accelerator, graph=replace(accelerator.graph, nodes=nodes))


def codes(accelerator: Accelerator, frames: Array) -> Mapping[str, Any]:
    return dict(evaluate(accelerator, Data(frames))["codes"])


def spoken() -> Array:
    return np.asarray(np.load(model_path("kws_1000.npz"))["x"][:50])


def test_all_codes_agree() -> None:
    whole = tomato.compile(model_path("kws_qdq.onnx"), "u250")
    assert codes(whole, spoken()) == {"reference": KERNELS, "equal": 600, "total": 600, "first": ""}


@pytest.mark.parametrize(
    ("layer", "first"),
    [
        ("Conv_5", "Conv_5_q (QuantizeLinear_7)"),
        ("Conv_29", "Conv_29_q (QuantizeLinear_31)"),
        ("Gemm_65", "Gemm_65_q (QuantizeLinear_66)"),
    ],
)
def test_the_broken_layer_is_named(layer: str, first: str) -> None:
    found = codes(broken(tomato.compile(model_path("kws_qdq.onnx"), "u250"), layer), spoken())
    assert found["first"] == first
    assert 100 < found["equal"] < found["total"] == 600


def test_the_broken_layer_of_a_qonnx_model_is_named() -> None:
    whole = tomato.compile(model_path("tfc_2w2a_qonnx.onnx"), "u250")
    frames = np.load(model_path("tfc_2w2a_expected.npz"))["x"]
    total = 10 * len(frames)
    assert codes(whole, frames) == {"reference": DEFINITION, "equal": total, "total": total, "first": ""}
    second = [n for n in whole.graph if isinstance(n.op, Dense)][1]
    (behind,) = whole.graph.uses[second.name]
    found = codes(broken(whole, second.name), frames)
    assert found["equal"] < total
    assert found["first"] == f"{behind.name} ({behind.origin[-1]})"


def test_the_command_says_so(tmp_path: Path) -> None:
    build, frames = tmp_path / "build", tmp_path / "frames.npy"
    np.save(frames, spoken())
    tomato.compile(model_path("kws_qdq.onnx"), "u250").write(build)
    result = CliRunner().invoke(main, ["evaluate", str(build), "--data", str(frames)])
    assert result.exit_code == 0, result.output
    assert f"600 of 600 output codes equal {KERNELS}" in " ".join(result.output.split())


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 3, 1, 2), (0, 2, 1, 3)], ids=["last", "first", "heads"])
def test_layers_are_compared_wherever_a_model_has_its_channels(order: tuple[int, ...]) -> None:
    ours = np.random.default_rng(0).integers(-128, 128, (2, 3, 4, 5))
    found = ours.transpose(order)
    assert _equal(found, ours)
    other = found.copy()
    other[1, 2, 0, 0] += 1
    assert not _equal(other, ours)
