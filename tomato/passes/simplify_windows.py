"""Replace windows that see one pixel, or all of them, by operators without a window."""

import numpy as np

from tomato.core.formats import Tensor
from tomato.core.ir import Builder, Graph, Node
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.move import Reshape, Slice
from tomato.ops.pool import GlobalSum, SumPool
from tomato.ops.real import Affine
from tomato.ops.window import Window
from tomato.passes.rewrite import ZERO, compact


def simplify_windows(graph: Graph) -> Graph:
    """Where there is no padding, say the same without a window.

    1. Conv2d 1x1 becomes Dense, behind a Slice if it strides;
    2. Conv2d 1x1 with one filter per channel becomes Affine, behind a Slice if it strides;
    3. Conv2d with a kernel as large as its input becomes Dense on the frame as a vector;
    4. SumPool over the whole input becomes GlobalSum.
    """

    def rewrite(node: Node, build: Builder) -> str | None:
        shape = build.types[node.args[0]].shape
        match node.op:
            case SumPool(window) if _sees_all(window, shape):
                return build.add(GlobalSum(), node.args, node.name, node.origin)
            case Conv2d(_, window) as op if window.kernel == (1, 1) and not any(window.pads):
                return _pointwise(node, op, build) if op.groups == 1 or op.depthwise else None
            case Conv2d(weight, window, groups) if groups == 1 and _sees_all(window, shape):
                size = int(np.prod(shape))
                vector = build.add(Reshape((1, 1, size)), node.args, f"{node.name}_vector", node.origin)
                dense = Dense(Tensor(weight.values.reshape(size, -1)))
                return build.add(dense, (vector,), node.name, node.origin)
        return None

    return graph.rebuild(rewrite)


def _sees_all(window: Window, shape: tuple[int, int, int]) -> bool:
    return window.kernel == shape[:2] and window.kernel == window.span and not any(window.pads)


def _pointwise(node: Node, op: Conv2d, build: Builder) -> str:
    args, stride = node.args, op.window.stride
    shape = build.types[args[0]].shape
    if stride != (1, 1) and shape[:2] != (1, 1):
        args = (build.add(Slice((0, 0, 0), shape, stride), args, f"{node.name}_slice", node.origin),)
    weight = op.weight.values[0, 0]
    if op.groups == 1:
        return build.add(Dense(Tensor(weight)), args, node.name, node.origin)
    if weight.shape[1] != shape[2]:
        return build.add(Conv2d(op.weight, Window((1, 1)), op.groups), args, node.name, node.origin)
    return build.add(Affine(compact(weight[0]), ZERO), args, node.name, node.origin)
