"""ONNX operators that only rename where values lie: each is a function on index maps."""

from collections.abc import Callable, Mapping
from math import prod

import numpy as np

from tomato.frontend.layout import Index
from tomato.frontend.model import Model, OnnxNode, RefusedError, is_integer, one

FLOATS = frozenset({1, 10, 11, 16})
"""ONNX element types float32, float16, float64, bfloat16."""

Reorder = Callable[[Model, OnnxNode, Index], Index]


def _identity(_model: Model, _node: OnnxNode, order: Index) -> Index:
    return order


def _cast(model: Model, node: OnnxNode, order: Index) -> Index:
    whole = is_integer(model.types.get(node.inputs[0])) and is_integer(model.types.get(node.outputs[0]))
    if node.op_type == "Cast" and node.integer("to", 1) not in FLOATS and not whole:
        raise RefusedError("expected a cast to a floating-point type", "remove the cast from the network")
    return order


def _dropout(model: Model, node: OnnxNode, order: Index) -> Index:
    mode = model.constant(node, 2)
    if node.has(2) and (mode is None or one(mode, "training_mode") != 0):
        raise RefusedError("expected inference mode, not training_mode", "export the model in evaluation mode")
    return order


def _transpose(_model: Model, node: OnnxNode, order: Index) -> Index:
    return order.transpose(node.integers("perm"))


def _reshape(model: Model, node: OnnxNode, order: Index) -> Index:
    target = model.integers(node, 1, "shape")
    if target is None:
        raise RefusedError("expected a target shape", "export the model with static shapes")
    copies = not node.flag("allowzero", 0)
    shape = [order.shape[i] if s == 0 and copies else s for i, s in enumerate(target)]
    if -1 in shape:
        shape[shape.index(-1)] = order.size // max(1, -prod(shape))
    if prod(shape) != order.size:
        dims = "x".join(map(str, shape))
        raise RefusedError(f"expected {order.size} elements for one frame, not {dims}", "export with a batch of 1")
    return order.reshape(shape)


def _flatten(_model: Model, node: OnnxNode, order: Index) -> Index:
    axis = node.integer("axis", 1)
    axis = axis + order.ndim if axis < 0 else axis
    return order.reshape(prod(order.shape[:axis]), -1)


def _squeeze(model: Model, node: OnnxNode, order: Index) -> Index:
    axes = model.integers(node, 1, "axes")
    if not axes:
        axes = tuple(a for a, size in enumerate(order.shape) if size == 1)
    return np.squeeze(order, axis=axes)


def _unsqueeze(model: Model, node: OnnxNode, order: Index) -> Index:
    return np.expand_dims(order, axis=model.integers(node, 1, "axes") or ())


def moved(model: Model, node: OnnxNode, order: Index) -> Index:
    """Where the values of a node's first input lie behind it. RefusedError if its attributes do not fit its input."""
    try:
        return MAPS[node.op_type](model, node, order)
    except (ValueError, IndexError) as reason:  # NumPy's own complaint of axes or sizes
        raise RefusedError(f"its attributes do not fit its input ({reason})", "export the model again") from reason


MAPS: Mapping[str, Reorder] = {
    "Identity": _identity,
    "Cast": _cast,
    "CastLike": _identity,
    "Dropout": _dropout,
    "Transpose": _transpose,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
}
