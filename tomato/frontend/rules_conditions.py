"""Comparisons and what is said of them: values that are 1 where something holds, and 0 elsewhere."""

from collections.abc import Mapping

import numpy as np

from tomato.core.formats import Tensor
from tomato.core.ir import Op
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.rules_arithmetic import NEGATIVE, join
from tomato.frontend.walk import Rule, View, Walk
from tomato.ops.join import Add
from tomato.ops.maximum import Maximum
from tomato.ops.real import Expression, Function

RELATIONS: Mapping[str, tuple[str, bool]] = {
    "Greater": ("gt", False),
    "GreaterOrEqual": ("ge", False),
    "Less": ("gt", True),
    "LessOrEqual": ("ge", True),
    "Equal": ("eq", False),
}
"""The function that a comparison is, and whether of its second input first."""
NOT: Expression = ("sub", 1.0, "x")
HOLDS: Expression = ("where", "x", 1.0, 0.0)


def number(constant: Tensor) -> Expression:
    """A constant of an expression: a number where all channels share it."""
    return float(constant.values[0]) if constant.shape == (1,) else constant


def from_comparison(walk: Walk, node: OnnxNode) -> None:
    """A value against a constant, or the difference of two against 0: the same to every floating-point number."""
    name, turned = RELATIONS[node.op_type]
    constants = [walk.model.constant(node, i) is not None for i in (0, 1)]
    if any(constants):
        side = constants.index(True)
        first = (side == 0) != turned

        def make(constant: Tensor) -> Op:
            k = number(constant)
            return Function((name, k, "x") if first else (name, "x", k))

        walk.step(node.inputs[1 - side], node.outputs[0], [_limit(walk, node, side)], make)
        return
    less, more = node.inputs if turned else node.inputs[::-1]
    rest = _difference(walk, more, less)
    walk.put(node.outputs[0], walk.emit(Function((name, "x", 0.0)), [rest.value]), rest.order)


def _limit(walk: Walk, node: OnnxNode, side: int) -> np.ndarray:
    """The constant that a value is compared with; an infinite one is compared with as well."""
    constant = walk.model.constant(node, side)
    assert constant is not None
    if constant.dtype.kind == "f":
        constant = np.clip(constant.astype(np.float64), -np.finfo(np.float32).max, np.finfo(np.float32).max)
    return walk.finite(node.inputs[side], constant)


def _difference(walk: Walk, first: str, second: str) -> View:
    """One activation less another."""
    walk.settle(second)
    b = walk.view(second)
    negative = View(walk.emit(NEGATIVE, [b.value], "_neg"), b.order)
    return join(walk, Add(), walk.view(first), negative)


def from_not(walk: Walk, node: OnnxNode) -> None:
    """Not: 1 less what holds."""
    view = walk.settle(node.inputs[0])
    walk.put(node.outputs[0], walk.emit(Function(NOT), [view.value]), view.order)


def from_both(walk: Walk, node: OnnxNode) -> None:
    """And, Or, Xor: the lesser, the greater, the distance."""
    constants = [walk.model.constant(node, i) is not None for i in (0, 1)]
    function = {"And": "min", "Or": "max", "Xor": "sub"}[node.op_type]

    def done(made: Expression) -> Expression:
        return ("abs", made) if node.op_type == "Xor" else made

    if any(constants):
        side = constants.index(True)
        constant = walk.model.constant(node, side)
        assert constant is not None
        walk.step(
            node.inputs[1 - side], node.outputs[0], [constant.astype(np.float64)],
            lambda k: Function(done((function, "x", number(k)))),
        )  # fmt: skip
    elif node.op_type == "Xor":
        rest = _difference(walk, *node.inputs)
        walk.put(node.outputs[0], walk.emit(Function(("abs", "x")), [rest.value]), rest.order)
    else:
        first = walk.settle(node.inputs[0])
        made = join(walk, Maximum(least=node.op_type == "And"), first, walk.view(node.inputs[1]))
        walk.put(node.outputs[0], made.value, made.order)


def holds(walk: Walk, node: OnnxNode) -> None:
    """A number as a condition: whether it is not 0."""
    view = walk.view(node.inputs[0], host=True)
    if view.host:
        raise RefusedError(f"expected no {view.host[-1].kind} in front of it", "end the network before it")
    view = walk.settle(node.inputs[0])
    walk.put(node.outputs[0], walk.emit(Function(HOLDS), [view.value]), view.order)


RULES: dict[str, Rule] = {
    **dict.fromkeys(RELATIONS, from_comparison),
    "Not": from_not,
    **dict.fromkeys(("And", "Or", "Xor"), from_both),
}

ATTRIBUTES = dict.fromkeys(("And", "Equal", "Greater", "Less", "Or", "Xor"), "axis broadcast")
"""Of operator sets below 7."""
