"""Tiny ONNX models, and the oracle: ONNX Runtime."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

from tomato.core.formats import Array
from tomato.core.interpret import interpret
from tomato.frontend import Network, load

TOLERANCE = 1e-4
"""Relative to the largest magnitude: ONNX Runtime computes in float32."""

Dims = Sequence[int | str]


def op(
    kind: str, *inputs: str, to: str | Sequence[str] = "y", name: str = "", domain: str = "", **attributes: Any
) -> Any:
    """One ONNX node."""
    outputs = [to] if isinstance(to, str) else list(to)
    return helper.make_node(kind, list(inputs), outputs, name=name, domain=domain, **attributes)


@dataclass(frozen=True)
class Tiny:
    """A model: nodes over inputs (default one, `x`) and constants (float32 unless integer)."""

    nodes: Sequence[Any]
    inputs: Mapping[str, Dims] = field(default_factory=lambda: {"x": (1, 4, 6, 5)})
    constants: Mapping[str, ArrayLike] = field(default_factory=dict)
    outputs: Sequence[str] = ("y",)
    opset: int = 13
    positive: bool = False

    def proto(self) -> Any:
        """The ONNX model."""
        made = [_constant(name, value) for name, value in self.constants.items()]
        graph = helper.make_graph(
            list(self.nodes),
            "tiny",
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, list(s)) for n, s in self.inputs.items()],
            [helper.make_empty_tensor_value_info(o) for o in self.outputs],
            made,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)

    def save(self, folder: Path) -> Path:
        """The model in a file."""
        path = folder / "tiny.onnx"
        onnx.save(self.proto(), path)
        return path


def _constant(name: str, value: ArrayLike) -> Any:
    array = np.asarray(value)
    array = array if np.issubdtype(array.dtype, np.integer) or array.dtype == bool else array.astype(np.float32)
    return numpy_helper.from_array(array, name)


def randoms(*shape: int, seed: int = 0) -> Array:
    """Normal random numbers."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def agree(path: Path, *, positive: bool = False) -> Network:
    """Load a model, compare it with ONNX Runtime on random inputs, and return it."""
    model = load(path)
    model.graph.verify()
    rng = np.random.default_rng(1)
    feed = {p.name: rng.normal(size=(1, *p.shape)).astype(np.float32) * 2 for p in model.inputs}
    feed = {n: np.abs(x) + np.float32(0.1) for n, x in feed.items()} if positive else feed
    wanted = ort.InferenceSession(path, providers=["CPUExecutionProvider"]).run([p.name for p in model.outputs], feed)
    for port, want in zip(model.outputs, wanted, strict=True):
        got = run(model, feed)[port.name]
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=0, atol=TOLERANCE * max(1e-6, float(np.abs(want).max())))
    return model


def run(model: Network, feed: Mapping[str, Array]) -> dict[str, Array]:
    """The outputs of an imported model by ONNX name, as the host sees them."""
    types = model.graph.types
    inputs = {p.value: p.to_graph(feed[p.name].astype(np.float64), types[p.value].shape) for p in model.inputs}
    values = interpret(model.graph, inputs)
    return {p.name: p.finish(p.from_graph(values[p.value])) for p in model.outputs}


def kinds(model: Network) -> list[str]:
    """The operators of a graph, in order."""
    return [node.op.name for node in model.graph]


THIRDS = Tiny(
    [
        op("Conv", "x", "w", to="a", name="first"),
        op("Hardmax", "a", to="b", name="most"),
        op("Conv", "b", "w", to="c", name="middle"),
        op("Hardmax", "c", to="d", name="last_most"),
        op("Conv", "d", "w", name="last"),
    ],
    {"x": (1, 8, 6, 5)},
    {"w": randoms(8, 8, 1, 1)},
)
"""Layers of one size with what is not supported between: wherever it is cut, most of it is the host's."""
