"""Pooling and reductions."""

from collections.abc import Mapping
from dataclasses import replace
from math import prod

import numpy as np

from tomato.core.formats import Array, Tensor
from tomato.core.ir import Op, Shape
from tomato.frontend import layout
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.walk import Rule, View, Walk
from tomato.frontend.windows import ceiled, window_of
from tomato.ops.dense import Dense
from tomato.ops.move import Pad
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.real import Affine, Expression, Function
from tomato.ops.window import Window


def from_max_pool(walk: Walk, node: OnnxNode) -> None:
    """MaxPool; ceil_mode is padding below and right."""
    value, rank, count, window = _window(walk, node)
    value = walk.emit(MaxPool(window), [value])
    walk.put_image(node.outputs[0], value, rank, count)


def from_average_pool(walk: Walk, node: OnnxNode) -> None:
    """AveragePool: an exact sum, and a division by how many of the window's elements count, which may differ."""
    value, rank, count, window = _window(walk, node)
    counts = _counts(node, window, walk.build.types[value].shape)
    value = walk.emit(SumPool(window), [value], "_sum")
    if counts.min() == counts.max():
        value = _scaled(walk, value, 1 / float(counts.flat[0]))
    else:
        value = walk.frame_affine(value, 1 / counts[0], np.zeros(1))
    walk.put_image(node.outputs[0], value, rank, count)


def _window(walk: Walk, node: OnnxNode) -> tuple[str, int, int, Window]:
    """The images, the rank of their tensor, how many pictures they are, and what slides over them."""
    kernel = node.integers("kernel_shape") or ()
    if len(kernel) not in (1, 2):
        raise RefusedError(f"expected a 1-D or 2-D pooling, not {len(kernel)}-D", "only those are supported")
    value, count = walk.pictures(node.inputs[0])
    shape = walk.build.types[value].shape
    window, early = window_of(node, kernel, shape)
    if early is not None:
        raise RefusedError("expected a padding smaller than the kernel", "reduce the padding")
    if node.flag("ceil_mode", 0) and node.text("auto_pad", "NOTSET") == "NOTSET":
        window = ceiled(window, shape)
    return value, len(kernel) + 2, count, window


def _counts(node: OnnxNode, window: Window, shape: Shape) -> Array:
    """The divisor of every window: the taps that fall on the image, or also on the padding that was asked for."""
    ones = np.ones((1, *shape[:2], 1))
    if node.flag("count_include_pad", 0) and (given := node.integers("pads")):
        rank = len(given) // 2
        top, left = (0, given[0]) if rank == 1 else given[:2]
        bottom, right = (0, given[1]) if rank == 1 else given[2:]
        ones = Pad((top, left, bottom, right), 1.0).golden([ones])
        rest = tuple(a - b for a, b in zip(window.pads, (top, left, bottom, right), strict=True))
        window = Window(window.kernel, window.stride, window.dilation, (rest[0], rest[1], rest[2], rest[3]))
    elif node.flag("count_include_pad", 0):
        return np.asarray(float(window.taps))
    return SumPool(window).golden([ones])


def _scaled(walk: Walk, value: str, factor: float) -> str:
    return walk.emit(Affine(Tensor(np.array([factor])), Tensor(np.zeros(1))), [value])


def from_global(walk: Walk, node: OnnxNode) -> None:
    """GlobalAveragePool and GlobalMaxPool."""
    rank = len(walk.view(node.inputs[0]).shape)
    value, count = walk.pictures(node.inputs[0])
    pixels = walk.build.types[value].pixels
    value = walk.emit(_whole(walk, value, maximum=node.op_type == "GlobalMaxPool"), [value], "_all")
    if node.op_type == "GlobalAveragePool":
        value = _scaled(walk, value, 1 / pixels)
    walk.put_image(node.outputs[0], value, rank, count)


def _whole(walk: Walk, value: str, *, maximum: bool) -> Op:
    height, width, _ = walk.build.types[value].shape
    return MaxPool(Window((height, width))) if maximum else GlobalSum()


def from_reduce(walk: Walk, node: OnnxNode) -> None:
    """Sums, means and extremes over any axes of a frame; norms are sums of a function of the values."""
    view = walk.view(node.inputs[0])
    rank = len(view.shape)
    axes = walk.model.integers(node, 1, "axes")
    if not axes:
        axes = () if node.flag("noop_with_empty_axes", 0) else tuple(range(rank))
    reduced = frozenset(a % rank for a in axes) if rank else frozenset[int]()
    if not reduced:
        raise RefusedError("expected a reduction over at least one axis", "remove the node")
    before, behind = AROUND.get(node.op_type, ("x", "x"))
    if before != "x":
        view = walk.settle(node.inputs[0])
        view = replace(view, value=walk.emit(Function(before), [view.value], "_of"))
    result = _reduced(walk, view, reduced, maximum=node.op_type in ("ReduceMax", "ReduceMin"))
    value, order = result.value, result.order
    if node.op_type == "ReduceMean":
        value = _scaled(walk, value, 1 / prod(view.shape[a] for a in reduced))
    elif behind != "x":
        value = walk.emit(Function(behind), [value])
    if not node.flag("keepdims", 1):
        order = order.squeeze(tuple(reduced))
    walk.put(node.outputs[0], value, order)


def _reduced(walk: Walk, view: View, reduced: frozenset[int], *, maximum: bool) -> View:
    """The sum or the maximum over some axes, which keep a length of 1.

    They are streamed as height and width; a sum may run over the channels, as a layer of weights 1.
    """
    shape = tuple(1 if a in reduced else size for a, size in enumerate(view.shape))
    kept = [a for a, size in enumerate(shape) if size > 1]
    if not kept:
        value = walk.streamed(View(view.value, view.order.reshape(1, 1, -1)), 1)
        return View(walk.emit(_whole(walk, value, maximum=maximum), [value], "_all"), np.zeros(shape, dtype=np.int64))
    channel = _channel(walk, view)
    if not maximum and channel in reduced and all(view.shape[a] == 1 for a in reduced - {channel}):
        ones = Tensor(np.ones((view.shape[channel], 1)))
        return View(walk.emit(Dense(ones), [walk.streamed(view, channel)], "_all"), layout.order(shape, channel))
    if channel not in kept:
        channel = kept[-1]
    tall, wide = (tuple(a for a in part if view.shape[a] > 1) for part in layout.axes(len(shape), channel))
    whole = [reduced.issuperset(part) for part in (tall, wide)]
    if all(gone or reduced.isdisjoint(part) for gone, part in zip(whole, (tall, wide), strict=True)):
        value = walk.streamed(view, channel)
        height, width, _ = walk.build.types[value].shape
        value = walk.emit(
            _over(walk, value, height if whole[0] else 1, width if whole[1] else 1, maximum), [value], "_all"
        )
        return View(value, layout.order(shape, channel))
    rest = [a for a in range(len(shape)) if a not in reduced and a != channel]
    moved = view.order.transpose((*rest, *sorted(reduced), channel))
    size = (1, prod(shape[a] for a in rest), prod(view.shape[a] for a in reduced), shape[channel])
    value = walk.streamed(View(view.value, moved.reshape(size)), 3)
    value = walk.emit(_over(walk, value, 1, size[2], maximum), [value], "_all")
    order = np.arange(size[1] * size[3]).reshape(*(shape[a] for a in rest), *(1 for _ in reduced), shape[channel])
    return View(value, order.transpose(np.argsort((*rest, *sorted(reduced), channel))))


def _channel(walk: Walk, view: View) -> int | None:
    """The axis that a view is streamed with as channels; None where it lies in another way, or does not lie yet."""
    if view.value in walk.unbound:
        return None
    axes = range(len(view.shape))
    return next(
        (a for a in axes if view.shape[a] > 1 and np.array_equal(layout.order(view.shape, a), view.order)), None
    )


def _over(walk: Walk, value: str, height: int, width: int, maximum: bool) -> Op:
    """The operator that reduces windows of that size, one behind the other."""
    if (height, width) == walk.build.types[value].shape[:2]:
        return _whole(walk, value, maximum=maximum)
    window = Window((height, width), (height, width))
    return MaxPool(window) if maximum else SumPool(window)


AROUND: Mapping[str, tuple[Expression, Expression]] = {
    "ReduceMin": (("neg", "x"), ("neg", "x")),
    "ReduceL1": (("abs", "x"), "x"),
    "ReduceL2": (("mul", "x", "x"), ("sqrt", "x")),
    "ReduceSumSquare": (("mul", "x", "x"), "x"),
}
"""Reductions that are those of a function of the values: the function, and what follows."""


RULES: dict[str, Rule] = {
    "MaxPool": from_max_pool,
    "AveragePool": from_average_pool,
    "GlobalAveragePool": from_global,
    "GlobalMaxPool": from_global,
    "ReduceMean": from_reduce,
    "ReduceSum": from_reduce,
    "ReduceMax": from_reduce,
    "ReduceSumSquare": from_reduce,
    "ReduceL2": from_reduce,
    "ReduceL1": from_reduce,
    "ReduceMin": from_reduce,
}

_WINDOW = "auto_pad ceil_mode dilations kernel_shape pads strides"
_REDUCTION = "axes keepdims noop_with_empty_axes"
ATTRIBUTES = {
    "MaxPool": f"{_WINDOW} storage_order",
    "AveragePool": f"{_WINDOW} count_include_pad",
    "ReduceMean": _REDUCTION,
    "ReduceSum": _REDUCTION,
    "ReduceMax": _REDUCTION,
    "ReduceSumSquare": _REDUCTION,
    "ReduceL2": _REDUCTION,
    "ReduceL1": _REDUCTION,
    "ReduceMin": _REDUCTION,
}
"""The attributes that each rule reads, or may leave alone (storage_order is of indices); others have none."""
