"""Operators that ONNX says in several nodes, which the importer knows as one again."""

import numpy as np
from onnx import helper

from tomato.core.ir import Node
from tomato.frontend.write.model import Writer
from tomato.ops.keep_largest import KeepLargest
from tomato.ops.matmul import MatMul
from tomato.ops.normalise import Normalise
from tomato.ops.softmax import Softmax

CHANNELS = 1
"""Axis of the channels of a picture."""


def keep_largest(writer: Writer, node: Node, args: list[str]) -> str:
    """Channels scattered into zeros."""
    op = node.op
    assert isinstance(op, KeepLargest)
    count = writer.constant(np.array([op.keep], np.int64), f"{node.name}_keep")
    largest, index = writer.name(f"{node.name}_largest"), writer.name(f"{node.name}_index")
    writer.nodes.append(
        helper.make_node("TopK", [*args, count], [largest, index], name=writer.name(f"{node.name}_top"), axis=CHANNELS)
    )
    shape = writer.emit("Shape", args, f"{node.name}_shape")
    zeros = writer.emit("ConstantOfShape", [shape], f"{node.name}_zeros")
    return writer.emit("ScatterElements", [zeros, index, largest], node.name, axis=CHANNELS)


def normalise(writer: Writer, node: Node, args: list[str]) -> str:
    """In simple operators, which the importer knows as one, see decomposed.py: every operator set has them."""
    op = node.op
    assert isinstance(op, Normalise)
    x = args[0]
    if op.centred:
        x = writer.emit("Sub", [x, _mean(writer, x, f"{node.name}_mean")], f"{node.name}_rest")
    square = _mean(writer, writer.emit("Mul", [x, x], f"{node.name}_square"), f"{node.name}_variance")
    tiny = writer.constant(np.float32(op.epsilon), f"{node.name}_epsilon")
    root = writer.emit("Sqrt", [writer.emit("Add", [square, tiny], f"{node.name}_sum")], f"{node.name}_root")
    return writer.emit("Div", [x, root], node.name)


def _mean(writer: Writer, tensor: str, name: str) -> str:
    """The mean over the channels."""
    return writer.emit("ReduceMean", [tensor], name, axes=[CHANNELS])


def matmul(writer: Writer, node: Node, args: list[str]) -> str:
    """A product of stacks of matrices: pictures (groups x channels, pixels) are these, transposed."""
    op = node.op
    assert isinstance(op, MatMul)
    kinds = [writer.types[arg] for arg in node.args]
    stacks = []
    for tensor, kind, side, turned in zip(args, kinds, "ab", (True, not op.transposed), strict=True):
        apart = (op.groups, kind.channels // op.groups, kind.pixels)
        stack = writer.shaped(tensor, (*kind.shape[2:], *kind.shape[:2]), apart, f"{node.name}_{side}")
        stacks.append(_turned(writer, stack, f"{node.name}_{side}_rows") if turned else stack)
    made = _turned(writer, writer.emit("MatMul", stacks, node.name), f"{node.name}_columns")
    height, width, channels = node.type.shape
    apart = (op.groups, channels // op.groups, height * width)
    return writer.shaped(made, apart, (channels, height, width), f"{node.name}_together")


def _turned(writer: Writer, tensor: str, name: str) -> str:
    """A stack of matrices, each transposed."""
    return writer.emit("Transpose", [tensor], name, perm=[0, 1, 3, 2])


def softmax(writer: Writer, node: Node, args: list[str]) -> str:
    """In simple operators as well: a Softmax at the end of a network would be the host's."""
    op, x = node.op, args[0]
    assert isinstance(op, Softmax)
    height, width, channels = node.type.shape
    picture = (channels, height, width)
    runs = (op.groups, channels // op.groups, height, width) if op.groups > 1 else picture
    axis = len(runs) - 2
    x = writer.shaped(x, picture, runs, f"{node.name}_runs")
    most = writer.emit("ReduceMax", [x], f"{node.name}_most", axes=[axis])
    power = writer.emit("Exp", [writer.emit("Sub", [x, most], f"{node.name}_rest")], f"{node.name}_power")
    axes = writer.constant(np.array([axis], np.int64), f"{node.name}_axes")
    total = writer.emit("ReduceSum", [power, axes], f"{node.name}_sum")
    return writer.shaped(writer.emit("Div", [power, total], node.name), runs, picture, node.name)
