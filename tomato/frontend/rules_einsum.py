"""Einsum of two operands: a product of stacks of matrices, whatever the order of their axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from tomato.core.formats import Tensor
from tomato.frontend import layout
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.rules_matmul import product
from tomato.frontend.stacks import times_constants
from tomato.frontend.walk import Rule, View, Walk
from tomato.ops.dense import Dense

OPERANDS = 2
SPARE = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Letters that stand for the axes of an ellipsis: of those that the equation does not use."""


@dataclass(frozen=True, slots=True)
class Equation:
    """The letters of two operands and of the result."""

    a: str
    b: str
    out: str

    @property
    def stacked(self) -> str:
        """Axes of both operands and of the result."""
        return "".join(c for c in self.out if c in self.a and c in self.b)

    @property
    def terms(self) -> str:
        """Axes of both operands that are summed."""
        return "".join(c for c in self.a if c in self.b and c not in self.out)

    def own(self, operand: str) -> str:
        """Axes of one operand and of the result alone."""
        return "".join(c for c in self.out if c in operand and c not in self.stacked)


def from_einsum(walk: Walk, node: OnnxNode) -> None:
    """Einsum of two activations, or of an activation and a constant."""
    if len(node.inputs) != OPERANDS:
        raise RefusedError(f"expected two operands, not {len(node.inputs)}", "write one Einsum for every two")
    given = [walk.model.constant(node, i) for i in range(OPERANDS)]
    shapes = [walk.view(n).shape if c is None else c.shape for n, c in zip(node.inputs, given, strict=True)]
    equation = _equation(node.text("equation", ""), [len(shape) for shape in shapes])
    sizes = _sizes(equation, *shapes)
    constants = [c is not None for c in given]
    if any(constants):
        _with_constant(walk, node, equation, constants.index(True), sizes)
        return
    a, b = (walk.view(name) for name in node.inputs)
    rows, columns = equation.own(equation.a), equation.own(equation.b)
    left = _arranged(a, equation.a, sizes, equation.stacked, rows, equation.terms)
    right = _arranged(b, equation.b, sizes, equation.stacked, equation.terms, columns)
    made = product(walk, left, right)
    _put(walk, node, made, equation.stacked + rows + columns, equation.out, sizes)


def _sizes(equation: Equation, a: tuple[int, ...], b: tuple[int, ...]) -> dict[str, int]:
    """The size of every axis."""
    first, second = dict(zip(equation.a, a, strict=True)), dict(zip(equation.b, b, strict=True))
    if unlike := [c for c in equation.a if second.get(c, first[c]) != first[c]]:
        sizes = f"{first[unlike[0]]} and {second[unlike[0]]}"
        raise RefusedError(f"expected one size of an axis of both operands, not {sizes}", "repeat the smaller operand")
    return first | second


def _with_constant(walk: Walk, node: OnnxNode, equation: Equation, side: int, sizes: dict[str, int]) -> None:
    """A product on the axes that are summed."""
    letters = (equation.a, equation.b)
    given, fixed = letters[1 - side], letters[side]
    view, weight = walk.view(node.inputs[1 - side]), walk.weight(node, side, "operand")
    rows, columns, terms = equation.own(given), equation.own(fixed), equation.terms
    if equation.stacked:
        stack = weight.transpose([fixed.index(c) for c in equation.stacked + terms + columns])
        stack = stack.reshape(_size(equation.stacked, sizes), _size(terms, sizes), -1)
        made = times_constants(walk, _arranged(view, given, sizes, equation.stacked, rows, terms), stack, np.ones(1))
        _put(walk, node, made, equation.stacked + rows + columns, equation.out, sizes)
        return
    matrix = weight.transpose([fixed.index(c) for c in terms + columns]).reshape(_size(terms, sizes), -1)
    value = walk.streamed(_arranged(view, given, sizes, "", rows, terms), 2)
    value = walk.emit(Dense(Tensor(matrix)), [value])
    shape = (1, _size(rows, sizes), matrix.shape[1])
    _put(walk, node, View(value, layout.order(shape, 2)), rows + columns, equation.out, sizes)


def _equation(text: str, ranks: Sequence[int]) -> Equation:
    """Read an equation; an ellipsis stands for letters of its own."""
    given, arrow, out = text.replace(" ", "").partition("->")
    operands = given.split(",")
    if len(operands) != len(ranks):
        raise RefusedError(f"expected an equation of two operands, not {text!r}", "check the exported model")
    free = [c for c in SPARE if c not in text]
    most = max(
        (rank - len(o.replace("...", "")) for o, rank in zip(operands, ranks, strict=True) if "..." in o), default=0
    )
    spread = [
        o.replace("...", "".join(free[most - (rank - len(o.replace("...", ""))) : most]))
        for o, rank in zip(operands, ranks, strict=True)
    ]
    every = "".join(spread)
    if not arrow:
        out = "..." + "".join(sorted(c for c in set(every) if every.count(c) == 1 and c not in free[:most]))
    found = Equation(spread[0], spread[1], out.replace("...", "".join(free[:most])))
    if any(len(set(letters)) != len(letters) for letters in (found.a, found.b, found.out)):
        raise RefusedError(f"expected no diagonals, but {text!r} names an axis twice", "take the diagonal elsewhere")
    lonely = [c for c in every if every.count(c) == 1 and c not in found.out]
    if lonely or any(len(letters) != rank for letters, rank in zip((found.a, found.b), ranks, strict=True)):
        raise RefusedError(f"expected sums over axes of both operands, not {text!r}", "sum the others by a ReduceSum")
    return found


def _size(letters: str, sizes: dict[str, int]) -> int:
    return prod(sizes[c] for c in letters)


def _arranged(view: View, letters: str, sizes: dict[str, int], *groups: str) -> View:
    """The view with its axes in groups, each of them one axis."""
    order = view.order.transpose([letters.index(c) for c in "".join(groups)])
    return View(view.value, order.reshape([_size(g, sizes) for g in groups]))


def _put(walk: Walk, node: OnnxNode, made: View, letters: str, out: str, sizes: dict[str, int]) -> None:
    order = made.order.reshape([sizes[c] for c in letters])
    walk.put(node.outputs[0], made.value, np.ascontiguousarray(order.transpose([letters.index(c) for c in out])))


JOIN_RULES: dict[str, Rule] = {"Einsum": from_einsum}
RULES: dict[str, Rule] = {"Einsum": from_einsum}
ATTRIBUTES = {"Einsum": "equation"}
