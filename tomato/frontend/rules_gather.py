"""Gather of constant indices: of a range, of channels in any order, or of rows and columns in any order."""

import numpy as np

from tomato.frontend import layout
from tomato.frontend.layout import Index
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.rules_move import Cut, cut, cut_view
from tomato.frontend.walk import Rule, View, Walk
from tomato.ops.move import Concat

MOST_PARTS = 64
"""Slices that a Gather along pixels is made of: windows of 64 rows, or as many rows in any order."""


def from_gather(walk: Walk, node: OnnxNode) -> None:
    """Gather of constant indices."""
    if node.inputs[0] in walk.model.constants:
        raise RefusedError("a table of embeddings is not supported", "look it up on the host")
    view = walk.view(node.inputs[0])
    axis = node.integer("axis", 0) % len(view.shape)
    chosen = walk.model.constant(node, 1)
    if chosen is None:
        raise RefusedError("expected constant indices", "tables of embeddings are not supported")
    if not chosen.size or np.any(np.abs(chosen + 0.5) > view.shape[axis]):
        raise RefusedError(f"expected indices of {view.shape[axis]} elements", "check the exported model")
    result = take(walk, node.inputs[0], axis, (chosen.reshape(-1) % view.shape[axis]).astype(np.int64))
    shape = (*view.shape[:axis], *chosen.shape, *view.shape[axis + 1 :])
    walk.put(node.outputs[0], result.value, result.order.reshape(shape))


def take(walk: Walk, name: str, axis: int, picked: Index, suffix: str = "") -> View:
    """The elements `picked` of one axis, in that order.

    Evenly spaced ones are cut; another order of them moves nothing by itself: the host, a layer's weights or whatever
    reads them sees to it. Any others are picked channels, or parts side by side.
    """
    view = walk.view(name)
    ordered = np.unique(picked)
    if view.value in walk.unbound and ordered.size == picked.size and not np.array_equal(ordered, picked):
        rest = np.setdiff1d(np.arange(view.shape[axis]), picked)
        moved = View(view.value, view.order.take(np.concatenate([picked, rest]), axis=axis))
        return cut_view(walk, moved, {axis: Cut(0, picked.size)}, suffix)
    steps = np.diff(ordered)
    even = ordered.size == picked.size and (not steps.size or bool(np.all(steps == steps[0])))
    if even:
        step = int(steps[0]) if steps.size else 1
        part = cut(walk, name, {axis: Cut(int(ordered[0]), int(ordered[-1]) + 1, step)}, suffix)
        if np.array_equal(ordered, picked):
            return part
        return View(part.value, part.order.take((picked - ordered[0]) // step, axis=axis))
    if (again := walk.repeated(view.value, view.order.take(picked, axis=axis))) is not None:
        return again
    channel = min(1, len(view.shape) - 1)
    if axis != channel and view.value not in walk.unbound and view.order.size != view.shape[axis]:
        return _in_parts(walk, name, axis, picked, suffix)
    shape = (*view.shape[:axis], picked.size, *view.shape[axis + 1 :])
    value = walk.pick(walk.streamed(view, axis), picked)
    return View(value, layout.order(shape, axis))


def _in_parts(walk: Walk, name: str, axis: int, picked: Index, suffix: str) -> View:
    """Any elements of one axis: evenly spaced parts, as few of one length as there are, side by side as channels."""
    sizes = [n for n in range(picked.size, 0, -1) if picked.size % n == 0]
    for size in sizes:
        rows = picked.reshape(-1, size)
        steps = np.diff(rows)
        if size == 1 or (steps.min() == steps.max() > 0):
            break
    if len(rows) > MOST_PARTS:
        raise RefusedError(
            f"expected indices of axis {axis} in at most {MOST_PARTS} evenly spaced parts of one length",
            "choose among the channels instead",
        )
    parts = [take(walk, name, axis, row, f"{suffix}_{i}") for i, row in enumerate(rows)]
    first = parts[0]
    frame = walk.build.types[first.value].shape
    places = layout.inverse(first.order)
    values = [walk.arrange(part, frame, places) for part in parts]
    each, every = frame[2], frame[2] * len(parts)
    orders = [first.order // each * every + i * each + first.order % each for i in range(len(parts))]
    return View(walk.emit(Concat(), values, f"{suffix}_parts"), np.concatenate(orders, axis=axis))


RULES: dict[str, Rule] = {"Gather": from_gather}

ATTRIBUTES = {"Gather": "axis"}
"""The attributes that the rule reads."""
