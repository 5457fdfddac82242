"""What the report says of ports is enough to drive the chip: codes and results made from it are the golden ones."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tomato
from tests import digits
from tests.models import model_path
from tests.unit.frontend.tiny import Tiny, op, randoms
from tomato.accelerator import Accelerator
from tomato.core.formats import Array
from tomato.host.ports import _numbers


def codes_of(port: dict[str, Any], x: Array) -> Array:
    """The chip's codes for frames, from the report alone."""
    lo, hi = port["codes"]
    stream = x.reshape(-1, *port["reshape"]).transpose(0, *(a + 1 for a in port["transpose"]))
    real = stream.reshape(-1, *port["stream"]).astype(np.float32)
    return np.asarray(np.clip(np.rint(real / np.float32(port["scale"])) + port["zero"], lo, hi), np.int64)


def reals_of(port: dict[str, Any], codes: Array) -> Array:
    """The ONNX output for codes of the chip, from the report alone."""
    real = (codes - np.asarray(port["zero"])) * np.asarray(port["scale"])
    turned = real.reshape(-1, *port["reshape"]).transpose(0, *(a + 1 for a in port["transpose"]))
    return np.asarray(turned.reshape(-1, *port["shape"]))


def check(made: Accelerator, x: Array) -> None:
    said = json.loads(json.dumps(made.report["ports"]))
    (given,), (result,) = said["inputs"], said["outputs"]
    codes = made.encode(*made.enter(*made.suited(x)))
    assert np.array_equal(codes_of(given, x), codes[given["value"]])
    values = made.run(codes)
    got = reals_of(result, values[result["value"]])
    wanted = made.golden(x)
    host = result["host"]
    if not host:
        np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-7)


def test_of_a_float_model() -> None:
    made = digits.compiled()
    x = np.random.default_rng(0).normal(size=(3, *made.inputs[0].shape)).astype(np.float32)
    check(made, x)


def test_of_channels_moved_at_both_ends(tmp_path: Path) -> None:
    nodes = [
        op("Transpose", "x", to="t", perm=[0, 3, 1, 2]),
        op("Conv", "t", "w", to="c"),
        op("Transpose", "c", perm=[0, 3, 2, 1]),
    ]
    path = Tiny(nodes, {"x": (1, 5, 6, 4)}, {"w": randoms(7, 4, 2, 1)}).save(tmp_path)
    check(tomato.compile(path, "ulx3s"), randoms(3, 5, 6, 4))


@pytest.mark.models
@pytest.mark.parametrize("name", ["kws_qdq", "autoencoder_qdq"])
def test_of_a_quantised_model(name: str) -> None:
    made = tomato.compile(model_path(f"{name}.onnx"), "u250")
    check(made, np.random.default_rng(0).normal(size=(2, *made.inputs[0].shape)).astype(np.float32))


def test_in_words(tmp_path: Path) -> None:
    nodes = [op("Conv", "x", "w", to="c"), op("Softmax", "c", axis=1)]
    made = tomato.compile(Tiny(nodes, {"x": (1, 4, 6, 5)}, {"w": randoms(7, 4, 2, 1)}).save(tmp_path), "ulx3s")
    text = (made.write(tmp_path / "build") / "README.md").read_text()
    given, result = made.report["ports"]["inputs"][0], made.report["ports"]["outputs"][0]
    assert f"ONNX input x (4x6x5, float32): real = (code - {given['zero']:g}) * {given['scale']:.9g}, " in text
    assert "sent as reshape(4, 30).transpose(1, 0)" in text
    assert f"ONNX output y (7x5x5, float32): real = (code - 0) * {result['scale']:.9g}, " in text
    assert "ONNX has it as reshape(25, 7).transpose(1, 0); the host computes softmax(axis 1)" in text


@pytest.mark.parametrize(("values", "told"), [([3.0, 3.0], 3.0), ([0.5], 0.5), ([1.0, 2.0, 1.0], [1.0, 2.0, 1.0])])
def test_numbers_per_channel_are_told_where_they_differ(values: list[float], told: float | list[float]) -> None:
    assert _numbers(np.array(values)) == told
