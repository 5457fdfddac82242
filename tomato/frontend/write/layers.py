"""Layers with weights: Conv and Gemm, of integers behind a DequantizeLinear, or of reals."""

from typing import Any

import numpy as np

from tomato.core.formats import Array, Codes
from tomato.core.ir import Node
from tomato.frontend.write.codes import dequantised
from tomato.frontend.write.model import Writer
from tomato.frontend.write.windows import attributes_of
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.quantise import Bias, Dequantise
from tomato.ops.real import Affine
from tomato.ops.weighted import Weighted
from tomato.ops.window import Window

SATURATES = (1 << 15) - 1
"""Two products of uint8 and int8 are added in 16 bits by runtimes on processors without VNNI."""


def weighted(writer: Writer, node: Node, args: list[str]) -> str:
    """A layer: its weights dequantised where a scale stands behind integers, its bias dequantised or real."""
    op = node.op
    assert isinstance(op, Weighted)
    source = writer.makers.get(node.args[0])
    coded = source is not None and isinstance(source.op, Dequantise)
    scale = writer.next(node, Affine) if coded else None
    last = scale or node
    bias = writer.next(
        last, Bias if coded else Affine, lambda a: isinstance(a, Bias) or bool(np.all(a.scale.values == 1))
    )
    weight = _weights(writer, node, op, scale, source)
    inputs = [args[0], weight, *([_bias(writer, node, op, bias)] if bias else [])]
    writer.held[(bias or last).name] = found = _product(writer, node, op, inputs)
    return found


def _product(writer: Writer, node: Node, op: Weighted, inputs: list[str]) -> str:
    """A Conv, or a Gemm of vectors."""
    height, width, channels = writer.types[node.args[0]].shape
    if isinstance(op, Dense) and (height, width) == (1, 1):
        return _vectors(writer, node, inputs, channels)
    window = op.window if isinstance(op, Conv2d) else Window((1, 1))
    return writer.emit("Conv", inputs, node.name, group=op.groups, **attributes_of(window))


def _vectors(writer: Writer, node: Node, inputs: list[str], channels: int) -> str:
    """A Gemm, which takes vectors: codes in front of a Dequantise are reshaped, so that it stays next to them."""
    maker = writer.makers.get(node.args[0])
    shape = writer.constant(np.array([0, channels], np.int64), f"{node.name}_vector")
    if maker is not None and isinstance(maker.op, Dequantise):
        flat = writer.emit("Reshape", [writer.held[maker.args[0]], shape], f"{node.name}_codes")
        inputs[0] = dequantised(writer, flat, maker.op, f"{node.name}_input")
    else:
        inputs[0] = writer.emit("Reshape", [inputs[0], shape], f"{node.name}_input")
    made = writer.emit("Gemm", inputs, node.name)
    out = writer.constant(np.array([0, writer.types[node.name].channels, 1, 1], np.int64), f"{node.name}_shape")
    return writer.emit("Reshape", [made, out], f"{node.name}_picture")


def _weights(writer: Writer, node: Node, op: Weighted, scale: Node | None, source: Node | None) -> str:
    """The weights in ONNX's order, behind a DequantizeLinear where they are integers."""
    vector = isinstance(op, Dense) and writer.types[node.args[0]].shape[:2] == (1, 1)
    values = op.weight.values
    if not vector:
        values = values if isinstance(op, Conv2d) else values[None, None]
        values = values.transpose(3, 2, 0, 1)
    if scale is None:
        return writer.constant(values, f"{node.name}_weight")
    assert isinstance(scale.op, Affine)
    assert source is not None
    assert isinstance(source.op, Dequantise)
    kind, zero = _weight_type(values, source.op.kind)
    writer.wide |= kind is np.int16
    steps = np.broadcast_to(scale.op.scale.values, op.weight.shape[-1]).astype(np.float32)
    names = [
        writer.constant((np.rint(values).astype(np.int64) + zero).astype(kind), f"{node.name}_weight_codes"),
        writer.constant(steps, f"{node.name}_weight_scale"),
        writer.constant(np.full(steps.shape, zero, kind), f"{node.name}_weight_zero"),
    ]
    return writer.emit("DequantizeLinear", names, f"{node.name}_weight", axis=1 if vector else 0)


def _bias(writer: Writer, node: Node, op: Weighted, bias: Node) -> str:
    channels = op.weight.shape[-1]
    if isinstance(bias.op, Affine):
        return writer.constant(np.broadcast_to(bias.op.offset.values, channels), f"{node.name}_bias")
    assert isinstance(bias.op, Bias)
    assert bias.op.codes is not None
    assert bias.op.step is not None
    names = [
        writer.constant(np.broadcast_to(bias.op.codes.values, channels).astype(np.int32), f"{node.name}_bias_codes"),
        writer.constant(np.broadcast_to(bias.op.step.values, channels), f"{node.name}_bias_scale"),
    ]
    return writer.emit("DequantizeLinear", names, f"{node.name}_bias", axis=0)


def _weight_type(values: Array, given: Codes | None) -> tuple[Any, int]:
    """The type of integer weights, and their zero point: uint8 where products of int8 could saturate in a runtime."""
    most = int(np.abs(values).max(initial=0))
    if most > 127:
        return np.int16, 0
    if given is not None and given.bits <= 8 and not given.signed and 2 * most * given.hi > SATURATES:
        return np.uint8, 128
    return np.int8, 0
