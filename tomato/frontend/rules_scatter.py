"""ScatterND of activations to constant places: what PyTorch writes for an assignment to a part of a tensor."""

from math import prod

import numpy as np

from tomato.core.formats import Array
from tomato.frontend.layout import Index
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.rules_arithmetic import join
from tomato.frontend.rules_move import surround
from tomato.frontend.walk import Rule, View, Walk
from tomato.ops.join import Add
from tomato.ops.move import Pad


def from_scatter_nd(walk: Walk, node: OnnxNode) -> None:
    """ScatterND: all of a value is replaced, which moves nothing, or a part between zeros is added to the rest."""
    shape = walk.model.shapes[node.inputs[0]]
    if node.text("reduction", "none") != "none" or (index := walk.model.constant(node, 1)) is None:
        raise RefusedError("expected constant places and no reduction", "add the values instead")
    target = _places(index, shape)
    updates = walk.model.constant(node, 2)
    if updates is None and walk.view(node.inputs[2]).shape != target.shape:
        raise RefusedError("expected as many values as places", "check the exported model")
    if updates is None and target.size == prod(shape):
        view = walk.settle(node.inputs[2])
        order = np.empty(target.size, np.int64)
        order[target.reshape(-1)] = view.order.reshape(-1)
        walk.put(node.outputs[0], view.value, order.reshape(shape))
        return
    kept = np.ones(prod(shape))
    kept[target.reshape(-1)] = 0.0
    if updates is not None:
        offset = np.zeros(prod(shape))
        offset[target.reshape(-1)] = walk.weight(node, 2, "updates").reshape(-1)
        walk.affine(node.inputs[0], node.outputs[0], kept.reshape(shape), offset.reshape(shape))
        return
    part = _bordered(walk, node, target, shape)
    if node.inputs[0] in walk.model.constants:
        rest = kept.reshape(shape) * walk.weight(node, 0, "data")
        walk.put(node.outputs[0], part.value, part.order)
        walk.affine(node.outputs[0], node.outputs[0], np.ones(1), rest, "_rest")
        return
    walk.affine(node.inputs[0], node.outputs[0], kept.reshape(shape), np.zeros(1), "_rest")
    made = join(walk, Add(), walk.view(node.outputs[0]), part)
    walk.put(node.outputs[0], made.value, made.order)


def _places(index: Array, shape: tuple[int, ...]) -> Index:
    """The flat place in a value of this shape of every update; RefusedError where two have one."""
    depth = index.shape[-1]
    each = prod(shape[depth:])
    wrapped = np.where(index < 0, index + np.array(shape[:depth]), index)
    if np.any(wrapped < 0) or np.any(wrapped >= np.array(shape[:depth])):
        raise RefusedError("expected places within the value", "check the exported model")
    first = np.ravel_multi_index(tuple(np.moveaxis(wrapped, -1, 0)), shape[:depth]) * each
    target = first.reshape(*index.shape[:-1], *(1 for _ in shape[depth:])) + np.arange(each).reshape(shape[depth:])
    if np.unique(target).size != target.size:
        raise RefusedError("expected every place once", "add the values instead")
    return np.asarray(target, dtype=np.int64)


def _bordered(walk: Walk, node: OnnxNode, target: Index, shape: tuple[int, ...]) -> View:
    """The updates, which are a range of every axis, with zeros around them."""
    found = np.unravel_index(np.sort(target.reshape(-1)), shape)
    ranges = [(int(axis.min()), int(axis.max()) + 1) for axis in found]
    sizes = tuple(end - begin for begin, end in ranges)
    if prod(sizes) != target.size:
        raise RefusedError("expected to replace a range of every axis", "join the parts by a Concat")
    view = walk.settle(node.inputs[2])
    order = view.order.reshape(-1)[np.argsort(target.reshape(-1), kind="stable")].reshape(sizes)
    part = View(view.value, order)
    for axis, (begin, end) in enumerate(ranges):
        if (begin, end) != (0, shape[axis]):
            part = surround(walk, part, {axis: (begin, shape[axis] - end)}, Pad)
    return part


RULES: dict[str, Rule] = {"ScatterND": from_scatter_nd}
JOIN_RULES: dict[str, Rule] = {"ScatterND": from_scatter_nd}

ATTRIBUTES = {"ScatterND": "reduction"}
"""The attributes that the rule reads."""
