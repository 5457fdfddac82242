"""Softmax, LogSoftmax and ArgMax at the end of the network, and reorderings, also behind those: left to the host."""

from collections.abc import Mapping
from dataclasses import replace
from math import prod

import numpy as np

from tomato.core.interface import HostStep
from tomato.frontend import reorder
from tomato.frontend.integers import CASTS
from tomato.frontend.layout import Index
from tomato.frontend.model import Model, OnnxNode, RefusedError
from tomato.frontend.rules_conditions import holds
from tomato.frontend.rules_softmax import from_softmax
from tomato.frontend.walk import Rule, Walk

AXIS_PER_OPSET = 13
"""Before this operator set softmax flattens its input to two dimensions and its axis defaults to 1."""
KINDS = {"Softmax": "softmax", "LogSoftmax": "logsoftmax", "ArgMax": "argmax"}
ROUNDED = frozenset({"QuantizeLinear", "DequantizeLinear"})
"""Steps to codes and back that the host can do behind its own."""
NO_CHANGE = frozenset({"Identity", "Cast", "Dropout"})


def from_reorder(walk: Walk, node: OnnxNode) -> None:
    """Transpose, Reshape and the like only change the index map."""
    if node.op_type in CASTS and walk.model.types.get(node.outputs[0]) == "bool":
        holds(walk, node)
        return
    view = walk.view(node.inputs[0], host=True)
    if view.host and view.host[-1].kind == "argmax":
        if node.op_type not in NO_CHANGE:
            raise RefusedError("expected nothing behind ArgMax but the output", "set keepdims as needed instead")
        walk.env[node.outputs[0]] = view
        return
    order = reorder.moved(walk.model, node, view.order)
    host = tuple(replace(step, axis=_axis_after(step.axis, view.order, order)) for step in view.host)
    walk.put(node.outputs[0], view.value, order, host)


def _axis_after(axis: int, before: Index, after: Index) -> int:
    """The axis along which the same elements lie together after a reordering."""
    lines = _lines(before, axis)
    for new in range(after.ndim):
        if np.array_equal(_lines(after, new), lines):
            return new
    raise RefusedError(
        "expected a reordering that keeps the axis of the softmax before it", "move it before the softmax"
    )


def _lines(order: Index, axis: int) -> Index:
    """What lies together along an axis, one sorted row per line, the rows sorted too."""
    lines = np.sort(order.swapaxes(axis, -1).reshape(-1, order.shape[axis]), axis=1)
    return lines[np.argsort(lines[:, 0])]


def from_host(walk: Walk, node: OnnxNode) -> None:
    """Softmax, LogSoftmax, ArgMax: a step of the host if only outputs follow; a Softmax inside is the network's."""
    view = walk.view(node.inputs[0], host=True)
    if view.host and view.host[-1].kind == "argmax":
        raise RefusedError("expected nothing behind ArgMax but the output", "end the network with it")
    reader = _inside(walk.model, walk.model.nodes[node.index])
    if reader is not None and node.op_type != "Softmax":
        raise RefusedError(
            f"expected right before an output, but {reader.op_type} {reader.label!r} reads its result",
            "only the host computes it: end the network before it",
        )
    axes = _axes(walk.model, node, view.shape)
    if reader is not None:
        from_softmax(walk, node, axes)
        return
    if len(axes) > 1:
        size = prod(view.shape[a] for a in axes)
        raise RefusedError(
            f"expected a single axis; before operator set {AXIS_PER_OPSET} {node.op_type} spans {size} values here",
            f"export with operator set {AXIS_PER_OPSET} or newer",
        )
    if node.flag("select_last_index", 0):
        raise RefusedError("expected select_last_index=0", "ties are resolved to the first index")
    step = HostStep(KINDS[node.op_type], axes[0], node.flag("keepdims", 1))
    walk.put(node.outputs[0], view.value, view.order, (*view.host, step))


def _inside(model: Model, node: OnnxNode) -> OnnxNode | None:
    """A node with which the network still computes of the result of this one; None where only outputs follow."""
    for reader in model.consumers.get(node.outputs[0], ()):
        if reader.op_type not in KINDS and reader.op_type not in reorder.MAPS and reader.op_type not in ROUNDED:
            return reader
        behind = _inside(model, reader)
        if behind is not None:
            return behind
    return None


def _axes(model: Model, node: OnnxNode, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The axes over which a node computes together; of those that an old softmax flattens only longer ones than 1."""
    flattens = model.opset < AXIS_PER_OPSET and node.op_type != "ArgMax"
    default = 0 if node.op_type == "ArgMax" else 1 if flattens else -1
    axis = node.integer("axis", default) % max(1, len(shape))
    longer = tuple(a for a in range(axis, len(shape)) if shape[a] > 1) if flattens else ()
    axes = longer or (axis,)
    if axes == (0,) and shape[0] == 1:
        raise RefusedError("expected an axis within the frame, not the batch", "give the axis of the classes")
    return axes


RULES: Mapping[str, Rule] = dict.fromkeys(reorder.MAPS, from_reorder) | dict.fromkeys(KINDS, from_host)

ATTRIBUTES = {
    "Softmax": "axis",
    "LogSoftmax": "axis",
    "ArgMax": "axis keepdims select_last_index",
    "Cast": "to saturate round_mode",
    "CastLike": "saturate round_mode",
    "Dropout": "ratio seed",
    "Transpose": "perm",
    "Reshape": "allowzero",
    "Flatten": "axis",
    "Squeeze": "axes",
    "Unsqueeze": "axes",
}
"""The attributes that each rule reads, or may leave alone (of 8-bit floats, of training); others have none."""
