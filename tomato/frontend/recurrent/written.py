"""LSTM, GRU and RNN of one step, written out in simple operators: PyTorch's cells come so out of a scripted loop."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper

from tomato.core.formats import Array

LAYERS = {"LSTM": 4, "GRU": 3, "RNN": 1}
"""Gates."""
PLAIN = frozenset({"hidden_size", "linear_before_reset", "direction", "layout", "activations"})


def write_out(node: onnx.NodeProto, constants: Mapping[str, Array]) -> tuple[list[onnx.NodeProto], dict[str, Array]]:
    """The nodes that do the same, and their constants; the node itself if it is not one of those that are known."""
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    names = list(node.input) + [""] * (8 - len(node.input))
    weights = [constants.get(name) for name in names[1:3]]
    plain = given.get("direction", b"forward") == b"forward" and not given.keys() - PLAIN
    own = [b"Tanh"] if node.op_type == "RNN" else [b"Sigmoid", b"Tanh", b"Tanh"][: 3 if node.op_type == "LSTM" else 2]
    if any(w is None or w.ndim != 3 for w in weights) or not plain or given.get("activations", own) != own:
        return [node], {}
    if names[4] or names[7] or (names[3] and names[3] not in constants):
        return [node], {}
    writer = _Writer(node.output[0] or node.output[1])
    weight, recurrent = (np.asarray(w)[0] for w in weights)
    gates, hidden = LAYERS[node.op_type], recurrent.shape[-1]
    bias = constants[names[3]].reshape(-1) if names[3] else np.zeros(2 * gates * hidden, np.float32)
    x = writer.reshape(names[0], (1, -1))
    h, c = (
        writer.reshape(n, (1, hidden)) if n else writer.constant(np.zeros((1, hidden), np.float32)) for n in names[5:7]
    )
    given_sums = writer.gates(x, weight, bias[: gates * hidden], gates)
    fed = writer.gates(h, recurrent, bias[gates * hidden :], gates)
    sums = [writer.op("Add", a, b) for a, b in zip(given_sums, fed, strict=True)]
    match node.op_type:
        case "LSTM":
            i, o, f = (writer.op("Sigmoid", s) for s in sums[:3])
            c = writer.op("Add", writer.op("Mul", f, c), writer.op("Mul", i, writer.op("Tanh", sums[3])))
            h = writer.op("Mul", o, writer.op("Tanh", c))
        case "GRU":
            z, r = (writer.op("Sigmoid", s) for s in sums[:2])
            last = fed[2]
            if not given.get("linear_before_reset", 0):
                rows = slice(2 * hidden, None)
                last = writer.gates(writer.op("Mul", r, h), recurrent[rows], bias[gates * hidden :][rows], 1)[0]
            else:
                last = writer.op("Mul", r, last)
            n = writer.op("Tanh", writer.op("Add", given_sums[2], last))
            h = writer.op("Add", n, writer.op("Mul", z, writer.op("Sub", h, n)))
        case _:
            h = writer.op("Tanh", sums[0])
    for name, value, rank in zip(node.output, (h, h, c), (4, 3, 3), strict=False):
        if name:
            writer.reshape(value, (1,) * (rank - 1) + (hidden,), name)
    return writer.nodes, writer.constants


class _Writer:
    def __init__(self, stem: str) -> None:
        self.stem = stem
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, Array] = {}

    def name(self) -> str:
        return f"{self.stem} part {len(self.nodes)} {len(self.constants)}"

    def op(self, kind: str, *inputs: str, to: str = "", **attributes: Any) -> str:
        to = to or self.name()
        self.nodes.append(helper.make_node(kind, list(inputs), [to], **attributes))
        return to

    def constant(self, value: Array) -> str:
        name = self.name()
        self.constants[name] = value
        return name

    def reshape(self, name: str, shape: Sequence[int], to: str = "") -> str:
        return self.op("Reshape", name, self.constant(np.array(shape, np.int64)), to=to)

    def gates(self, x: str, weight: Array, bias: Array, gates: int) -> list[str]:
        """The sums of each gate."""
        parts = zip(np.split(weight, gates), np.split(bias, gates), strict=True)
        return [
            self.op("Add", self.op("MatMul", x, self.constant(np.ascontiguousarray(w.T))), self.constant(b))
            for w, b in parts
        ]
