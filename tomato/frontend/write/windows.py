"""Pools, and the attributes of a window."""

from typing import Any

import numpy as np

from tomato.core.formats import Tensor
from tomato.core.ir import Node
from tomato.frontend.write.model import Writer
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.real import Affine
from tomato.ops.window import Window


def max_pool(writer: Writer, node: Node, args: list[str]) -> str:
    """The maximum of a window."""
    assert isinstance(node.op, MaxPool)
    return writer.emit("MaxPool", args, node.name, **attributes_of(node.op.window))


def sum_pool(writer: Writer, node: Node, args: list[str]) -> str:
    """An average, times what is left of the line behind it."""
    op = node.op
    assert isinstance(op, SumPool | GlobalSum)
    if isinstance(op, GlobalSum):
        count, made = writer.types[node.args[0]].pixels, writer.emit("GlobalAveragePool", args, node.name)
    else:
        count = op.window.taps
        window = attributes_of(op.window)
        if op.window.dilation == (1, 1):
            window.pop("dilations")
        else:  # which an average has in the wider operator set alone
            writer.wide = True
        made = writer.emit("AveragePool", args, node.name, count_include_pad=1, **window)
    line = writer.next(node, Affine)
    scale, offset = (line.op.scale.values, line.op.offset.values) if line and isinstance(line.op, Affine) else (
        np.ones(1), np.zeros(1))  # fmt: skip
    rest = scale * count
    if np.any(np.abs(rest - 1.0) > 1e-6):
        made = writer.emit("Mul", [made, writer.spread(Tensor(rest), f"{node.name}_factor")], f"{node.name}_scaled")
    if offset.any():
        made = writer.emit("Add", [made, writer.spread(Tensor(offset), f"{node.name}_term")], f"{node.name}_moved")
    if line:
        writer.held[line.name] = made
    return made


def attributes_of(window: Window) -> dict[str, Any]:
    """The attributes of a node that has a window."""
    return {
        "kernel_shape": window.kernel, "strides": window.stride, "dilations": window.dilation, "pads": window.pads,
    }  # fmt: skip
