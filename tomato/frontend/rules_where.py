"""Where with a constant condition, and masks of softmax."""

from typing import Final

import numpy as np

from tomato.core.formats import Array
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.rules_arithmetic import MASKED, join, masked
from tomato.frontend.walk import Rule, Walk
from tomato.ops.join import Add

WHEN, ELSE = 1, 2
NONE: Final = np.zeros(1)


def from_where(walk: Walk, node: OnnxNode) -> None:
    """What a constant condition chooses: an activation or a number at every place, or one of two activations."""
    condition = walk.model.constant(node, 0)
    if condition is None:
        raise RefusedError("expected a constant condition", "write it as a Clip, or as a Mul by 0 and 1")
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
