"""Where values of the trained network become codes, and what those are at first: the places that the compiler has."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from tomato.core.formats import Array, Codes
from tomato.core.interface import Port, graph_values
from tomato.core.interpret import in_batches
from tomato.core.ir import Graph
from tomato.core.treatment import Treatment
from tomato.ops.join import Add, Multiply
from tomato.ops.recurrent import Recurrent
from tomato.ops.weighted import Weighted
from tomato.passes.groups import Group, partition
from tomato.quantise.calibrate import Method, calibrate
from tomato.quantise.precision import Precision
from tomato.quantise.share_encodings import tie, unsigned_encodings


@dataclass(frozen=True, slots=True)
class Point:
    """Codes of a value: real = (code - zero) * scale. Values that share a `step` share their scale.

    fixed: the scale is given, whole numbers come in as they are.
    """

    scale: float
    zero: int
    codes: Codes
    step: str
    fixed: bool = False


def points(
    graph: Graph, ports: tuple[Port, ...], frames: tuple[Array, ...], precision: Precision, method: Method = "auto"
) -> dict[str, Point]:
    """The points of a graph, by the value that they code; several values that data movement ties have one.

    frames: one array per input, as the model takes them. Results of the network have none where sums leave the chip as
    they are.
    """
    groups, bits = partition(graph), precision.with_ends(graph)
    batches = in_batches(graph_values(graph, ports, frames))
    ranges = calibrate(graph, batches, method, precision=precision)
    codings, steps = unsigned_encodings(graph, groups, ranges, bits), _steps(graph)
    found: dict[str, Point] = {}
    inputs = {name for name, _ in graph.inputs}
    for name in (*inputs, *(g.output for g in groups if _has_codes(graph, g))):
        encoding, codes = codings[name].encoding, codings[name].codes
        given = name in inputs and ranges[name].integral and encoding.scale == 1.0
        found[name] = Point(encoding.scale, encoding.zero - codes.lo, Codes(0, codes.hi - codes.lo), steps[name], given)
    return _levelled(found)


def _has_codes(graph: Graph, group: Group) -> bool:
    """Whether a group's result is coded: where something reads it, or it is a sum or product of two values.

    Not where all that reads it asks whether it holds: it is 0 or 1 then. Nor where a layer's sums go into recurrent
    layers alone, which bring them to a grid of their own.
    """
    readers = graph.uses[group.output]
    asked = bool(readers) and all(group.output not in r.args[r.op.conditions :] for r in readers)
    if group.head.op.treatment is Treatment.MOVES or asked:
        return False
    plain = isinstance(group.head.op, Weighted) and (group.ramp.lo, group.ramp.hi) == (-inf, inf)
    if plain and readers and all(isinstance(r.op, Recurrent) for r in readers) and group.output not in graph.outputs:
        return False
    return isinstance(group.head.op, Add | Multiply) or bool(readers)


def _steps(graph: Graph) -> dict[str, str]:
    """For every value the one whose scale it shares: what movement ties, and both arguments of a sum.

    With one step for both, the sum of codes is the sum: no factors are needed, and none are inexact.
    """
    tied = tie(graph)
    inputs = {tied[name] for name, _ in graph.inputs}
    parent = {root: root for root in tied.values()}

    def find(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    for node in graph:
        if isinstance(node.op, Add) and inputs.isdisjoint(tied[a] for a in node.args):
            a, b = (find(tied[arg]) for arg in node.args)
            parent[a] = b
    return {name: find(root) for name, root in tied.items()}


def _levelled(found: Mapping[str, Point]) -> dict[str, Point]:
    """With the greatest scale of all points that share a step."""
    most: dict[str, float] = {}
    for point in found.values():
        most[point.step] = max(most.get(point.step, 0.0), float(np.float32(point.scale)))
    return {name: replace(point, scale=most[point.step]) for name, point in found.items()}
