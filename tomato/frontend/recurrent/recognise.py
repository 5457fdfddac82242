"""Steps of recurrent layers, found in what they compute: however the nodes of a step are written.

The results of all sigmoids and the like are taken as given: what is between them is then affine in inputs and states,
so that zeros and unit vectors give the weights of every gate. Which gate is which is tried: a layer counts as found if
it computes what the step does, at random inputs and states. As only sums, products and movements are allowed between
the functions, both are polynomials of these, and equal polynomials are the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
import onnx

from tomato.core.formats import Array
from tomato.frontend.recurrent.cells import (
    EXPECTED,
    NEAR,
    POLYNOMIAL,
    PRODUCTS,
    Cell,
    Function,
    NoCellError,
    Runner,
    Step,
    function_of,
)

SCALES = (0.3, 1.0, 1.0, 3.0, 3.0)
"""About how large the sums of gates are at the points where a step and a layer are compared."""
MOST_WORK = 1 << 33
"""Multiply-accumulates that finding the weights of a step may take."""
MOST_GATES = 8


def recognise(step: Step) -> Cell:
    """The layer whose step it is. NoCellError if there is none."""
    sizes = {int(np.prod(shape)) for shape in step.states.values()}
    if len(step.states) not in (1, 2) or len(sizes) != 1:
        raise NoCellError(f"{EXPECTED}, which have one state, or two of one size, not {len(step.states)}")
    for node in step.nodes:
        _check(node, step.constants)
    probe = _Probe(step, sizes.pop())
    points = list(probe.points())
    for cell in probe.candidates():
        if all(_equal(cell(x, states), wanted) for x, states, wanted in points):
            return cell
    raise NoCellError(EXPECTED)


def _equal(found: Sequence[Array], wanted: Sequence[Array]) -> bool:
    return all(np.abs(a - b).max() <= NEAR * max(1.0, np.abs(b).max()) for a, b in zip(found, wanted, strict=True))


def _check(node: onnx.NodeProto, constants: Mapping[str, Array]) -> None:
    known = function_of(node, constants) is not None or node.op_type in POLYNOMIAL
    if node.domain or not known or (node.op_type == "Div" and node.input[1] not in constants):
        raise NoCellError(f"{EXPECTED}, which has no {node.op_type}")


@dataclass(frozen=True, slots=True, eq=False)
class _Gate:
    """`hidden` sums that pass through one function: which of its node's, and what they are at the probed points."""

    function: Function
    sums: tuple[Array, Array, Array]  # weight, recurrent, bias
    switched: tuple[Array, Array, Array]  # where the results of all functions are 1 instead of 0


class _Probe:
    """A step seen from outside."""

    def __init__(self, step: Step, hidden: int) -> None:
        self.step, self.hidden = step, hidden
        found = [(node, function_of(node, step.constants)) for node in step.nodes]
        self.functions = [(node, function) for node, function in found if function is not None]
        rest = [node for node, function in found if function is None]
        matrices = sum(step.constants[i].size for n in rest if n.op_type in PRODUCTS for i in n.input
                       if i in step.constants)  # fmt: skip
        if (step.width + hidden) * matrices > MOST_WORK:
            raise NoCellError(f"{EXPECTED}, and this one is too large to be sure of")
        self.whole = Runner(step.nodes, step.constants, self._names() + list(step.after), step.opset)
        self.between = Runner(rest, step.constants, [n.input[0] for n, _ in self.functions], step.opset)
        self.shapes = {k: v.shape for k, v in self.whole(self._feed(np.zeros(step.width), self._zeros())).items()}
        self.fixed, self.switched = self._probed(0.0), self._probed(1.0)

    def _names(self) -> list[str]:
        return [node.output[0] for node, _ in self.functions]

    def _zeros(self) -> list[Array]:
        return [np.zeros(self.hidden) for _ in self.step.states]

    def _feed(self, x: Array, states: Sequence[Array]) -> dict[str, Array]:
        named = zip(self.step.states.items(), states, strict=True)
        return {n: x[places] for n, places in self.step.inputs.items()} | {n: s.reshape(z) for (n, z), s in named}

    def _sums(self, x: Array, h: Array, given: float) -> list[Array]:
        """The sums that the functions get, where all their results are `given`; all states are h."""
        feed = self._feed(x, [h] * len(self.step.states))
        feed |= {name: np.full(self.shapes[name], given) for name in self._names()}
        values = self.between(feed)
        return [values[node.input[0]].reshape(-1) for node, _ in self.functions]

    def _probed(self, given: float) -> list[tuple[Array, Array, Array]]:
        """Weight, recurrent weight and bias of all sums of each function."""
        width, hidden = self.step.width, self.hidden
        begin = self._sums(np.zeros(width), np.zeros(hidden), given)
        each = [self._sums(unit, np.zeros(hidden), given) for unit in np.eye(width)]
        fed = [self._sums(np.zeros(width), unit, given) for unit in np.eye(hidden)]
        return [
            (
                np.stack([column[n] - bias for column in each], 1),
                np.stack([column[n] - bias for column in fed], 1),
                bias,
            )
            for n, bias in enumerate(begin)
        ]

    def points(self) -> Iterator[tuple[Array, list[Array], list[Array]]]:
        """Inputs and states, and the states behind the step, which is no step of ours if it does not give these."""
        rng, step = np.random.default_rng(0), self.step
        rows = [row for weight, looped, _ in self.fixed for row in np.hstack([weight, looped])]
        size = max((float(np.linalg.norm(row)) for row in rows), default=0.0) or 1.0
        for scale in SCALES:
            x = rng.normal(size=step.width) * scale / size
            states = [rng.normal(size=self.hidden) * scale / size for _ in step.states]
            values = self.whole(self._feed(x, states))
            if any(values[name].size != self.hidden for name in step.after):
                raise NoCellError(f"{EXPECTED}, whose states keep their size")
            yield x, states, [values[name].reshape(-1) for name in step.after]

    def _gates(self) -> list[_Gate]:
        """All that may be the sums of a gate: neighbours, or every so many of a node."""
        found = []
        for (_, function), fixed, switched in zip(self.functions, self.fixed, self.switched, strict=True):
            parts, rest = divmod(len(fixed[2]), self.hidden)
            if rest:
                continue
            every = np.arange(parts * self.hidden)
            layouts = [every.reshape(parts, -1)] + ([every.reshape(-1, parts).T] if 1 < parts < self.hidden else [])
            for places in (row for layout in layouts for row in layout):
                taken = [tuple(part[places] for part in parts_) for parts_ in (fixed, switched)]
                found.append(_Gate(function, taken[0], taken[1]))  # type: ignore[arg-type]
        return found

    def candidates(self) -> Iterator[Cell]:
        """What the layer may be."""
        every = self._gates()
        gates = [g for g in every if all(np.allclose(a, b) for a, b in zip(g.sums, g.switched, strict=True))]
        others = [g for g in every if not any(g is direct for direct in gates)]
        if len(gates) > 2 * MOST_GATES:
            return
        if len(self.step.states) == 2:
            yield from _lstms(gates, {g.function for g in others})
            return
        for gate in gates:
            yield _cell("RNN", [gate.sums], (gate.function,))
        yield from _grus(gates, others)


def _lstms(gates: Sequence[_Gate], results: set[Function]) -> Iterator[Cell]:
    for i, o, f in permutations(gates, 3):
        if not i.function == o.function == f.function:
            continue
        for g, result, state in product(gates, results, (0, 1)):
            if g not in (i, o, f):
                sums = [gate.sums for gate in (i, o, f, g)]
                yield _cell("LSTM", sums, (i.function, g.function, result), state=state)


def _grus(gates: Sequence[_Gate], others: Sequence[_Gate]) -> Iterator[Cell]:
    for (z, r), n, turned, after in product(permutations(gates, 2), others, (False, True), (False, True)):
        if z.function != r.function or (turned and z.function.name != "Sigmoid"):
            continue
        update = tuple(-part for part in z.sums) if turned else z.sums
        candidate = (n.sums[0], n.switched[1], n.sums[2])
        inner = n.switched[2] - n.sums[2] if after else np.zeros_like(n.sums[2])
        yield _cell("GRU", [update, r.sums, candidate], (z.function, n.function), inner=inner, after=after)


def _cell(
    kind: str, sums: Sequence[tuple[Array, ...]], functions: tuple[Function, ...], *, state: int = 0,
    inner: Array | None = None, after: bool = False,
) -> Cell:  # fmt: skip
    weight, recurrent, given = (np.concatenate(parts).astype(np.float32) for parts in zip(*sums, strict=True))
    looped = np.zeros_like(given)
    if inner is not None:
        looped[-len(inner) :] = inner
    return Cell(kind, weight, recurrent, np.concatenate([given, looped]), functions, state, after)
