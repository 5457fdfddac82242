"""Softmax that the network computes with. At the end of a network it is the host's, see rules_host.py."""

from collections.abc import Sequence
from math import prod

import numpy as np

from tomato.frontend.decomposed import WrittenSoftmax
from tomato.frontend.layout import Index
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.rules_normalise import together
from tomato.frontend.walk import View, Walk
from tomato.ops.softmax import Softmax


def softmaxed(walk: Walk, view: View, axes: Sequence[int]) -> View:
    """The softmax of a view over some axes together.

    Where these are runs of channels of a pixel, such as the scores of a head of attention, they stay where they are.
    Elsewhere they are streamed as channels first.
    """
    if 0 in axes and view.shape[0] == 1 and len(axes) == 1:
        raise RefusedError("expected an axis within the frame, not the batch", "give the axis of the classes")
    size = prod(view.shape[a] for a in axes)
    if view.value not in walk.unbound:
        shape = walk.build.types[view.value].shape
        lines = np.moveaxis(view.order, axes, range(-len(axes), 0)).reshape(-1, size)
        if view.order.size == prod(shape) and shape[2] % size == 0 and _are_runs(lines):
            return View(walk.emit(Softmax(shape[2] // size), [view.value]), view.order)
    streamed = together(walk, view, axes)
    return View(walk.emit(Softmax(), [streamed.value]), streamed.order)


def _are_runs(lines: Index) -> bool:
    """Whether every row of places (rows, size) is all of a run that starts at a multiple of its size, in any order."""
    first, size = lines.min(axis=1), lines.shape[1]
    return not np.any(first % size) and bool(np.all(lines.max(axis=1) - first == size - 1))


def from_softmax(walk: Walk, node: OnnxNode, axes: Sequence[int]) -> None:
    """Softmax over these axes."""
    result = softmaxed(walk, walk.settle(node.inputs[0]), axes)
    walk.put(node.outputs[0], result.value, result.order)


def from_written(walk: Walk, node: OnnxNode, whole: WrittenSoftmax) -> None:
    """The last node of a softmax that is written out in simple operators."""
    result = softmaxed(walk, walk.view(whole.x), whole.axes)
    walk.put(node.outputs[0], result.value, result.order)
