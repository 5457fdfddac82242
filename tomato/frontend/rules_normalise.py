"""Normalisations whose statistics are those of the frame: layer, root mean square, instance, group, and L2."""

from collections.abc import Iterable
from math import prod

import numpy as np

from tomato.core.formats import Array
from tomato.frontend.decomposed import Written
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.walk import Rule, View, Walk
from tomato.ops.normalise import Normalise

TINY = 1e-24
"""Added to mean squares where ONNX adds nothing, so that a vector of zeros is one behind it."""


def normalised(walk: Walk, view: View, axes: Iterable[int], epsilon: float, *, centred: bool = True) -> View:
    """A view normalised over some axes together."""
    streamed = together(walk, view, axes)
    return View(walk.emit(Normalise(epsilon, centred), [streamed.value]), streamed.order)


def together(walk: Walk, view: View, axes: Iterable[int]) -> View:
    """A view of which some axes together are streamed as channels."""
    over = sorted(axes)
    rest = [a for a in range(len(view.shape)) if a not in over]
    sizes = [view.shape[a] for a in rest]
    flat = View(view.value, view.order.transpose((*rest, *over)).reshape(1, *sizes, -1))
    value = walk.streamed(flat, len(sizes) + 1)
    order = np.arange(view.order.size).reshape(*sizes, *(view.shape[a] for a in over))
    return View(value, order.transpose(np.argsort((*rest, *over))))


def from_layer(walk: Walk, node: OnnxNode) -> None:
    """LayerNormalization and RMSNormalization: over an axis and all behind it, a factor for each place of these."""
    view = walk.view(node.inputs[0])
    rank = len(view.shape)
    axis = node.integer("axis", -1)
    if not -rank <= axis < rank:
        raise RefusedError(f"expected an axis of {rank}, not {axis}", "check the exported model")
    axis %= rank
    centred = node.op_type == "LayerNormalization"
    result = normalised(walk, view, range(axis, rank), node.real("epsilon", 1e-5), centred=centred)
    _line(walk, node, result, walk.weight(node, 1, "scale"), walk.weight(node, 2, "bias") if node.has(2) else None)


def from_instance(walk: Walk, node: OnnxNode) -> None:
    """InstanceNormalization: every channel over its pixels."""
    view = walk.view(node.inputs[0])
    rank = len(view.shape)
    if rank < 3:
        raise RefusedError("expected channels of pixels", "use LayerNormalization")
    result = normalised(walk, view, range(2, rank), node.real("epsilon", 1e-5))
    _line(
        walk, node, result, *(_of_channels(walk.weight(node, i, role), rank) for i, role in ((1, "scale"), (2, "bias")))
    )


def from_group(walk: Walk, node: OnnxNode) -> None:
    """GroupNormalization: groups of channels over their pixels."""
    view, groups = walk.view(node.inputs[0]), node.integer("num_groups", 1)
    rank = len(view.shape)
    if rank < 3 or groups < 1 or view.shape[1] % groups:
        raise RefusedError(f"expected channels of pixels, a multiple of {groups}", "check the exported model")
    parts = (view.shape[0], groups, view.shape[1] // groups, *view.shape[2:])
    result = normalised(
        walk, View(view.value, view.order.reshape(parts)), range(2, rank + 1), node.real("epsilon", 1e-5)
    )
    given = (_of_channels(walk.weight(node, i, role), rank) for i, role in ((1, "scale"), (2, "bias")))
    _line(walk, node, View(result.value, result.order.reshape(view.shape)), *given)


def from_written(walk: Walk, node: OnnxNode, whole: Written) -> None:
    """The last node of a normalisation that is written out in simple operators."""
    result = normalised(walk, walk.view(whole.x), whole.axes, whole.epsilon, centred=whole.centred)
    walk.put(node.outputs[0], result.value, result.order)


def from_lp(walk: Walk, node: OnnxNode) -> None:
    """LpNormalization with p = 2: a vector of length 1."""
    view = walk.view(node.inputs[0])
    if node.integer("p", 2) != 2:
        raise RefusedError("expected p = 2", "only the L2 norm is supported")
    axis = node.integer("axis", -1) % max(1, len(view.shape))
    result = normalised(walk, view, (axis,), TINY, centred=False)
    _line(walk, node, result, np.full(1, 1 / np.sqrt(view.shape[axis])), None)


def _of_channels(values: Array, rank: int) -> Array:
    return values.reshape(-1, *(1,) * (rank - 2))


def _line(walk: Walk, node: OnnxNode, result: View, scale: Array, bias: Array | None) -> None:
    """The node's result: the normalised value times a factor, plus an offset."""
    if prod(scale.shape) > result.order.size:
        raise RefusedError("expected a scale that is no larger than its input", "check the exported model")
    walk.put(node.outputs[0], result.value, result.order)
    walk.affine(node.outputs[0], node.outputs[0], scale, np.zeros(1) if bias is None else bias, "_line")


RULES: dict[str, Rule] = {
    "LayerNormalization": from_layer,
    "RMSNormalization": from_layer,
    "InstanceNormalization": from_instance,
    "GroupNormalization": from_group,
    "LpNormalization": from_lp,
}

ATTRIBUTES = {
    "LayerNormalization": "axis epsilon stash_type",
    "RMSNormalization": "axis epsilon stash_type",
    "InstanceNormalization": "epsilon",
    "GroupNormalization": "epsilon num_groups stash_type",
    "LpNormalization": "axis p",
}
"""The attributes that each rule reads, or may leave alone (the type of the runtime's own sums)."""
