"""Fold explicit padding into the windows that read it."""

from dataclasses import replace

from tomato.core.ir import Builder, Graph, Node
from tomato.ops.conv2d import Conv2d
from tomato.ops.move import Pad
from tomato.ops.pool import MaxPool, SumPool
from tomato.ops.real import Clip
from tomato.ops.window import Window
from tomato.passes.groups import join_origins
from tomato.passes.rewrite import defining


def fold_pads(graph: Graph) -> Graph:
    """Pad, then a window: the window's own padding, where exact and smaller than the kernel.

    1. Conv2d and SumPool, if the border is an integer and equals what they pad with themselves.
    2. MaxPool without dilation, if no value is below the border: it reads a Clip with that lower limit.
    """

    def rewrite(node: Node, build: Builder) -> str | None:
        pad = defining(build, node.args[0])
        if pad is None or not isinstance(pad.op, Pad) or not isinstance(node.op, Conv2d | SumPool | MaxPool):
            return None
        if not _exact(pad, pad.op, node.op, build):
            return None
        before, after = pad.op.pads, node.op.window.pads
        top, left, bottom, right = (a + b for a, b in zip(before, after, strict=True))
        window = replace(node.op.window, pads=(top, left, bottom, right))
        if not _fits(window, build.types[pad.args[0]].shape):
            return None
        op = replace(node.op, window=window)
        if isinstance(op, Conv2d | SumPool):
            op = replace(op, pad_value=int(pad.op.value))
        return build.add(op, pad.args, node.name, join_origins(pad, node))

    return graph.rebuild(rewrite).prune()


def _exact(pad: Node, border: Pad, op: Conv2d | SumPool | MaxPool, build: Builder) -> bool:
    if not isinstance(op, MaxPool):
        same = not any(op.window.pads) or op.pad_value == border.value
        return same and float(border.value).is_integer()
    source = defining(build, pad.args[0])
    floor = source.op.lo if source and isinstance(source.op, Clip) else None
    return op.window.dilation == (1, 1) and (
        border.value == float("-inf") or (floor is not None and border.value <= floor)
    )


def _fits(window: Window, shape: tuple[int, int, int]) -> bool:
    try:
        window.output(shape)
    except ValueError:
        return False
    return True
