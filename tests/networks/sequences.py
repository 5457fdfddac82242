"""Models of recurrent layers whose states are inputs and outputs, as exporters write them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
WIDTH, HIDDEN, CLASSES = 6, 8, 3


class Model:
    """Nodes, constants, inputs and outputs of a model in the making, drawn from `seed`."""

    def __init__(self, seed: int = 0) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self.rng = np.random.default_rng(seed)

    def input(self, name: str, *shape: int) -> str:
        """An input of float32."""
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def output(self, name: str, *shape: int) -> None:
        """An output of float32."""
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def constant(self, values: object, kind: type = np.float32) -> str:
        """A constant."""
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype=kind), name))
        return name

    def weights(self, *shape: int, scale: float = 0.6) -> str:
        """Weights that are drawn."""
        return self.constant(self.rng.normal(0, scale, shape))

    def node(self, kind: str, inputs: Sequence[str], *outputs: str, **attributes: Any) -> str:
        """A node that is called like its first output, which is returned."""
        called = next(filter(None, outputs))
        self.nodes.append(helper.make_node(kind, inputs, outputs, called, **attributes))
        return called

    def layer(
        self, kind: str, x: str, states: Sequence[str], ends: Sequence[str], *, results: str, width: int = WIDTH,
        hidden: int = HIDDEN, **attributes: Any,
    ) -> None:  # fmt: skip
        """A recurrent layer whose states come from `states` and go to `ends`; "" as `results`: those alone."""
        gates = GATES[kind] * hidden
        weights = [self.weights(1, gates, width), self.weights(1, gates, hidden), self.weights(1, 2 * gates, scale=0.2)]
        self.node(kind, [x, *weights, "", *states], results, *ends, hidden_size=hidden, **attributes)

    def taken(self, state: str, at: int, name: str) -> str:
        """One layer's part of states that are stacked along the first axis."""
        ends = [self.constant([n], np.int64) for n in (at, at + 1, 0)]
        return self.node("Slice", [state, *ends], name)

    def made(self, path: Path) -> Path:
        """The checked file."""
        graph = helper.make_graph(self.nodes, "recurrent", self.inputs, self.outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, path)
        return path


def one_layer(path: Path, kind: str = "GRU", steps: int = 1, *, seed: int = 0) -> Path:
    """x of some steps a frame, and the states h, and c of an LSTM, which return as hn and cn; y of each step."""
    m = Model(seed)
    x = m.node("Transpose", [m.input("x", 1, steps, WIDTH)], "first", perm=[1, 0, 2])
    names = ["h", "c"] if kind == "LSTM" else ["h"]
    states = [m.input(name, 1, 1, HIDDEN) for name in names]
    m.layer(kind, x, states, [f"{name}n" for name in names], results="every")
    rows = m.node("Reshape", ["every", m.constant([steps, HIDDEN], np.int64)], "rows")
    scores = m.node("Gemm", [rows, m.weights(HIDDEN, CLASSES), m.weights(CLASSES)], "scores")
    m.node("Reshape", [scores, m.constant([1, steps, CLASSES], np.int64)], "y")
    m.output("y", 1, steps, CLASSES)
    for name in names:
        m.output(f"{name}n", 1, 1, HIDDEN)
    return m.made(path)


def with_cells(path: Path, steps: int = 2) -> Path:
    """An LSTM whose states h and c return as hn and cn, and y of both."""
    m = Model(2)
    x = m.node("Transpose", [m.input("x", 1, steps, WIDTH)], "first", perm=[1, 0, 2])
    m.layer("LSTM", x, [m.input(name, 1, 1, HIDDEN) for name in "hc"], ["hn", "cn"], results="")
    both = m.node("Concat", ["hn", "cn"], "both", axis=2)
    row = m.node("Reshape", [both, m.constant([1, 2 * HIDDEN], np.int64)], "row")
    m.node("Gemm", [row, m.weights(2 * HIDDEN, CLASSES), m.weights(CLASSES)], "y")
    m.output("y", 1, CLASSES)
    for name in "hc":
        m.output(f"{name}n", 1, 1, HIDDEN)
    return m.made(path)


def stacked(path: Path, order: Sequence[str] = ("h0", "h1", "c0", "c1"), *, squeezed: bool = False) -> Path:
    """Two layers whose states are one tensor s of h0, h1, c0 and c1, which returns as sn, in `order`."""
    m = Model(1)
    m.input("x", 1, 1, WIDTH)
    m.input("s", 4, 1, HIDDEN)
    parts = {name: m.taken("s", i, name) for i, name in enumerate(("h0", "h1", "c0", "c1"))}
    ends = {name: f"{name}n" for name in parts}
    m.layer("LSTM", "x", [parts["h0"], parts["c0"]], [ends["h0"], ends["c0"]], results="")
    m.layer("LSTM", ends["h0"], [parts["h1"], parts["c1"]], [ends["h1"], ends["c1"]], results="", width=HIDDEN)
    returned = [ends[name] for name in order]
    if squeezed:
        first = m.constant([0], np.int64)
        returned = [m.node("Squeeze", [name, first], f"{name}_flat") for name in returned]
        returned = [m.node("Unsqueeze", [name, first], f"{name}_row") for name in returned]
    m.node("Concat", returned, "sn", axis=0)
    flat = m.node("Reshape", [ends["h1"], m.constant([1, HIDDEN], np.int64)], "flat")
    m.node("Gemm", [flat, m.weights(HIDDEN, CLASSES)], "y")
    m.output("y", 1, CLASSES)
    m.output("sn", 4, 1, HIDDEN)
    return m.made(path)


def frames(count: int, steps: int = 1, *, seed: int = 0) -> np.ndarray:
    """Inputs x of a sequence of frames: waves of some periods, and noise by the seed."""
    time = np.arange(count * steps)[:, np.newaxis] + 100 * seed
    waves = np.sin(time * np.linspace(0.05, 0.9, WIDTH))
    values = waves + np.random.default_rng(seed).uniform(-0.5, 0.5, waves.shape)
    return values.reshape(count, steps, WIDTH).astype(np.float32)
