"""How recurrent layers are written in ONNX: nodes whose inputs are the sums of the gates already."""

from typing import Any

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.ir import Node
from tomato.frontend.write.model import Writer
from tomato.ops.real import Expression
from tomato.ops.recurrent import Gru, Lstm, Recurrent

BYTE = 127
"""The largest weight of 8 bits."""


def formless(op: Recurrent) -> str | None:
    """Why a layer has no form in a file; None if it has one."""
    if op.lasting:
        return "a state that lasts from frame to frame has no form in a file"
    if isinstance(op, Lstm) and op.cells:
        return "the cells of all steps have no form in a file, which has those of the last one"
    if any(activation(function) is None for function in op.functions):
        return "one of its functions has no form in a file"
    return None


def activation(function: Expression) -> tuple[str, tuple[float, ...]] | None:
    """What ONNX calls a function of a layer, and its numbers; None if it has no name."""
    match function:
        case ("sigmoid", "x"):
            return "Sigmoid", ()
        case ("tanh", "x"):
            return "Tanh", ()
        case ("div", "x", ("add", 1.0, ("abs", "x"))):
            return "Softsign", ()
        case ("max", ("min", ("add", ("mul", "x", float(slope)), float(offset)), 1.0), 0.0):
            return "HardSigmoid", (slope, offset)
    return None


def recurrent(writer: Writer, node: Node, args: list[str]) -> str:
    """A picture of one row becomes steps in front of the batch, and back. Raises TomatoError for what has no form."""
    op = node.op
    assert isinstance(op, Recurrent)
    if reason := formless(op):
        raise TomatoError(reason, where=node.label)
    names = [found for function in op.functions if (found := activation(function))]
    attributes: dict[str, Any] = {"hidden_size": op.hidden, "activations": [name for name, _ in names]}
    hard = [numbers for _, numbers in names if numbers]
    if hard:
        attributes |= {"activation_alpha": [v[0] for v in hard], "activation_beta": [v[1] for v in hard]}
    if isinstance(op, Gru) and op.reset_after:
        attributes["linear_before_reset"] = 1
    channels = op.hidden * op.gates
    first = writer.emit("Transpose", args, f"{node.name}_first", perm=[3, 0, 1, 2])
    shape = writer.constant(np.array([0, 0, channels], np.int64), f"{node.name}_steps_shape")
    x = writer.emit("Reshape", [first, shape], f"{node.name}_steps")
    by_gate = np.arange(channels).reshape(op.hidden, op.gates).T.reshape(-1)
    sums, weight, bias = _weights(op, by_gate)
    weights = [
        writer.constant(sums, f"{node.name}_sums"),
        _codes(writer, node, weight, op.steps.values[by_gate]) if op.steps else writer.constant(
            weight, f"{node.name}_weight"),
        writer.constant(bias, f"{node.name}_bias"),
    ]  # fmt: skip
    begin = _begin(writer, node, op, x) if op.begin.values.any() else []
    y = writer.emit(op.name.upper(), [x, *weights, *([""] * bool(begin)), *begin], node.name, **attributes)
    return writer.emit("Transpose", [y], f"{node.name}_picture", perm=[2, 3, 1, 0])


def _weights(op: Recurrent, by_gate: Array) -> tuple[Array, Array, Array]:
    """Of the inputs, every sum its own; of the last result; biases."""
    bias = np.zeros((2, op.gates, op.hidden))
    if isinstance(op, Gru) and op.inner is not None:
        bias[1, -1] = op.inner.values
    return np.eye(len(by_gate))[by_gate][None], op.weight.values.T[by_gate][None], bias.reshape(1, -1)


def _codes(writer: Writer, node: Node, weight: Array, steps: Array) -> str:
    """Weights (1, rows, units) that are whole numbers of steps (rows), behind a DequantizeLinear."""
    codes = np.rint(weight / steps[:, np.newaxis]).astype(np.int64)
    kind = np.int8 if np.abs(codes).max(initial=0) <= BYTE else np.int16
    writer.wide |= kind is np.int16
    parts = {"codes": codes.astype(kind), "scale": steps.astype(np.float32), "zero": np.zeros(steps.shape, kind)}
    names = [writer.constant(value, f"{node.name}_weight_{part}") for part, value in parts.items()]
    return writer.emit("DequantizeLinear", names, f"{node.name}_weight", axis=1)


def _begin(writer: Writer, node: Node, op: Recurrent, x: str) -> list[str]:
    """The states before the first step, for every frame of the batch."""
    sizes = writer.emit("Shape", [x], f"{node.name}_sizes")
    one = writer.constant(np.array([1], np.int64), f"{node.name}_one")
    hidden = writer.constant(np.array([op.hidden], np.int64), f"{node.name}_hidden")
    batch = writer.emit("Gather", [sizes, one], f"{node.name}_batch", axis=0)
    shape = writer.emit("Concat", [one, batch, hidden], f"{node.name}_begin_shape", axis=0)
    parts = op.begin.values[:, None, None]
    states = [writer.constant(part, f"{node.name}_state{n}") for n, part in enumerate(parts)]
    return [writer.emit("Expand", [state, shape], f"{state}_begin") for state in states]
