"""Pooling and reductions over the pixels."""

from math import prod

import numpy as np

from tomato.core.formats import Array, Tensor
from tomato.core.ir import Op, Shape
from tomato.frontend import layout
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.walk import Rule, View, Walk
from tomato.frontend.windows import ceiled, window_of
from tomato.ops.move import Pad
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.real import Affine
from tomato.ops.window import Window


def from_max_pool(walk: Walk, node: OnnxNode) -> None:
    """MaxPool; ceil_mode is padding below and right."""
    value, rank, window = _window(walk, node)
    value = walk.emit(MaxPool(window), [value])
    walk.put_image(node.outputs[0], value, rank)


def from_average_pool(walk: Walk, node: OnnxNode) -> None:
    """AveragePool: an exact sum and a division, if every window divides by the same number."""
    value, rank, window = _window(walk, node)
    counts = _counts(node, window, walk.build.types[value].shape)
    if counts.min() != counts.max():
        raise RefusedError(
            f"expected the same divisor for every window, not {counts.min():g} to {counts.max():g}",
            "use count_include_pad=1 without ceil_mode, or a padding that no window reaches",
        )
    value = walk.emit(SumPool(window), [value], "_sum")
    walk.put_image(node.outputs[0], _scaled(walk, value, 1 / float(counts.flat[0])), rank)


def _window(walk: Walk, node: OnnxNode) -> tuple[str, int, Window]:
    kernel = node.integers("kernel_shape") or ()
    if len(kernel) not in (1, 2):
        raise RefusedError(f"expected a 1-D or 2-D pooling, not {len(kernel)}-D", "only those are supported")
    value = walk.image(node.inputs[0])
    shape = walk.build.types[value].shape
    window, early = window_of(node, kernel, shape)
    if early is not None:
        raise RefusedError("expected a padding smaller than the kernel", "reduce the padding")
    if node.flag("ceil_mode", 0) and node.text("auto_pad", "NOTSET") == "NOTSET":
        window = ceiled(window, shape)
    return value, len(kernel) + 2, window


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
    value = walk.image(node.inputs[0])
    pixels = walk.build.types[value].pixels
    value = walk.emit(_whole(walk, value, maximum=node.op_type == "GlobalMaxPool"), [value], "_all")
    if node.op_type == "GlobalAveragePool":
        value = _scaled(walk, value, 1 / pixels)
    walk.put_image(node.outputs[0], value, rank)


def _whole(walk: Walk, value: str, *, maximum: bool) -> Op:
    height, width, _ = walk.build.types[value].shape
    return MaxPool(Window((height, width))) if maximum else GlobalSum()


def from_reduce(walk: Walk, node: OnnxNode) -> None:
    """ReduceMean, ReduceSum, ReduceMax over every axis of the frame but one: those are the pixels."""
    view = walk.view(node.inputs[0])
    rank = len(view.shape)
    axes = walk.model.integers(node, 1, "axes")
    if not axes:
        axes = () if node.flag("noop_with_empty_axes", 0) else tuple(range(rank))
    reduced = {a % rank for a in axes} if rank else set()
    kept = [a for a in range(rank) if a not in reduced and view.shape[a] > 1]
    if len(kept) > 1 or not reduced:
        raise RefusedError(
            f"expected a reduction over all pixels, not over {sorted(reduced)} of {rank} axes",
            "reduce over height and width, keeping the channels",
        )
    value = walk.streamed(view if kept else View(view.value, view.order.reshape(1, 1, -1)), kept[0] if kept else 1)
    value = walk.emit(_whole(walk, value, maximum=node.op_type == "ReduceMax"), [value], "_all")
    if node.op_type == "ReduceMean":
        value = _scaled(walk, value, 1 / prod(view.shape[a] for a in reduced))
    shape = tuple(1 if a in reduced else size for a, size in enumerate(view.shape))
    order = layout.order(shape, kept[0]) if kept else np.zeros(shape, dtype=np.int64)
    if not node.flag("keepdims", 1):
        order = order.squeeze(tuple(reduced))
    walk.put(node.outputs[0], value, order)


RULES: dict[str, Rule] = {
    "MaxPool": from_max_pool,
    "AveragePool": from_average_pool,
    "GlobalAveragePool": from_global,
    "GlobalMaxPool": from_global,
    "ReduceMean": from_reduce,
    "ReduceSum": from_reduce,
    "ReduceMax": from_reduce,
}

_WINDOW = "auto_pad ceil_mode dilations kernel_shape pads strides"
_REDUCTION = "axes keepdims noop_with_empty_axes"
ATTRIBUTES = {
    "MaxPool": f"{_WINDOW} storage_order",
    "AveragePool": f"{_WINDOW} count_include_pad",
    "ReduceMean": _REDUCTION,
    "ReduceSum": _REDUCTION,
    "ReduceMax": _REDUCTION,
}
"""The attributes that each rule reads, or may leave alone (storage_order is of indices); others have none."""
