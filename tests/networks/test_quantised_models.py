"""Trained quantised networks: every output code equals that of the model's runtime."""

from collections import Counter

import numpy as np
import pytest

from tests.models import model_path
from tests.networks.runtime import golden, integers, runtime
from tomato.core.formats import Array

pytestmark = pytest.mark.models
RANDOM = 100
"""Frames of random codes beside the data."""


def data(name: str) -> Array:
    """All frames that go with a model."""
    match name:
        case "mnist8_qdq":
            return np.asarray(np.load(model_path("mnist_t10k_2000.npz"))["x"][:, None], np.float32)
        case "kws_qdq":
            return np.asarray(np.load(model_path("kws_1000.npz"))["x"])
        case "mobilenet_v1_025_128_qdq" | "mobilenet_v2_224_qdq" | "squeezenet11_qdq":
            return np.asarray(np.load(model_path(f"{name}_expected.npz"))["x"])
    return np.empty((0,))


def random(name: str, shape: tuple[int, ...], count: int) -> Array:
    """Frames that spread over the range of the model's input."""
    spread = {"mnist8_qdq": 255, "resnet8_qdq": 255, "vww_qdq": 1}.get(name)
    rng = np.random.default_rng(1)
    if spread:
        return (rng.random((count, *shape)) * spread).astype(np.float32)
    wide = 60.0 if name in ("kws_qdq", "squeezenet11_qdq") else 1.0
    return (rng.standard_normal((count, *shape)) * wide).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        pytest.param("kws_qdq", RANDOM, marks=pytest.mark.slow),
        pytest.param("vww_qdq", RANDOM, marks=pytest.mark.slow),
        pytest.param("resnet8_qdq", RANDOM, marks=pytest.mark.slow),
        ("autoencoder_qdq", RANDOM),
        pytest.param("mnist8_qdq", RANDOM, marks=pytest.mark.slow),
        pytest.param("mobilenet_v1_025_128_qdq", RANDOM, marks=pytest.mark.slow),
        pytest.param("mobilenet_v2_224_qdq", 4, marks=pytest.mark.slow),
        pytest.param("squeezenet11_qdq", 4, marks=pytest.mark.slow),
    ],
)
def test_codes_equal_onnx_runtime(name: str, count: int) -> None:
    path = model_path(f"{name}.onnx")
    made = integers(path)
    known, noise = data(name), random(name, made.inputs[0].shape, count)
    frames = np.concatenate([known, noise]) if len(known) else noise
    for start in range(0, len(frames), 64):
        part = frames[start : start + 64]
        assert np.array_equal(golden(made, part)[0], runtime(path, part)[0])
    assert all(p.largest <= 1 and p.differing <= 1e-6 * p.checked for p in made.proofs), "thresholds would fill chips"


@pytest.mark.slow
def test_keyword_spotting_is_as_accurate_as_published() -> None:
    made = integers(model_path("kws_qdq.onnx"))
    stored = np.load(model_path("kws_1000.npz"))
    scores = golden(made, stored["x"])[0]
    assert np.mean(scores.argmax(axis=1) == stored["labels"]) == pytest.approx(0.902)


@pytest.mark.parametrize(("name", "correct"), [("tfc_1w1a", 0.90), ("tfc_1w2a", 0.9295), ("tfc_2w2a", 0.9545)])
def test_qonnx_networks(name: str, correct: float) -> None:
    """The expected values are those of a float32 evaluation: equal to its rounding."""
    made = integers(model_path(f"{name}_qonnx.onnx"))
    expected = np.load(model_path(f"{name}_expected.npz"))
    assert np.abs(golden(made, expected["x"])[0] - expected["y"]).max() < 1e-6
    assert all(p.differing == 0 for p in made.proofs)
    digits = np.load(model_path("mnist_t10k_2000.npz"))
    scores = golden(made, digits["x"][:, None].astype(np.float32) / np.float32(255))[0]
    assert np.mean(scores.argmax(axis=1) == digits["labels"]) == pytest.approx(correct, abs=0.01)


@pytest.mark.slow
def test_few_layers_need_thresholds() -> None:
    """Constants suffice nearly everywhere, most of them plain; tables and thresholds stay the exception."""
    hows = Counter(p.how for p in integers(model_path("vww_qdq.onnx")).proofs)
    assert hows["thresholds"] <= 3
    assert hows["requant"] + hows["nudged requant"] >= 26
