"""Real trained networks: bit-exact in RTL and HLS C++, as fast as predicted, about as accurate as in ONNX Runtime.

One build per network and target, each design the fastest that fits, played twice: unstalled, which is timed,
and stalled.
"""

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

import tomato
from tests.models import model_path
from tomato.backend.project import BACKENDS
from tomato.build.simulation import csim, describe, simulate
from tomato.core.formats import Array

FRAMES = 4
NETWORKS = ("mnist8_float", "kws_float", "resnet8_float", "mobilenet_v1_025_128_float")
LARGEST = ((NETWORKS[-1], "zcu104"), (NETWORKS[-2], "u250"))
"""Minutes more than the same network on the other board: make area plays them."""

pytestmark = pytest.mark.models
quantization = pytest.importorskip("onnxruntime.quantization")


class Frames:
    """Calibration data as ONNX Runtime's tools read it."""

    def __init__(self, frames: Array) -> None:
        self.frames = iter(frames)

    def get_next(self) -> dict[str, Array] | None:
        """The next frame, or None."""
        frame = next(self.frames, None)
        return None if frame is None else {"input": frame[np.newaxis]}


def mnist() -> tuple[Array, Array]:
    with np.load(model_path("mnist_t10k_2000.npz")) as data:
        return data["x"][:, None].astype(np.float32), data["labels"]


def rows() -> tuple[Array, Array]:
    """Pictures as a recurrent network reads them: a step is a row, from 0 to 1."""
    x, labels = mnist()
    return x[:, 0] / np.float32(255), labels


def kws() -> tuple[Array, Array]:
    with np.load(model_path("kws_1000.npz")) as data:
        return data["x"], data["labels"]


def calibration(network: str) -> Array:
    """Real data where there is some, else noise in the range of the input."""
    rng = np.random.default_rng(0)
    if network.startswith("mnist"):
        return mnist()[0][:200]
    if network.startswith("kws"):
        return kws()[0][:200]
    if network.startswith("resnet8"):
        return rng.integers(0, 256, (32, 3, 32, 32)).astype(np.float32)
    return rng.uniform(-1, 1, (8, 3, 128, 128)).astype(np.float32)


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("network", "target"),
    [
        pytest.param(n, t, marks=pytest.mark.area if (n, t) in LARGEST else ())
        for n, t in product(NETWORKS, ("u250", "zcu104"))
    ],
)
def test_hardware_is_exact_and_as_fast_as_predicted(network: str, target: str, tmp_path: Path) -> None:
    compiled = tomato.compile(model_path(f"{network}.onnx"), target, calibration=calibration(network))
    folder = compiled.write(tmp_path / network, backends=BACKENDS)
    if target == "zcu104":
        compared = csim(folder, frames=FRAMES)
        assert compared["bit_exact"], describe(compared)
    free = simulate(folder, frames=FRAMES)
    assert free["bit_exact"], describe(free)
    for what, tolerance in (("interval", 0.01), ("latency", 0.1)):
        measured, predicted = free[f"{what}_cycles"], free[f"{what}_cycles_predicted"]
        assert abs(measured - predicted) <= tolerance * predicted, describe(free)
    stalled = simulate(folder, frames=FRAMES, stall=0.3)
    assert stalled["bit_exact"], describe(stalled)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "data", "float_accuracy"),
    [("mnist8_float", mnist, 98.4), ("kws_float", kws, 90.1), ("lstm_mnist_float", rows, 97.5)],
)
def test_golden_is_as_accurate_as_onnx_runtime_in_float(
    network: str, data: Callable[[], tuple[Array, Array]], float_accuracy: float
) -> None:
    x, labels = data()
    compiled = tomato.compile(model_path(f"{network}.onnx"), "u250", calibration=x[:200])
    answers = compiled.golden(x).reshape(len(x), -1).argmax(axis=1)
    assert abs(100 * (answers == labels).mean() - float_accuracy) <= 1.0


RECURRENT = 196
"""Cycles a frame of lstm_mnist_float on pynq-z2, at most: 28 steps of 7 cycles; frames take turns."""


@pytest.mark.rtl
@pytest.mark.amd_headers
def test_a_recurrent_network_is_exact_and_as_fast_as_predicted(tmp_path: Path) -> None:
    compiled = tomato.compile(model_path("lstm_mnist_float.onnx"), "pynq-z2", calibration=rows()[0][:200])
    folder = compiled.write(tmp_path / "lstm", backends=BACKENDS)
    assert csim(folder, frames=FRAMES)["bit_exact"]
    free = simulate(folder, frames=FRAMES)
    assert free["bit_exact"], describe(free)
    assert free["interval_cycles"] == free["interval_cycles_predicted"] <= RECURRENT
    stalled = simulate(folder, frames=FRAMES, stall=0.3)
    assert stalled["bit_exact"], describe(stalled)


@pytest.mark.slow
@pytest.mark.parametrize("per_channel", [False, True])
def test_a_recurrent_network_quantised_by_the_runtime_keeps_its_accuracy(per_channel: bool, tmp_path: Path) -> None:
    """The file has its recurrent layer as reals."""
    (x, labels), path = rows(), tmp_path / "quantised.onnx"
    reader = Frames(x[:100])
    quantization.quantize_static(model_path("lstm_mnist_float.onnx"), path, reader, per_channel=per_channel)
    compiled = tomato.compile(path, "pynq-z2", calibration=x[:200])
    answers = compiled.golden(x).reshape(len(x), -1).argmax(axis=1)
    runner = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    theirs = np.concatenate([runner.run(None, {"input": frame[np.newaxis]})[0] for frame in x]).argmax(axis=1)
    assert abs((answers == labels).mean() - (theirs == labels).mean()) <= 0.005
    assert (answers == theirs).mean() >= 0.995
