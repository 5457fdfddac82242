"""Functions place by place."""

import numpy as np
import onnx

from tomato.core.errors import TomatoError
from tomato.core.formats import Tensor
from tomato.core.ir import Node
from tomato.frontend.rules_unary import NEGATIVE, POSITIVE
from tomato.frontend.write.model import Writer
from tomato.ops.real import Affine, Clip, Expression, Function, per_channel

UNARY = {
    "neg": "Neg", "abs": "Abs", "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "tanh": "Tanh", "sigmoid": "Sigmoid",
    "softplus": "Softplus", "erf": "Erf", "sign": "Sign", "floor": "Floor", "ceil": "Ceil", "round": "Round",
    "sin": "Sin", "cos": "Cos", "tan": "Tan", "asin": "Asin", "acos": "Acos", "atan": "Atan", "sinh": "Sinh",
    "cosh": "Cosh", "asinh": "Asinh", "acosh": "Acosh", "atanh": "Atanh",
}  # fmt: skip
TRUTHS = {"gt": "Greater", "ge": "GreaterOrEqual", "eq": "Equal"}
"""Whose results are truths, which a Cast makes numbers of again."""
OTHERS = {
    "add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "min": "Min", "max": "Max", "pow": "Pow", "where": "Where",
    **TRUTHS,
}  # fmt: skip
"""Functions of several values."""


def formless(op: Function) -> str | None:
    """Why a function has no form in a file; None if it has one."""
    match op.expression:
        case ("add", first, ("mul", Tensor(), second)) if (first, second) == (POSITIVE, NEGATIVE):
            return None
        case ("pow", "x", Tensor()):
            return None
        case expression if per_channel(expression):
            return "a function that differs from channel to channel has no form in a file"
    return None


def affine(writer: Writer, node: Node, args: list[str]) -> str:
    """A Mul, an Add, or both."""
    op, value = node.op, args[0]
    assert isinstance(op, Affine)
    if np.any(op.scale.values != 1):
        value = writer.emit("Mul", [value, writer.spread(op.scale, f"{node.name}_factor")], f"{node.name}_scaled")
    if op.offset.values.any():
        value = writer.emit("Add", [value, writer.spread(op.offset, f"{node.name}_term")], node.name)
    return value


def clip(writer: Writer, node: Node, args: list[str]) -> str:
    """A Relu or a Clip."""
    op = node.op
    assert isinstance(op, Clip)
    if (op.lo, op.hi) == (0.0, np.inf):
        return writer.emit("Relu", args, node.name)
    ends = [writer.constant(np.float32(end), f"{node.name}_{name}") if np.isfinite(end) else ""
            for name, end in (("least", op.lo), ("most", op.hi))]  # fmt: skip
    return writer.emit("Clip", [*args, *ends], node.name)


def function(writer: Writer, node: Node, args: list[str]) -> str:
    """A function of one value: a PRelu, or the nodes of its expression."""
    assert isinstance(node.op, Function)
    expression = node.op.expression
    match expression:
        case ("add", first, ("mul", Tensor() as slope, second)) if (first, second) == (POSITIVE, NEGATIVE):
            return writer.emit("PRelu", [*args, writer.spread(slope, f"{node.name}_slope")], node.name)
    if reason := formless(node.op):
        raise TomatoError(reason, where=node.label)
    return _expression(writer, node, expression, args[0])


def _expression(writer: Writer, node: Node, expression: Expression, x: str) -> str:
    match expression:
        case "x":
            return x
        case Tensor():
            return writer.spread(expression, f"{node.name}_constant")
        case tuple():
            name, *operands = expression
            return called(writer, node, str(name), [_expression(writer, node, o, x) for o in operands])
    return writer.constant(np.float32(expression), f"{node.name}_number")


def called(writer: Writer, node: Node, name: str, operands: list[str]) -> str:
    """A function of values that are there: conditions are truths in ONNX, and numbers here."""
    kind, wish = UNARY.get(name) or OTHERS.get(name), f"{node.name}_{name}"
    if kind is None:
        raise TomatoError(f"the function {name} has no form in a file", where=node.label)
    if name == "where":
        operands = [writer.emit("Cast", operands[:1], f"{wish}_if", to=onnx.TensorProto.BOOL), *operands[1:]]
    made = writer.emit(kind, operands, wish)
    return writer.emit("Cast", [made], f"{wish}_number", to=onnx.TensorProto.FLOAT) if name in TRUTHS else made
