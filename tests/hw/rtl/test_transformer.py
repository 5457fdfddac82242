"""A small transformer from its ONNX model: a class token, positions, masked attention of two heads, a perceptron."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tomato
from tests.unit.frontend.tiny import Tiny, op, randoms
from tomato.backend.project import BACKENDS
from tomato.build.simulation import csim, describe, simulate

TOKENS, FEATURES, WIDTH, HEADS = 4, 3, 6, 2
FRAMES = 3


def transformer() -> Tiny:
    """In the nodes of PyTorch's exporter; the class token is the first one, and all others see what came before."""
    count = TOKENS + 1
    each = [op("Reshape", n, "apart", to=f"{n}r") for n in ("query", "key", "value")]
    turned = [("queryr", "q", [0, 2, 1, 3]), ("keyr", "k", [0, 2, 3, 1]), ("valuer", "v", [0, 2, 1, 3])]
    nodes = [
        op("MatMul", "x", "we", to="tokens"),
        op("Concat", "first", "tokens", to="all", axis=1),
        op("Add", "all", "places", to="begin"),
        op("LayerNormalization", "begin", "ones", "zeros", to="n", axis=-1),
        *(op("MatMul", "n", f"w{n}", to=n) for n in ("query", "key", "value")),
        *each,
        *(op("Transpose", name, to=to, perm=perm) for name, to, perm in turned),
        op("MatMul", "q", "k", to="scores"),
        op("Mul", "scores", "root", to="scaled"),
        op("Add", "scaled", "mask", to="masked"),
        op("Softmax", "masked", to="shares", axis=-1),
        op("MatMul", "shares", "v", to="mixed"),
        op("Transpose", "mixed", to="back", perm=[0, 2, 1, 3]),
        op("Reshape", "back", "together", to="attended"),
        op("Add", "attended", "begin", to="sum"),
        op("MatMul", "sum", "wh", to="hidden"),
        op("Relu", "hidden", to="active"),
        op("Gather", "active", "zero", to="answer", axis=1),
        op("Gemm", "answer", "wo", "bo"),
    ]
    constants: dict[str, Any] = {
        "we": randoms(FEATURES, WIDTH), "first": randoms(1, 1, WIDTH), "places": randoms(1, count, WIDTH, seed=1),
        "ones": np.ones(WIDTH, np.float32), "zeros": np.zeros(WIDTH, np.float32),
        **{f"w{n}": randoms(WIDTH, WIDTH, seed=i) for i, n in enumerate(("query", "key", "value"))},
        "apart": np.array([1, count, HEADS, WIDTH // HEADS]), "together": np.array([1, count, WIDTH]),
        "root": np.float32((WIDTH // HEADS) ** -0.5), "zero": np.array(0),
        "mask": np.where(np.tri(count, dtype=bool), 0, -np.inf).astype(np.float32),
        "wh": randoms(WIDTH, 8), "wo": randoms(8, 3), "bo": randoms(3),
    }  # fmt: skip
    return Tiny(nodes, {"x": (1, TOKENS, FEATURES)}, constants, opset=17)


@pytest.mark.rtl
def test_a_transformer_is_exact_and_as_fast_as_predicted(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(64, TOKENS, FEATURES)).astype(np.float32)
    compiled = tomato.compile(transformer().save(tmp_path), "zcu104", calibration=x, fps=5e5)
    folder = compiled.write(tmp_path / "transformer", backends=BACKENDS)
    compared = csim(folder, frames=FRAMES)
    assert compared["bit_exact"], describe(compared)
    free = simulate(folder, frames=FRAMES)
    assert free["bit_exact"], describe(free)
    assert free["interval_cycles"] == free["interval_cycles_predicted"]
    assert abs(free["latency_cycles"] - free["latency_cycles_predicted"]) <= 0.1 * free["latency_cycles_predicted"]
    stalled = simulate(folder, frames=FRAMES, stall=0.3)
    assert stalled["bit_exact"], describe(stalled)
