"""Steps on frames that were flattened for their constants take the frames as they are."""

from dataclasses import replace

import numpy as np

from tomato.core.formats import Tensor
from tomato.core.ir import Builder, Graph, Node, Op, Shape
from tomato.ops.frame_requant import FrameRequant
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Reshape
from tomato.ops.piecewise import Piecewise
from tomato.ops.requant import Requant
from tomato.ops.table import Table
from tomato.ops.threshold import Threshold
from tomato.passes.drop_identities import drop_identities
from tomato.passes.merge_lines import merge_lines
from tomato.passes.rewrite import defining


def unflatten(graph: Graph) -> Graph:
    """On codes: a step on a Reshape of whole pixels to one becomes a step on the pixels, and the Reshape comes behind.

    A constant that differs per pixel is one per channel of the frame as a vector, so that all that is known of
    channels holds for it. An engine would wait for that one pixel, though, and a join's queue hold it. Steps keep
    their names. Outputs keep their order and what they stream, but may have other shapes and names.
    """
    flat: dict[str, str] = {}

    def rewrite(node: Node, build: Builder) -> str | None:
        sources = [_source(build, arg) for arg in node.args]
        first = sources[0]
        if first is None or any(s is None or build.types[s].shape != build.types[first].shape for s in sources):
            return None
        op = _on_pixels(node.op, build.types[first].shape)
        if op is None:
            return None
        whole = build.add(op, [s for s in sources if s is not None], node.name, node.origin)
        vector = build.add(Reshape(node.type.shape), (whole,), f"{node.name}_flat", node.origin)
        flat[vector] = whole
        return vector

    result = graph.rebuild(rewrite)
    if not flat:
        return graph
    result = replace(result, outputs=tuple(flat.get(o, o) for o in result.outputs))
    return drop_identities(merge_lines(result))


def _source(build: Builder, arg: str) -> str | None:
    """The frame of several pixels that a value is a vector of."""
    node = defining(build, arg)
    if node is None or not isinstance(node.op, Reshape) or node.type.pixels > 1:
        return None
    return node.args[0] if build.types[node.args[0]].pixels > 1 else None


def _on_pixels(op: Op, shape: Shape) -> Op | None:
    """What a step on a vector is on frames of `shape`; None if it knows no such form."""
    match op:
        case Add() | Multiply() | Piecewise():
            return op
        case Requant():
            return _requant(op, shape)
        case Threshold(thresholds, lo):
            shared = _shared(thresholds, shape)
            return Threshold(shared, lo) if shared else None
        case Table(entries, lo):
            shared = entries if len(entries.values) == 1 else _shared(entries, shape)
            return Table(shared, lo) if shared else None
    return None


def _requant(op: Requant, shape: Shape) -> Requant | FrameRequant | None:
    mult, bias = (_shared(constant, shape) for constant in (op.mult, op.bias))
    nudges = op.nudges and _shared(op.nudges, shape)
    if mult and bias and (nudges or op.nudges is None):
        return replace(op, mult=mult, bias=bias, nudges=nudges)
    if op.nudges is not None:
        return None
    return FrameRequant(_compact(op.mult, shape), _compact(op.bias, shape), op.shift, op.lo, op.hi)


def _shared(constant: Tensor, shape: Shape) -> Tensor | None:
    """A constant per channel of the vector as one per channel of the frame, if all pixels share it."""
    values = constant.values.reshape(shape[0] * shape[1], shape[2], *constant.shape[1:])
    return Tensor(values[0]) if np.array_equal(values, np.broadcast_to(values[:1], values.shape)) else None


def _compact(constant: Tensor, shape: Shape) -> Tensor:
    """The same as one per place of the frame, with a length of 1 along the axes where it does not change."""
    frame = constant.values.reshape(shape)
    for axis in range(len(shape)):
        once = frame.take([0], axis=axis)
        if np.array_equal(frame, np.broadcast_to(once, frame.shape)):
            frame = once
    return Tensor(frame)
