"""A small network of several heads as ONNX, for the tests of early exits."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.unit.frontend.tiny import op
from tomato.core.formats import Array

SHAPE = (3, 8, 8)
CLASSES = 5


def two_heads(folder: Path, *, skip: bool = False, seed: int = 0) -> Path:
    """A convolution, an early head on it, two more and a late head; skip: the input is read behind the exit, too."""
    return _save(folder, _trunk(seed, skip=skip), ("early", "late"), seed)


def three_heads(folder: Path, seed: int = 0) -> Path:
    """The same, with a head on every convolution: one exit lies behind another, the first layer is read behind both."""
    nodes = [
        op("Conv", "x", "w0", to="c0", pads=(1,) * 4), op("Relu", "c0", to="a0"), *_head("a0", "first", "h0"),
        op("Conv", "a0", "w1", to="c1", pads=(1,) * 4), op("Relu", "c1", to="a1"), *_head("a1", "second", "h1"),
        op("Conv", "a1", "w2", to="c2", pads=(1,) * 4), op("Add", "c2", "a0", to="s2"), op("Relu", "s2", to="a2"),
        *_head("a2", "third", "h2"),
    ]  # fmt: skip
    return _save(folder, nodes, ("first", "second", "third"), seed)


def frames(count: int, seed: int = 1) -> Array:
    """Frames for either."""
    return np.random.default_rng(seed).normal(size=(count, *SHAPE)).astype(np.float32)


def _trunk(seed: int, *, skip: bool) -> list[Any]:
    late = [op("Conv", "x", "ws", to="sc", pads=(1,) * 4), op("Add", "c2", "sc", to="s2")] if skip else []
    return [
        op("Conv", "x", "w0", to="c0", pads=(1,) * 4), op("Relu", "c0", to="a0"), *_head("a0", "early", "h0"),
        op("Conv", "a0", "w1", to="c1", pads=(1,) * 4), op("Relu", "c1", to="a1"),
        op("Conv", "a1", "w2", to="c2", pads=(1,) * 4), *late, op("Relu", "s2" if skip else "c2", to="a2"),
        *_head("a2", "late", "h2"),
    ]  # fmt: skip


def _head(value: str, name: str, weight: str) -> list[Any]:
    return [
        op("GlobalAveragePool", value, to=f"{name}_p"), op("Flatten", f"{name}_p", to=f"{name}_f"),
        op("Gemm", f"{name}_f", weight, to=name),
    ]  # fmt: skip


def _save(folder: Path, nodes: Sequence[Any], outputs: Sequence[str], seed: int) -> Path:
    rng, wide = np.random.default_rng(seed), 6
    shapes = {"w0": (wide, SHAPE[0], 3, 3), "ws": (wide, SHAPE[0], 3, 3), "w1": (wide, wide, 3, 3),
              "w2": (wide, wide, 3, 3), **{f"h{i}": (wide, CLASSES) for i in range(3)}}  # fmt: skip
    read = {name for node in nodes for name in node.input}
    constants = {name: rng.normal(size=shape) / np.sqrt(np.prod(shape[1:])) for name, shape in shapes.items()}
    graph = helper.make_graph(
        list(nodes), "heads",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, *SHAPE])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, CLASSES]) for name in outputs],
        [numpy_helper.from_array(v.astype(np.float32), n) for n, v in constants.items() if n in read],
    )  # fmt: skip
    path = folder / f"{len(outputs)}_heads.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path
