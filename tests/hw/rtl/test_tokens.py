"""The stem of a vision transformer: patches, a class token, positions, a layer, and the class token alone behind it."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

import tomato
from tests.unit.frontend.tiny import Tiny, op, randoms
from tomato.accelerator import Accelerator
from tomato.build.simulation import describe, simulate
from tomato.ops.frame_requant import FrameRequant

DIM, PATCHES = 16, 16
STEM = Tiny(
    [
        op("Conv", "x", "w", "b", to="patches", kernel_shape=[8, 8], strides=[8, 8]),
        op("Reshape", "patches", "shape", to="flat"),
        op("Transpose", "flat", to="tokens", perm=[0, 2, 1]),
        op("Concat", "class", "tokens", to="all", axis=1),
        op("Add", "all", "positions", to="placed"),
        op("LayerNormalization", "placed", "gain", "shift", to="normal", axis=-1),
        op("MatMul", "normal", "first", to="wide"),
        op("Relu", "wide", to="limited"),
        op("MatMul", "limited", "second", to="narrow"),
        op("Add", "placed", "narrow", to="sum"),
        op("Gather", "sum", "zero", to="token", axis=1),
        op("Gemm", "token", "head"),
    ],
    {"x": (1, 3, 32, 32)},
    {
        "w": randoms(DIM, 3, 8, 8) / 14, "b": randoms(DIM) / 10, "shape": np.array([1, DIM, -1]),
        "class": randoms(1, 1, DIM), "positions": randoms(1, PATCHES + 1, DIM, seed=1) / 2,
        "gain": 1 + randoms(DIM) / 10, "shift": randoms(DIM, seed=2) / 10,
        "first": randoms(DIM, 2 * DIM) / 4, "second": randoms(2 * DIM, DIM, seed=3) / 5,
        "zero": np.array(0), "head": randoms(DIM, 10) / 4,
    },
    opset=17,
)  # fmt: skip
FRAMES = np.random.default_rng(0).uniform(-1, 1, (32, 3, 32, 32)).astype(np.float32)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Accelerator, Path]:
    path = STEM.save(tmp_path_factory.mktemp("tokens"))
    return tomato.compile(path, "u250", calibration=FRAMES, fps=50_000), path


def test_golden_is_the_float_network_within_rounding(compiled: tuple[Accelerator, Path]) -> None:
    accelerator, path = compiled
    (places,) = (node for node in accelerator.graph if isinstance(node.op, FrameRequant))
    assert places.type.shape == (1, PATCHES + 1, DIM), "the class token and the positions are one step"
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    wanted = np.concatenate([session.run(None, {"x": x[None]})[0] for x in FRAMES])
    error = accelerator.golden(FRAMES) - wanted
    assert np.sqrt((error**2).mean()) < 0.03 * wanted.std()


@pytest.mark.area
@pytest.mark.rtl
def test_rtl_is_golden_as_fast_as_predicted(compiled: tuple[Accelerator, Path], tmp_path: Path) -> None:
    accelerator, _ = compiled
    accelerator.write(tmp_path / "build")
    accelerator.write_vectors(tmp_path / "build", FRAMES[:3])
    found = simulate(tmp_path / "build", frames=3, checked=True)
    assert found["bit_exact"], describe(found)
    interval, latency = found["interval_cycles_predicted"], found["latency_cycles_predicted"]
    assert abs(found["interval_cycles"] - interval) <= max(2, interval * 0.01), describe(found)
    assert found["latency_cycles"] <= latency * 1.1, "sooner is well: the class token needs no input"
