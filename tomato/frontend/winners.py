"""The k largest of an axis as they are, all others 0, which ONNX says in several nodes: which ones make it together.

    v, i = TopK(x); y = ScatterElements(zeros, i, v)
    v, i = TopK(x); y = x * ScatterElements(zeros, i, ones)
    v, i = TopK(x); y = x * Cast(x >= the last of v), or Where(x >= the last of v, x, 0)

The last of them keeps what equals the smallest that is kept, too. Here it is taken for the first: of equals the first
are kept, and always k, so that what follows from k is known before.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from tomato.frontend import reorder
from tomato.frontend.layout import Index
from tomato.frontend.model import Model, OnnxNode, RefusedError

PICKS = frozenset({*reorder.MAPS, "Gather", "ReduceMin", "Slice"})
"""What may stand between the values of a TopK and the last of them."""
AT_LEAST = {
    ("GreaterOrEqual", False): 1,
    ("LessOrEqual", False): -1,
    ("Less", True): 1,
    ("Greater", True): -1,
}
"""Comparisons, turned or not, by which a value is at least a limit: 1 if the value comes first, else -1."""


@dataclass(frozen=True, slots=True)
class Winners:
    """The `keep` largest of the value `x` along an axis, of which the nodes `inside` are parts."""

    x: str
    axis: int
    keep: int
    inside: frozenset[int]


def winners(model: Model, node: OnnxNode) -> Winners | None:
    """What a node is the end of, if it puts the largest of an axis back in their places."""
    if node.op_type == "ScatterElements":
        best = _scattered(model, node)
        return best[0] if best is not None and best[1] else None
    for value, mask, turned in _choices(model, node):
        if (found := _kept(model, value, mask, turned)) is not None:
            return found
    return None


def _choices(model: Model, node: OnnxNode) -> Iterator[tuple[str, str, bool]]:
    """Values that a node keeps where something holds, what, and whether where it does not; elsewhere it gives 0."""
    if node.op_type == "Mul" and len(node.inputs) == 2:
        yield node.inputs[0], node.inputs[1], False
        yield node.inputs[1], node.inputs[0], False
    elif node.op_type == "Where":
        for keeps, drops in ((1, 2), (2, 1)):
            if _all(model, node.inputs[drops], 0):
                yield node.inputs[keeps], node.inputs[0], keeps == 2


def _kept(model: Model, value: str, mask: str, turned: bool) -> Winners | None:
    """What is kept of a value, if that is what a mask says, or one that is `turned`."""
    maker, inside = model.sound_maker(mask), set[int]()
    while maker is not None and maker.op_type in ("Cast", "Identity", "Not"):
        inside.add(maker.index)
        turned ^= maker.op_type == "Not"
        maker = model.sound_maker(maker.inputs[0])
    if maker is None:
        return None
    inside.add(maker.index)
    best: Winners | None = None
    if maker.op_type == "ScatterElements" and not turned:
        found = _scattered(model, maker)
        best = None if found is None or found[1] else found[0]
    elif (maker.op_type, turned) in AT_LEAST:
        x, least = maker.inputs[:: AT_LEAST[maker.op_type, turned]]
        top = _last_of(model, least, inside)
        best = None if top is None or x != value else _largest(model, top)
    return None if best is None or best.x != value else replace(best, inside=best.inside | inside)


def _scattered(model: Model, node: OnnxNode) -> tuple[Winners, bool] | None:
    """The largest that a ScatterElements puts among zeros, and whether it puts themselves there, or ones."""
    if len(node.inputs) < 3 or not _all(model, node.inputs[0], 0) or node.attributes.get("reduction", "none") != "none":
        return None
    top = model.sound_maker(node.inputs[1])
    best = None if top is None else _largest(model, top)
    if top is None or best is None or top.outputs.index(node.inputs[1]) != 1:
        return None
    rank = len(model.shapes.get(best.x, ()))
    axis, itself = node.attributes.get("axis", 0), node.inputs[2] == top.outputs[0]
    if not isinstance(axis, int) or axis % rank != best.axis or not (itself or _all(model, node.inputs[2], 1)):
        return None
    return best, itself


def _largest(model: Model, node: OnnxNode) -> Winners | None:
    """What a TopK chooses."""
    rank = len(model.shapes.get(node.inputs[0], ()))
    if node.op_type != "TopK" or node.attributes.get("largest", 1) != 1 or not rank:
        return None
    keep = model.constants.get(node.inputs[1]) if node.has(1) else node.attributes.get("k")
    axis = node.attributes.get("axis", -1)
    if keep is None or np.size(np.asarray(keep)) != 1 or not isinstance(axis, int):
        return None
    return Winners(node.inputs[0], axis % rank, int(np.asarray(keep).reshape(-1)[0]), frozenset({node.index}))


def _last_of(model: Model, name: str, parts: set[int]) -> OnnxNode | None:
    """The TopK of whose values, in order, this is the last; `parts` gains the nodes on the way."""
    way: list[OnnxNode] = []
    node = model.sound_maker(name)
    while node is not None and node.op_type in PICKS:
        way.append(node)
        node = model.sound_maker(node.inputs[0])
    best = None if node is None else _largest(model, node)
    if node is None or best is None or not way or way[-1].inputs[0] != node.outputs[0]:
        return None
    if node.attributes.get("sorted", 1) != 1:
        return None
    shape = model.shapes[node.outputs[0]]
    every = np.arange(prod(shape)).reshape(shape)
    places, last = every, every.take([best.keep - 1], best.axis)
    for step in reversed(way):
        try:
            if step.op_type != "ReduceMin":
                places = _picked(model, step, places)
            elif np.array_equal(places, every) and model.kept_axes(step) == (best.axis,):
                places = last
            else:
                return None
        except (RefusedError, ValueError, IndexError):
            return None
    parts |= {step.index for step in way}
    return node if np.array_equal(places, last) else None


def _picked(model: Model, node: OnnxNode, places: Index) -> Index:
    """Where the elements lie behind a node that moves or drops some. RefusedError where that is not known before."""
    match node.op_type:
        case "Gather":
            index = model.constant(node, 1)
            if index is None:
                raise RefusedError("expected constant indices", "no gate")
            return np.asarray(places.take(index.astype(np.int64), node.integer("axis", 0)))
        case "Slice":
            begins, ends = model.integers(node, 1, "starts") or (), model.integers(node, 2, "ends") or ()
            axes = model.integers(node, 3, "axes") or tuple(range(len(begins)))
            steps = model.integers(node, 4, "steps") or (1,) * len(begins)
            cut = [slice(None)] * places.ndim
            for axis, begin, end, step in zip(axes, begins, ends, steps, strict=True):
                cut[axis] = slice(begin, end, step)
            return np.asarray(places[tuple(cut)])
    return reorder.moved(model, node, places)


def _all(model: Model, name: str, number: int) -> bool:
    """Whether a value is a constant of one number alone."""
    value = model.constants.get(name)
    return value is not None and value.size > 0 and value.dtype.kind in "fiub" and bool(np.all(value == number))
