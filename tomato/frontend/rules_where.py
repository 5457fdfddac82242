"""Where: of a constant condition, which masks of softmax are, or of one that depends on the data."""

from typing import Final

import numpy as np

from tomato.core.formats import Array, Tensor
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.rules_arithmetic import MASKED, expand, join, masked
from tomato.frontend.rules_conditions import number
from tomato.frontend.walk import Rule, Walk
from tomato.ops.join import Add
from tomato.ops.real import Function
from tomato.ops.select import Select

WHEN, ELSE = 1, 2
NONE: Final = np.zeros(1)


def from_where(walk: Walk, node: OnnxNode) -> None:
    """What a condition chooses: an activation or a number at every place, or one of two activations."""
    condition = walk.model.constant(node, 0)
    if condition is None:
        _by_data(walk, node)
        return
    chosen = condition.astype(np.float64)
    parts = [_part(walk, node, side, chosen if side == WHEN else 1.0 - chosen) for side in (WHEN, ELSE)]
    target = node.outputs[0]
    if isinstance(parts[0], str) and isinstance(parts[1], str):
        total = join(walk, Add(), walk.settle(parts[0]), walk.view(parts[1]))
        walk.put(target, total.value, total.order)
        return
    ((value, share),) = [(p, s) for p, s in zip(parts, (chosen, 1.0 - chosen), strict=True) if isinstance(p, str)]
    (offset,) = [p for p in parts if not isinstance(p, str)]
    walk.affine(value, target, share, offset)


def _by_data(walk: Walk, node: OnnxNode) -> None:
    """A choice at every place; a constant is one that depends on the condition alone."""
    target = node.outputs[0]
    constants = [walk.model.constant(node, side) for side in (WHEN, ELSE)]
    shapes = [walk.view(i).shape for i in node.inputs if i not in walk.model.constants]
    try:
        shape = np.broadcast_shapes(*shapes, *(c.shape for c in constants if c is not None))
    except ValueError as reason:
        raise RefusedError("expected inputs of shapes that broadcast", "check the exported model") from reason
    held = [None if c is None else _kept(walk, node, side) for side, c in zip((WHEN, ELSE), constants, strict=True)]
    names = []
    for i, name in enumerate(node.inputs):
        if name not in walk.model.constants:
            view = expand(walk, walk.settle(name), shape)
            names.append(f"{target} input {i}")
            walk.put(names[-1], view.value, view.order)
    if held[0] is not None and held[1] is not None:
        walk.step(names[0], target, [held[0], held[1]], lambda k, m: Function(("where", "x", number(k), number(m))))
        return
    for side, constant in zip((WHEN, ELSE), held, strict=True):
        if constant is not None:
            names.insert(side, f"{target} part {side}")
            walk.step(names[1 if side == ELSE else -1], names[side], [constant], _always, f"_{side}")
    made = join(walk, Select(), *(walk.view(name) for name in names))
    walk.put(target, made.value, made.order)


def _kept(walk: Walk, node: OnnxNode, side: int) -> Array:
    """A constant to choose; one that keeps values out of a softmax is no lower than it has to be."""
    constant = walk.model.constants[node.inputs[side]]
    return walk.finite(node.inputs[side], np.maximum(constant, MASKED) if masked(walk, node.outputs[0]) else constant)


def _always(constant: Tensor) -> Function:
    """A constant, as a function of the value that is chosen elsewhere: it comes when that does."""
    return Function(("where", "x", number(constant), number(constant)))


def _part(walk: Walk, node: OnnxNode, side: int, share: Array) -> str | Array:
    """The name of an activation; of a constant what it gives where it is chosen, and 0 elsewhere."""
    constant = walk.model.constant(node, side)
    if constant is not None:
        held = np.where(share != 0.0, constant.astype(np.float64), 0.0)
        held = np.maximum(held, MASKED) if masked(walk, node.outputs[0]) else held
        return walk.finite(node.inputs[side], held)
    other = walk.model.constant(node, WHEN + ELSE - side)
    if other is not None:
        return node.inputs[side]
    part = f"{node.outputs[0]} part {side}"
    walk.affine(node.inputs[side], part, share, NONE, f"_{side}")
    return part


RULES: dict[str, Rule] = {"Where": from_where}
JOIN_RULES: dict[str, Rule] = {"Where": from_where}
