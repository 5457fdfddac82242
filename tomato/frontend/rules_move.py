"""Concat, Pad, Slice, Split, Gather and the exchanges of pixels and channels."""

from dataclasses import dataclass

import numpy as np

from tomato.frontend import layout
from tomato.frontend.model import OnnxNode, RefusedError, one
from tomato.frontend.walk import Rule, View, Walk
from tomato.ops.move import Concat, DepthToSpace, Pad, Slice, SpaceToDepth

IMAGE = 4
"""Axes of an image: batch, channels, height, width."""


def from_concat(walk: Walk, node: OnnxNode) -> None:
    """Concat over any axis of the frame: that axis is streamed as the channels."""
    axis = node.integer("axis", 1)
    views = [walk.view(i) for i in node.inputs]
    axis = axis % len(views[0].shape)
    if all(v.order.size == v.shape[axis] for v in views):
        _concat_vectors(walk, node, axis)
        return
    values = [walk.streamed(walk.view(i), axis) for i in node.inputs]
    shape = list(views[0].shape)
    shape[axis] = sum(v.shape[axis] for v in views)
    value = walk.emit(Concat(), values) if len(values) > 1 else values[0]
    walk.put_standard(node.outputs[0], value, tuple(shape), axis)


def _concat_vectors(walk: Walk, node: OnnxNode, axis: int) -> None:
    """Vectors are joined as they lie; only the index map knows their order."""
    views = [walk.flat(walk.view(i)) for i in node.inputs]
    starts = np.cumsum([0, *(v.order.size for v in views[:-1])])
    order = np.concatenate([v.order + start for v, start in zip(views, starts, strict=True)], axis=axis)
    walk.put(node.outputs[0], walk.emit(Concat(), [v.value for v in views]), order)


@dataclass(frozen=True, slots=True)
class Cut:
    """The part [begin : end : step] of one axis."""

    begin: int
    end: int
    step: int = 1

    @property
    def size(self) -> int:
        """Number of elements."""
        return -(-(self.end - self.begin) // self.step)


def _grid(walk: Walk, view: View, touched: dict[int, int]) -> int:
    """The axis to stream as channels such that `touched` (axis -> step) are the height, the width or the channels.

    The layout in which the view already lies wins; else axis 1.
    """
    rank = len(view.shape)
    fits = []
    for channel in sorted(range(rank), key=lambda a: a != min(1, rank - 1)):
        tall, wide = layout.axes(rank, channel)
        long = [a for a in tall if view.shape[a] > 1 or a in touched]
        free = {channel, *wide, *(long if len(long) == 1 else ())}
        if set(touched) <= free and touched.get(channel, 1) == 1:
            fits.append(channel)
    if not fits:
        raise RefusedError(
            f"expected at most height, width and channels, not axes {sorted(touched)}", "use 4-D tensors"
        )
    as_is = [a for a in fits if np.array_equal(layout.order(view.shape, a), view.order)]
    return as_is[0] if as_is and view.value not in walk.unbound else fits[0]


def cut(walk: Walk, name: str, cuts: dict[int, Cut], suffix: str = "") -> View:
    """The part of a view; axes that are not named stay whole."""
    view = walk.view(name)
    cuts = {a: c for a, c in cuts.items() if c != Cut(0, view.shape[a])}
    if not cuts:
        return view
    if any(c.size < 1 for c in cuts.values()):
        raise RefusedError("expected at least one element", "check the exported model")
    channel = _grid(walk, view, {a: c.step for a, c in cuts.items()})
    value = walk.streamed(view, channel)
    tall, wide = layout.axes(len(view.shape), channel)
    whole = walk.build.types[value].shape
    rows = next((cuts[a] for a in tall if a in cuts), Cut(0, whole[0]))
    columns = next((cuts[a] for a in wide if a in cuts), Cut(0, whole[1]))
    channels = cuts.get(channel, Cut(0, whole[2]))
    op = Slice(
        (rows.begin, columns.begin, channels.begin),
        (rows.end, columns.end, channels.end),
        (rows.step, columns.step),
    )
    shape = tuple(cuts[a].size if a in cuts else size for a, size in enumerate(view.shape))
    return View(walk.emit(op, [value], suffix), layout.order(shape, channel))


def from_slice(walk: Walk, node: OnnxNode) -> None:
    """Slice with constant bounds and a positive step."""
    view = walk.view(node.inputs[0])
    starts, ends = walk.model.integers(node, 1, "starts"), walk.model.integers(node, 2, "ends")
    assert starts is not None
    assert ends is not None
    rank = len(view.shape)
    axes = walk.model.integers(node, 3, "axes") or tuple(range(len(starts)))
    steps = walk.model.integers(node, 4, "steps") or (1,) * len(starts)
    if any(s < 1 for s in steps):
        raise RefusedError("expected a positive step", "reversing is not supported")
    cuts = {}
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        begin, stop, _ = slice(start, end).indices(view.shape[axis % rank])
        cuts[axis % rank] = Cut(begin, stop, step)
    result = cut(walk, node.inputs[0], cuts)
    walk.put(node.outputs[0], result.value, result.order)


def from_split(walk: Walk, node: OnnxNode) -> None:
    """Split along one axis: a Slice per output."""
    view = walk.view(node.inputs[0])
    axis = node.integer("axis", 0) % len(view.shape)
    sizes = walk.model.integers(node, 1, "split")
    if sizes is None:
        each = -(-view.shape[axis] // len(node.outputs))
        sizes = tuple(min(each, view.shape[axis] - i * each) for i in range(len(node.outputs)))
    begin = 0
    for name, size in zip(node.outputs, sizes, strict=True):
        result = cut(walk, node.inputs[0], {axis: Cut(begin, begin + size)}, f"_{begin}")
        walk.put(name, result.value, result.order)
        begin += size


def from_gather(walk: Walk, node: OnnxNode) -> None:
    """Gather of one element or of evenly spaced ones."""
    view = walk.view(node.inputs[0])
    axis = node.integer("axis", 0) % len(view.shape)
    chosen = walk.model.constant(node, 1)
    if chosen is None:
        raise RefusedError("expected constant indices", "tables of embeddings are not supported")
    if not chosen.size or np.any(np.abs(chosen + 0.5) > view.shape[axis]):
        raise RefusedError(f"expected indices of {view.shape[axis]} elements", "check the exported model")
    picked = chosen.reshape(-1) % view.shape[axis]
    steps = np.diff(picked)
    if chosen.ndim > 1 or (steps.size and (steps[0] < 1 or np.any(steps != steps[0]))):
        raise RefusedError("expected evenly spaced, increasing indices", "reorder the channels in the layer before")
    step = int(steps[0]) if steps.size else 1
    part = Cut(int(picked[0]), int(picked[-1]) + 1, step)
    result = cut(walk, node.inputs[0], {axis: part})
    order = result.order.squeeze(axis) if chosen.ndim == 0 else result.order
    walk.put(node.outputs[0], result.value, order)


def from_pad(walk: Walk, node: OnnxNode) -> None:
    """Pad with a constant on height and width; negative amounts cut."""
    if (mode := node.text("mode", "constant")) != "constant":
        raise RefusedError(f"expected a constant border, not {mode!r}", "use constant padding in the network")
    view = walk.view(node.inputs[0])
    rank = len(view.shape)
    given = walk.model.integers(node, 1, "pads")
    assert given is not None
    axes = tuple(a % rank for a in walk.model.integers(node, 3, "axes") or range(rank))
    half = len(axes)
    if len(given) != 2 * half:
        raise RefusedError(f"expected two amounts for each of {half} axes, not {len(given)}", "export the model again")
    amounts = {a: (given[i], given[half + i]) for i, a in enumerate(axes) if given[i] or given[half + i]}
    value = one(walk.weight(node, 2, "border"), "border") if node.has(2) else node.real("value", 0.0)
    cuts = {a: Cut(max(0, -lo), view.shape[a] - max(0, -hi)) for a, (lo, hi) in amounts.items()}
    view = cut(walk, node.inputs[0], cuts, "_cut")
    grown = {a: (max(0, lo), max(0, hi)) for a, (lo, hi) in amounts.items() if max(lo, hi) > 0}
    result = _padded(walk, view, grown, value) if grown else view
    walk.put(node.outputs[0], result.value, result.order)


def _padded(walk: Walk, view: View, grown: dict[int, tuple[int, int]], border: float) -> View:
    """The view with a border on axes that are streamed as height and width."""
    channel = _grid(walk, view, dict.fromkeys(grown, 2))  # a step that keeps the axes away from the channels
    value = walk.streamed(view, channel)
    tall, wide = layout.axes(len(view.shape), channel)
    rows = next((grown[a] for a in tall if a in grown), (0, 0))
    columns = next((grown[a] for a in wide if a in grown), (0, 0))
    value = walk.emit(Pad((rows[0], columns[0], rows[1], columns[1]), border), [value])
    shape = tuple(size + sum(grown.get(a, (0, 0))) for a, size in enumerate(view.shape))
    return View(value, layout.order(shape, channel))


def from_depth_to_space(walk: Walk, node: OnnxNode) -> None:
    """DepthToSpace; mode CRD is DCR behind an exchange of channels."""
    block = node.integer("blocksize", 1)
    view = walk.view(node.inputs[0])
    if len(view.shape) != IMAGE or block < 1 or view.shape[1] % block**2:
        raise RefusedError(f"expected channels that {block} times {block} divides", "check the exported model")
    if node.choice("mode", ("DCR", "CRD")) == "CRD":
        split = view.order.reshape(1, -1, block * block, *view.shape[2:])
        view = View(view.value, split.swapaxes(1, 2).reshape(view.shape))
    value = walk.emit(DepthToSpace(block), [walk.streamed(view, 1)])
    walk.put_image(node.outputs[0], value, 4)


def from_space_to_depth(walk: Walk, node: OnnxNode) -> None:
    """SpaceToDepth; mode CRD is DCR in front of an exchange of channels."""
    block = node.integer("blocksize", 1)
    if block < 1:
        raise RefusedError(f"expected a block of 1 or more, not {block}", "check the exported model")
    value = walk.emit(SpaceToDepth(block), [walk.image(node.inputs[0])])
    walk.put_image(node.outputs[0], value, 4)
    if node.choice("mode", ("DCR", "CRD")) == "CRD":
        view = walk.view(node.outputs[0])
        split = view.order.reshape(1, block * block, -1, *view.shape[2:])
        walk.put(node.outputs[0], view.value, split.swapaxes(1, 2).reshape(view.shape))


RULES: dict[str, Rule] = {
    "Concat": from_concat,
    "Slice": from_slice,
    "Split": from_split,
    "Gather": from_gather,
    "Pad": from_pad,
    "DepthToSpace": from_depth_to_space,
    "SpaceToDepth": from_space_to_depth,
}

ATTRIBUTES = {
    "Concat": "axis",
    "Split": "axis split num_outputs",
    "Slice": "axes starts ends",
    "Gather": "axis",
    "Pad": "mode pads value",
    "DepthToSpace": "blocksize mode",
    "SpaceToDepth": "blocksize mode",
}
"""The attributes that each rule reads, or may leave alone; operators that are not named have none."""
