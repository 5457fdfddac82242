"""Normalisations, softmaxes and gates that are written out in simple operators: which nodes make one together.

    d = x - ReduceMean(x); y = d / Sqrt(ReduceMean(d * d) + epsilon)
    e = Exp(x - ReduceMax(x)); y = e / ReduceSum(e)

or the same of x itself, without a mean or a maximum. Squares are a Pow or a Mul, the division is a Div, or a Mul by a
Reciprocal. Gates are in winners.py.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tomato.frontend.model import Model, OnnxNode
from tomato.frontend.winners import Winners, winners


@dataclass(frozen=True, slots=True)
class Written:
    """A normalisation of the value `x` over some axes, of which the nodes `inside` are parts."""

    x: str
    axes: tuple[int, ...]
    epsilon: float
    centred: bool
    inside: frozenset[int]


@dataclass(frozen=True, slots=True)
class WrittenSoftmax:
    """A softmax of the value `x` over some axes together, of which the nodes `inside` are parts."""

    x: str
    axes: tuple[int, ...]
    inside: frozenset[int]


def written(model: Model) -> Mapping[int, Written | WrittenSoftmax | Winners]:
    """What is written out in a model, by the index of the node that gives the result. Nothing else reads the parts."""
    found: dict[int, Written | WrittenSoftmax | Winners] = {}
    for node in model.live:
        if node.index in model.problems:
            continue
        whole = _normalisation(model, node) or winners(model, node)
        for candidate in (whole,) if whole is not None else _softmaxes(model, node):
            if node.index not in found and _closed(model, node, candidate.inside):
                found[node.index] = candidate
    return found


def _closed(model: Model, last: OnnxNode, inside: frozenset[int]) -> bool:
    made = {o for node in model.live if node.index in inside for o in node.outputs if o}
    readers = {reader.index for name in made for reader in model.consumers.get(name, ())}
    return made.isdisjoint(model.outputs) and readers <= inside | {last.index}


def _normalisation(model: Model, node: OnnxNode) -> Written | None:
    """What a node is the end of, if it divides a value by the root of its mean square."""
    for value, root, parts in _quotients(model, node):
        added = _made(model, root, "Sqrt")
        total = added and _made(model, added.inputs[0], "Add")
        if added is None or total is None:
            continue
        for mean, constant in (total.inputs, total.inputs[::-1]):
            epsilon = model.constants.get(constant)
            reduced = _made(model, mean, "ReduceMean")
            if epsilon is None or epsilon.size != 1 or reduced is None:
                continue
            square = model.sound_maker(reduced.inputs[0])
            of = _squared(model, square) if square is not None else None
            axes = model.kept_axes(reduced)
            if square is None or of is None or axes is None:
                continue
            inside = {*parts, added.index, total.index, reduced.index, square.index}
            number = float(epsilon.reshape(-1)[0])
            centre, other = (_without(model, name, "ReduceMean", axes) for name in (value, of))
            if centre and other and centre[0] == other[0]:
                return Written(centre[0], axes, number, True, frozenset(inside | centre[1] | other[1]))
            if of == value:
                return Written(value, axes, number, False, frozenset(inside))
    return None


def _softmaxes(model: Model, node: OnnxNode) -> Iterator[WrittenSoftmax]:
    """What a node may be the end of, if it divides exponentials by their sum, the largest first."""
    for power, total, parts in _quotients(model, node):
        exponential, reduced = _made(model, power, "Exp"), _made(model, total, "ReduceSum")
        axes = reduced and model.kept_axes(reduced)
        if exponential is None or reduced is None or reduced.inputs[0] != power or not axes:
            continue
        x, inside = exponential.inputs[0], {*parts, exponential.index, reduced.index}
        lowered = _without(model, x, "ReduceMax", axes)
        if lowered:
            yield WrittenSoftmax(lowered[0], axes, frozenset(inside | lowered[1]))
        yield WrittenSoftmax(x, axes, frozenset(inside))


def _quotients(model: Model, node: OnnxNode) -> Iterator[tuple[str, str, set[int]]]:
    """Values that a node divides, what by, and the nodes that make this of it."""
    if node.op_type == "Div" and len(node.inputs) == 2:
        yield node.inputs[0], node.inputs[1], set()
    if node.op_type == "Mul" and len(node.inputs) == 2:
        for value, factor in (node.inputs, node.inputs[::-1]):
            inverse = model.sound_maker(factor)
            if inverse is None:
                continue
            if inverse.op_type == "Reciprocal":
                yield value, inverse.inputs[0], {inverse.index}
            elif inverse.op_type == "Div" and _is(model, inverse.inputs[0], 1):
                yield value, inverse.inputs[1], {inverse.index}


def _made(model: Model, name: str, op_type: str) -> OnnxNode | None:
    node = model.sound_maker(name)
    return node if node is not None and node.op_type == op_type else None


def _squared(model: Model, node: OnnxNode) -> str | None:
    """What a node is the square of."""
    if node.op_type == "Pow" and _is(model, node.inputs[1], 2):
        return node.inputs[0]
    return node.inputs[0] if node.op_type == "Mul" and node.inputs[0] == node.inputs[1] else None


def _is(model: Model, name: str, number: float) -> bool:
    value = model.constants.get(name)
    return value is not None and value.size == 1 and float(np.asarray(value).reshape(-1)[0]) == number


def _without(model: Model, name: str, kind: str, axes: tuple[int, ...]) -> tuple[str, set[int]] | None:
    """The value of which this is the rest when its mean or maximum is taken away, and the nodes that do it."""
    difference = _made(model, name, "Sub")
    taken = difference and _made(model, difference.inputs[1], kind)
    if difference is None or taken is None or taken.inputs[0] != difference.inputs[0] or model.kept_axes(taken) != axes:
        return None
    return difference.inputs[0], {difference.index, taken.index}
