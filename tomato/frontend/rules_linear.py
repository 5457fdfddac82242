"""Convolution, fully connected layers and batch normalisation."""

import numpy as np

from tomato.core.formats import Array, Tensor
from tomato.frontend import layout
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.stacks import MATRIX, times_constants
from tomato.frontend.walk import Rule, View, Walk
from tomato.frontend.windows import window_of
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.move import Pad


def from_conv(walk: Walk, node: OnnxNode) -> None:
    """Conv, 1-D or 2-D; a 1-D convolution is one of height 1. The bias is an affine of its own.

    Several pictures, such as windows, are groups of one; without a window they lie one below the other.
    """
    weight, steps = walk.factors(node, 1, 0, "weight")
    if weight.ndim not in (3, 4):
        raise RefusedError(f"expected a 1-D or 2-D convolution, not {weight.ndim - 2}-D", "only those are supported")
    view = walk.view(node.inputs[0])
    if len(view.shape) == weight.ndim and view.shape[0] > 1 and _is_pointwise(node, weight):
        below = np.moveaxis(view.order, 0, 1)
        walk.env[BELOW] = View(view.value, below.reshape(1, below.shape[0], -1, *below.shape[3:]))
        made = _convolved(walk, node, BELOW, weight, steps)
        walk.env.pop(BELOW)
        walk.put(node.outputs[0], made.value, np.moveaxis(made.order.reshape(-1, *below.shape[1:]), 0, 1))
        return
    made = _convolved(walk, node, node.inputs[0], weight, steps)
    walk.put(node.outputs[0], made.value, made.order)


BELOW = "pictures one below the other"


def _is_pointwise(node: OnnxNode, weight: Array) -> bool:
    """Whether a convolution looks at every pixel alone."""
    return (
        weight[0, 0].size == 1 and not any(node.integers("pads") or ()) and {*(node.integers("strides") or (1,))} == {1}
    )


def _convolved(walk: Walk, node: OnnxNode, name: str, weight: Array, steps: Array) -> View:
    rank, groups = weight.ndim, node.integer("group", 1)
    bias = walk.weight(node, 2, "bias") if node.has(2) else None
    taken, count = None, 1
    if groups == 1 and walk.view(name).shape[:1] == (1,):
        value, taken = walk.channels(name)
    else:
        value, count = walk.pictures(name)
    if taken is not None and weight.shape[1] == taken.size:
        weight = weight[:, layout.inverse(taken)]
    kernel = weight.shape[2:]
    window, early = window_of(node, kernel, walk.build.types[value].shape)
    if early is not None:
        value = walk.emit(Pad(early), [value], "_pad")
    weight = np.tile(weight.reshape(*weight.shape[:2], *window.kernel).transpose(2, 3, 1, 0), count)
    value = walk.emit(Conv2d(Tensor(weight), window, groups * count), [value])
    value = walk.scaled(value, np.tile(steps, count) if steps.size > 1 else steps)
    if bias is not None:
        kind, parts = walk.bias(value, node.inputs[2], bias)
        tensors = (Tensor(np.tile(p.reshape(-1), count if p.size > 1 else 1)) for p in parts)
        value = walk.emit(kind(*tensors), [value], "_bias")
    walk.put_image(node.outputs[0], value, rank, count)
    return walk.env[node.outputs[0]]


def from_batch_norm(walk: Walk, node: OnnxNode) -> None:
    """BatchNormalization in inference: scale and offset per channel (axis 1)."""
    if node.flag("training_mode", 0) or not node.flag("spatial", 1):
        raise RefusedError("expected inference mode with one scale per channel", "export the model in evaluation mode")
    gain, shift, mean, variance = (
        walk.weight(node, i, role) for i, role in enumerate(("scale", "bias", "mean", "variance"), start=1)
    )
    if not all(v.shape == (walk.view(node.inputs[0]).shape[1:2] or (0,)) for v in (gain, shift, mean, variance)):
        raise RefusedError("expected one scale, bias, mean and variance per channel", "check the exported model")
    if np.any(variance + node.real("epsilon", 1e-5) <= 0):
        raise RefusedError("expected variances above 0", "check the training and export again")
    scale = gain / np.sqrt(variance + node.real("epsilon", 1e-5))
    rank = len(walk.view(node.inputs[0]).shape)
    shape = (-1, *(1,) * max(0, rank - 2))
    walk.affine(node.inputs[0], node.outputs[0], scale.reshape(shape), (shift - mean * scale).reshape(shape))


def from_gemm(walk: Walk, node: OnnxNode) -> None:
    """Gemm with a constant B: alpha and transB go into the weight, beta into the bias."""
    weight, steps = walk.factors(node, 1, 0 if node.flag("transB", 0) else 1, "B")
    alpha, beta, target = node.real("alpha", 1.0), node.real("beta", 1.0), node.outputs[0]
    view = walk.view(node.inputs[0])
    view = View(view.value, view.order.T) if node.flag("transA", 0) else view
    _dense(walk, node, view, weight.T if node.flag("transB", 0) else weight, steps)
    if alpha != 1.0:
        walk.affine(target, target, np.full(1, alpha), np.zeros(1), "_alpha")
    if node.has(2) and beta != 1.0:
        walk.affine(target, target, np.ones(1), walk.weight(node, 2, "C") * beta, "_bias")
    elif node.has(2):
        add_bias(walk, node, target, 2, "_bias")


def add_bias(walk: Walk, node: OnnxNode, source: str, index: int, suffix: str = "") -> None:
    """The node's result: a layer's result, `source`, plus the constant at an input.

    One that differs per pixel is no bias of the layer: runtimes add it on its own.
    """
    real = walk.weight(node, index, "bias")
    kind, parts = walk.bias(walk.view(source).value, node.inputs[index], real)
    try:
        view, tensors = walk.fit(source, parts)
    except RefusedError:
        walk.affine(source, node.outputs[0], np.ones(1), real, suffix)
        return
    walk.put(node.outputs[0], walk.emit(kind(*tensors), [view.value], suffix), view.order)


def from_matmul(walk: Walk, node: OnnxNode) -> None:
    """MatMul with a constant: a product on the last axis, or, constant on the left, on the one before."""
    if walk.model.constant(node, 0) is not None:
        _from_left(walk, node)
        return
    weight, steps = walk.factors(node, 1, -1, "right operand")
    view = walk.view(node.inputs[0])
    if weight.ndim < MATRIX or not view.shape:
        raise RefusedError("expected a matrix on the right", "use a matrix of one column and a Squeeze")
    if weight.size != np.prod(weight.shape[-2:]):
        one_row = View(view.value, view.order.reshape(1, -1)) if len(view.shape) == 1 else view
        made = times_constants(walk, one_row, weight, steps)
        walk.put(node.outputs[0], made.value, made.order.squeeze(-2) if one_row is not view else made.order)
        return
    extra = (1,) * max(0, weight.ndim - len(view.shape))
    view = View(view.value, view.order.reshape(extra + view.shape))
    _dense(walk, node, view, weight.reshape(weight.shape[-2:]), steps)


def _from_left(walk: Walk, node: OnnxNode) -> None:
    """A @ x is a product on the axis of x before the last, which is streamed as channels."""
    weight, steps = walk.factors(node, 0, -2, "left operand")
    view = walk.view(node.inputs[1])
    if weight.ndim < MATRIX:
        raise RefusedError("expected a matrix on the left", "use a matrix of one row and a Squeeze")
    if weight.size != np.prod(weight.shape[-2:]):
        across = view.order.reshape(-1, 1) if len(view.shape) == 1 else view.order
        turned = View(view.value, across.swapaxes(-1, -2))
        made = times_constants(walk, turned, weight.swapaxes(-1, -2), steps)
        order = made.order.swapaxes(-1, -2)
        walk.put(node.outputs[0], made.value, order.squeeze(-1) if len(view.shape) == 1 else order)
        return
    extra = (1,) * max(0, weight.ndim - len(view.shape))
    view = View(view.value, view.order.reshape(extra + view.shape))
    _dense(walk, node, view, weight.reshape(weight.shape[-2:]).T, steps, before=min(1, len(view.shape) - 1))


def _dense(walk: Walk, node: OnnxNode, view: View, weight: Array, steps: Array, before: int = 0) -> None:
    """Emit the product on the axis that has `before` others behind it.

    A single vector is taken as it lies: the rows of the weight are permuted.
    """
    axis = len(view.shape) - 1 - before
    size = view.shape[axis]
    if weight.ndim != MATRIX or weight.shape[0] != size:
        dims = "x".join(map(str, weight.shape))
        raise RefusedError(f"expected a matrix of {size} rows, not {dims}", "check the exported model")
    if view.order.size > size:
        value = walk.streamed(view, axis)
    else:
        view = walk.flat(view)
        weight = weight[layout.inverse(view.order)]
        value = view.value
    value = walk.scaled(walk.emit(Dense(Tensor(weight)), [value]), steps)
    shape = (*view.shape[:axis], weight.shape[1], *view.shape[axis + 1 :])
    if node.op_type == "MatMul":
        shape = walk.model.shapes.get(node.outputs[0], shape)
    walk.put_standard(node.outputs[0], value, shape, max(0, len(shape) - 1 - before))


RULES: dict[str, Rule] = {
    "Conv": from_conv,
    "BatchNormalization": from_batch_norm,
    "Gemm": from_gemm,
    "MatMul": from_matmul,
}

ATTRIBUTES = {
    "Conv": "auto_pad dilations group kernel_shape pads strides",
    "BatchNormalization": "epsilon momentum spatial training_mode",
    "Gemm": "alpha beta transA transB",
}
"""The attributes that each rule reads, or may leave alone (momentum is of training); others have none."""
