"""One encoding for all values that data movement ties together."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.formats import Codes
from tomato.core.ir import Encoding, Graph, Op
from tomato.core.treatment import Treatment
from tomato.ops.real import Expression, Function
from tomato.passes.groups import Group
from tomato.quantise.calibrate import Range, Ranges
from tomato.quantise.precision import Precision

INTEGRAL_SPAN = 16
"""Integer inputs that span at least this much keep the scale 1: pictures do, one-hot vectors do not."""


@dataclass(frozen=True, slots=True)
class Coding:
    """How a value is coded: the codes' meaning and their range."""

    encoding: Encoding
    codes: Codes

    def encode(self, real: float) -> int:
        """The code nearest to a number; infinities saturate."""
        return int(self.encoding.encode(np.asarray(real), self.codes))


TRUTH = Coding(Encoding(1.0), Codes(0, 1))
"""Of conditions: 0 and 1 as they are."""


def tie(graph: Graph, *, alike: bool = False) -> dict[str, str]:
    """A representative for every value; the same one for values that data movement makes share their codes.

    alike: so do the outputs, one of which will be chosen frame by frame.
    """
    parent = {name: name for name in graph.types}

    def find(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for node in graph:
        if node.op.treatment is Treatment.MOVES:
            for arg in node.args[node.op.conditions :]:
                parent[find(arg)] = find(node.name)
    for output in graph.outputs if alike else ():
        parent[find(output)] = find(graph.outputs[0])
    return {name: find(name) for name in parent}


def share_encodings(
    graph: Graph, groups: tuple[Group, ...], ranges: Ranges, precision: Precision, *, alike: bool = False
) -> dict[str, Coding]:
    """The coding of every input and every group's output: over all that share it, and always including 0.

    Inputs, and what only moves them, keep the codes that the world sends, pixels of 0 to 255; all others are signed.
    alike: see `tie`.
    """
    tied = tie(graph, alike=alike)
    fed = {tied[name] for name, _ in graph.inputs}
    codings = unsigned_encodings(graph, groups, ranges, precision, alike=alike)
    kept = fed | truths(graph, tied)
    return {name: coding if tied[name] in kept else _centred(coding) for name, coding in codings.items()}


def unsigned_encodings(
    graph: Graph, groups: tuple[Group, ...], ranges: Ranges, precision: Precision, *, alike: bool = False
) -> dict[str, Coding]:
    """The same with codes from 0 upwards, but for the results of the network."""
    tied = tie(graph, alike=alike)
    inputs = {name for name, _ in graph.inputs}
    visible = [*sorted(inputs), *(g.output for g in groups)]
    spans = _spans(groups, {name: tied[name] for name in visible}, ranges)
    bits = _bits(graph, groups, tied, precision)
    exact = {tied[name] for name in inputs if spans[tied[name]].integral}
    roots = {tied[name] for name in visible}
    codings = {root: _coding(spans[root], *bits[root], integral=root in exact) for root in roots}
    codings |= dict.fromkeys(truths(graph, tied), TRUTH)
    return {name: codings[tied[name]] for name in visible}


def truths(graph: Graph, tied: Mapping[str, str]) -> set[str]:
    """The classes of values that choose between others, unless something that is not 0 or 1 shares their codes."""
    asked = {tied[arg] for node in graph for arg in node.args[: node.op.conditions]}
    sizes = Counter(tied.values())
    spoilt = {tied[name] for name, _ in graph.inputs}
    spoilt |= {tied[n.name] for n in graph if n.op.treatment is not Treatment.MOVES and not _is_truth(n.op)}
    return {root for root in asked if sizes[root] == 1 or root not in spoilt}


def _is_truth(op: Op) -> bool:
    return isinstance(op, Function) and _holds(op.expression)


def _holds(expression: Expression) -> bool:
    """Whether a function is 0 or 1: a comparison, or what is said of some."""
    match expression:
        case 0.0 | 1.0 | ("gt" | "ge" | "eq", _, _):
            return True
        case ("abs", ("sub", a, b)) | ("sub", 1.0 as a, b) | ("min" | "max" | "mul", a, b) | ("where", _, a, b):
            return _holds(a) and _holds(b)
    return False


def _centred(coding: Coding) -> Coding:
    """The same steps with codes around 0: products of signed codes are a bit narrower, so more share a multiplier."""
    codes = coding.codes
    if codes.signed:
        return coding
    half = (codes.hi + 1) // 2
    return Coding(Encoding(coding.encoding.scale, coding.encoding.zero - half), Codes(codes.lo - half, codes.hi - half))


def _spans(groups: tuple[Group, ...], tied: Mapping[str, str], ranges: Ranges) -> dict[str, Range]:
    """The range of every class: what its values reach, what readers want it to reach, the borders they add, and 0."""
    spans: dict[str, Range] = {}
    for value, root in tied.items():
        if value not in ranges:
            raise TomatoError(f"value %{value} has no range", hint="calibrate the same graph that is quantised")
        spans[root] = spans[root].union(ranges[value]) if root in spans else ranges[value]
    for group in groups:
        if reach := group.head.op.argument_reach:
            for arg in group.head.args:
                spans[tied[arg]] = spans[tied[arg]].union(Range(-reach, reach, integral=False))
        border, root = group.head.op.border, tied[group.head.args[0]]
        if border and isfinite(border):
            spans[root] = spans[root].union(Range(float(border), float(border), integral=True))
    return spans


def _bits(
    graph: Graph, groups: tuple[Group, ...], tied: Mapping[str, str], precision: Precision
) -> dict[str, tuple[int, bool]]:
    """Width of every class, and whether it is only a result of the network."""
    widths = {tied[name]: precision.named(name).activation_bits for name, _ in graph.inputs}
    read = set(widths)
    for group in groups:
        if group.head.op.treatment is not Treatment.MOVES:
            root = tied[group.output]
            widths[root] = max(widths.get(root, 0), precision.of(group.head).activation_bits)
            read.update(tied[arg] for arg in group.head.args)
    for group in groups:
        for arg in group.head.args:
            widths[tied[arg]] = max(widths[tied[arg]], group.head.op.argument_bits)
    final = {tied[o] for o in graph.outputs} - read
    return {root: (precision.output_bits, True) if root in final else (w, False) for root, w in widths.items()}


def _coding(span: Range, bits: int, final: bool, *, integral: bool) -> Coding:
    """Affine unsigned codes, 0 on the grid; signed results of the network are symmetric around a code 0 instead."""
    lo, hi = min(span.lo, 0.0), max(span.hi, 0.0)
    top = (1 << bits) - 1
    if integral and INTEGRAL_SPAN <= hi - lo <= top:
        return Coding(Encoding(1.0, round(-lo)), Codes(0, top))
    if lo == hi:
        return Coding(Encoding(1.0), Codes(0, top))
    if final and lo < 0.0:
        limit = top >> 1
        return Coding(Encoding(max(-lo, hi) / limit), Codes(-limit - 1, limit))
    if bits == 1:  # 0 and the farther end
        return Coding(Encoding(max(-lo, hi), int(-lo > hi)), Codes(0, top))
    scale = (hi - lo) / top
    return Coding(Encoding(scale, round(-lo / scale)), Codes(0, top))
