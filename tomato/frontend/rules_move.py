"""Concat, Slice, Split and the exchanges of pixels and channels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tomato.core.ir import Op
from tomato.frontend import layout
from tomato.frontend.coded import joined
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.walk import Rule, View, Walk
from tomato.ops.move import Concat, DepthToSpace, Pad, Slice, SpaceToDepth

IMAGE = 4
"""Axes of an image: batch, channels, height, width."""
Sides = tuple[int, int, int, int]
"""Pixels of a border: top, left, bottom, right."""


def from_concat(walk: Walk, node: OnnxNode) -> None:
    """Concat over any axis of the frame: that axis is streamed as the channels. Constants may be among the inputs."""
    axis = node.integer("axis", 1)
    given = [None if walk.model.constant(node, i) is not None else walk.view(n) for i, n in enumerate(node.inputs)]
    known = [v for v in given if v is not None]
    if not known:
        walk.define(node.outputs[0], joined([walk.coded_as(n) for n in node.inputs], axis))
        return
    axis = axis % len(known[0].shape)
    if all(v.order.size == v.shape[axis] for v in known):
        flat = [None if v is None else walk.flat(walk.view(n)) for n, v in zip(node.inputs, given, strict=True)]
        _concat_vectors(walk, node, axis, flat)
        return
    if len(known) == 1 and known[0].value not in walk.unbound and _between_pixels(walk, node, axis, known[0]):
        return
    streams = [
        None if v is None else walk.streamed(walk.view(n), axis) for n, v in zip(node.inputs, given, strict=True)
    ]
    other = next(s for s in streams if s is not None)
    values = [s or _constant(walk, node, i, axis, other) for i, s in enumerate(streams)]
    shape = list(known[0].shape)
    shape[axis] = sum(walk.build.types[v].channels for v in values)
    value = walk.emit(Concat(), values) if len(values) > 1 else values[0]
    walk.put_standard(node.outputs[0], value, tuple(shape), axis)


def _between_pixels(walk: Walk, node: OnnxNode, axis: int, view: View) -> bool:
    """A Concat of one activation and constants along rows or columns: a border, and the constants added to it."""
    if np.array_equal(layout.order(view.shape, axis), view.order):
        return False
    at = next(i for i, _ in enumerate(node.inputs) if walk.model.constant(node, i) is None)
    parts = [np.zeros(view.shape) if i == at else walk.weight(node, i, "constant") for i in range(len(node.inputs))]
    before, after = (sum(p.shape[axis] for p in side) for side in (parts[:at], parts[at + 1 :]))
    padded = surround(walk, walk.view(node.inputs[at]), {axis: (before, after)}, Pad)
    walk.put(node.outputs[0], padded.value, padded.order)
    walk.affine(node.outputs[0], node.outputs[0], np.ones(1), np.concatenate(parts, axis=axis), "_constants")
    return True


def _concat_vectors(walk: Walk, node: OnnxNode, axis: int, given: Sequence[View | None]) -> None:
    """Vectors are joined as they lie; only the index map knows their order."""
    other = next(v for v in given if v is not None)
    views = [v or _constant_vector(walk, node, i, axis, other) for i, v in enumerate(given)]
    starts = np.cumsum([0, *(v.order.size for v in views[:-1])])
    order = np.concatenate([v.order + start for v, start in zip(views, starts, strict=True)], axis=axis)
    walk.put(node.outputs[0], walk.emit(Concat(), [v.value for v in views]), order)


def _constant_vector(walk: Walk, node: OnnxNode, index: int, axis: int, other: View) -> View:
    value = _constant(walk, node, index, axis, other.value)
    shape = tuple(walk.build.types[value].channels if a == axis else 1 for a in range(len(other.shape)))
    return View(value, np.arange(walk.build.types[value].channels).reshape(shape))


def _constant(walk: Walk, node: OnnxNode, index: int, axis: int, other: str) -> str:
    """A graph value that is constant: channels of another one times 0, plus the constant at an input."""
    value = np.moveaxis(walk.weight(node, index, "constant"), axis, -1)
    value = value.reshape(-1, value.shape[-1])
    kind = walk.build.types[other]
    if kind.is_codes:
        raise RefusedError(
            f"expected no constant codes, such as {node.inputs[index]!r}", "dequantise in front of the Concat"
        )
    taken = np.arange(value.shape[1]) % kind.channels
    return walk.frame_affine(
        walk.pick(other, taken), np.zeros(1), value.reshape(*kind.shape[:2], value.shape[1]), "_constant"
    )


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


def grid(walk: Walk, view: View, touched: dict[int, int]) -> int:
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
    if view.value in walk.unbound:
        return fits[0]
    lies = walk.build.types[view.value].shape
    as_is = [a for a in fits if np.array_equal(layout.order(view.shape, a), view.order)]
    return min(as_is or fits[:1], key=lambda a: (layout.standard(view.shape, a)[0] != lies, view.shape[a] == 1))


def cut(walk: Walk, name: str, cuts: dict[int, Cut], suffix: str = "") -> View:
    """The part of a value; axes that are not named stay whole."""
    return cut_view(walk, walk.view(name), cuts, suffix)


def cut_view(walk: Walk, view: View, cuts: dict[int, Cut], suffix: str = "") -> View:
    """The same of a view."""
    cuts = {a: c for a, c in cuts.items() if c != Cut(0, view.shape[a])}
    if not cuts:
        return view
    if any(c.size < 1 for c in cuts.values()):
        raise RefusedError("expected at least one element", "check the exported model")
    if view.value not in walk.unbound and (part := _part(walk, view, cuts, suffix)) is not None:
        return part
    channel = grid(walk, view, {a: c.step for a, c in cuts.items()})
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


def _part(walk: Walk, view: View, cuts: dict[int, Cut], suffix: str) -> View | None:
    """The part, if it is rows, columns and channels of the stream as it lies, such as one of several heads."""
    chosen = view.order[tuple(slice(c.begin, c.end, c.step) if (c := cuts.get(a)) else slice(None)
                              for a in range(len(view.shape)))]  # fmt: skip
    found = layout.box(chosen, walk.build.types[view.value].shape)
    if found is None:
        return None
    (rows, columns, channels), order = found
    begin, end, step = zip(*((r.start, r.stop, r.step) for r in (rows, columns, channels)), strict=True)
    return View(walk.emit(Slice(begin, end, step[:2]), [view.value], suffix), order)


def from_slice(walk: Walk, node: OnnxNode) -> None:
    """Slice with constant bounds; a negative step reverses."""
    view = walk.view(node.inputs[0])
    starts, ends = walk.model.integers(node, 1, "starts"), walk.model.integers(node, 2, "ends")
    assert starts is not None
    assert ends is not None
    rank = len(view.shape)
    axes = walk.model.integers(node, 3, "axes") or tuple(range(len(starts)))
    steps = walk.model.integers(node, 4, "steps") or (1,) * len(starts)
    if 0 in steps:
        raise RefusedError("expected steps other than 0", "check the exported model")
    cuts: dict[int, Cut] = {}
    turned: tuple[int, ...] = ()
    for axis, start, end, step in zip((a % rank for a in axes), starts, ends, steps, strict=True):
        chosen = range(view.shape[axis])[start:end:step]
        if step < 0 < len(chosen):
            chosen, turned = chosen[::-1], (*turned, axis)
        cuts[axis] = Cut(chosen[0], chosen[-1] + 1, abs(step)) if chosen else Cut(0, 0)
    if view.value in walk.unbound and turned:  # the host turns, then there is nothing left to turn
        view = View(view.value, np.flip(view.order, axis=turned))
        cuts |= {a: Cut(view.shape[a] - cuts[a].end, view.shape[a] - cuts[a].begin, cuts[a].step) for a in turned}
        turned = ()
    result = cut_view(walk, view, cuts)
    walk.put(node.outputs[0], result.value, np.flip(result.order, axis=turned) if turned else result.order)


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


def surround(walk: Walk, view: View, grown: dict[int, tuple[int, int]], border: Callable[[Sides], Op]) -> View:
    """The view with a border on axes that are streamed as height and width; `border` makes it of its sides."""
    channel = grid(walk, view, dict.fromkeys(grown, 2))  # a step that keeps the axes away from the channels
    value = walk.streamed(view, channel)
    tall, wide = layout.axes(len(view.shape), channel)
    rows = next((grown[a] for a in tall if a in grown), (0, 0))
    columns = next((grown[a] for a in wide if a in grown), (0, 0))
    value = walk.emit(border((rows[0], columns[0], rows[1], columns[1])), [value])
    shape = tuple(size + sum(grown.get(a, (0, 0))) for a, size in enumerate(view.shape))
    return View(value, layout.order(shape, channel))


def from_tile(walk: Walk, node: OnnxNode) -> None:
    """Tile: every pixel repeats its own channels, which stand for the repeated pixels, too."""
    view, repeats = walk.settle(node.inputs[0]), walk.model.integers(node, 1, "repeats")
    if repeats is None or len(repeats) != len(view.shape) or min(repeats) < 1:
        raise RefusedError("expected constant repeats of 1 or more, one per axis", "check the exported model")
    tiled = np.tile(view.order, repeats)
    again = view if tiled.size == view.order.size else walk.repeated(view.value, tiled)
    assert again is not None, "every pixel repeats alike"
    walk.put(node.outputs[0], again.value, again.order)


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
    "Tile": from_tile,
    "Concat": from_concat,
    "Slice": from_slice,
    "Split": from_split,
    "DepthToSpace": from_depth_to_space,
    "SpaceToDepth": from_space_to_depth,
}

ATTRIBUTES = {
    "Concat": "axis",
    "Split": "axis split num_outputs",
    "Slice": "axes starts ends",
    "DepthToSpace": "blocksize mode",
    "SpaceToDepth": "blocksize mode",
}
"""The attributes that each rule reads, or may leave alone; operators that are not named have none."""
