"""Codes: QuantizeLinear, a Clip where they take less than their type, and DequantizeLinear."""

from typing import Any

import numpy as np

from tomato.core.formats import Codes
from tomato.core.ir import Node
from tomato.frontend.write.model import Writer
from tomato.ops.dense import Dense
from tomato.ops.quantise import Dequantise, Quantise


def quantise(writer: Writer, node: Node, args: list[str]) -> str:
    """A QuantizeLinear, and a Clip where codes take less than their type."""
    op = node.op
    assert isinstance(op, Quantise)
    assert op.kind is not None
    names = _parameters(writer, op, node.name)
    codes = writer.emit("QuantizeLinear", [*args, *names], node.name)
    if (op.lo, op.hi) == (op.kind.lo, op.kind.hi):
        return codes
    kind = integer(op.kind)
    ends = [writer.constant(np.array(end, kind), f"{node.name}_{name}")
            for name, end in (("least", op.lo), ("most", op.hi))]  # fmt: skip
    return writer.emit("Clip", [codes, *ends], f"{node.name}_clipped")


def dequantise(writer: Writer, node: Node, args: list[str]) -> str:
    """One for every reader, so that each has a group of its own."""
    assert isinstance(node.op, Dequantise)
    readers = writer.uses[node.name]
    vectors = readers and all(isinstance(r.op, Dense) and writer.types[node.name].shape[:2] == (1, 1) for r in readers)
    if vectors and node.name not in writer.graph.outputs:
        return args[0]  # dequantised behind the Reshape to vectors
    return dequantised(writer, args[0], node.op, node.name)


def dequantised(writer: Writer, codes: str, op: Dequantise, stem: str) -> str:
    """Codes behind a DequantizeLinear."""
    return writer.emit("DequantizeLinear", [codes, *_parameters(writer, op, stem)], stem)


def _parameters(writer: Writer, op: Quantise | Dequantise, stem: str) -> list[str]:
    assert op.kind is not None
    writer.wide |= op.kind.bits > 8
    zero = np.array(op.zero.values[0], integer(op.kind))
    return [writer.constant(np.float32(op.scale.values[0]), f"{stem}_scale"), writer.constant(zero, f"{stem}_zero")]


def numpy_type(writer: Writer, value: str) -> Any:
    """The type of a value's tensor: of codes that of the Quantise that they come from."""
    if not writer.types[value].is_codes:
        return np.float32
    node = writer.makers[value]
    while not isinstance(node.op, Quantise):
        node = writer.makers[node.args[0]]
    assert node.op.kind is not None
    return integer(node.op.kind)


def integer(kind: Codes) -> Any:
    """NumPy's type of codes."""
    return np.dtype(f"{'' if kind.signed else 'u'}int{8 if kind.bits <= 8 else 16}").type
