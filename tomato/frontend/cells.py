"""Steps of recurrent layers, found in what they compute: however the nodes of a step are written.

The results of all sigmoids and the like are taken as given: what is between them is then affine in inputs and states, so
that zeros and unit vectors give the weights of every gate. Which gate is which is tried: a layer counts as found if it
computes what the step does, at random inputs and states. As only sums, products and movements are allowed between the
functions, both are polynomials of these, and equal polynomials are the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations, product
from typing import Any

import numpy as np
import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator

from tomato.core.formats import Array
from tomato.frontend.layout import Index

MOVES = frozenset(
    {"Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose", "Slice", "Gather", "Split", "Concat",
     "Expand", "Cast", "CastLike"}
)  # fmt: skip
PRODUCTS = frozenset({"Gemm", "MatMul", "Einsum"})
POLYNOMIAL = MOVES | PRODUCTS | {"Add", "Sub", "Mul", "Neg", "Sum", "Div"}
"""What may stand between the functions of a step; a Div by constants only."""
NEAR = 1e-5
SCALES = (0.3, 1.0, 1.0, 3.0, 3.0)
"""About how large the sums of gates are at the points where a step and a layer are compared."""
MOST_WORK = 1 << 33
"""Multiply-accumulates that finding the weights of a step may take."""
MOST_GATES = 8
EXPECTED = "expected each step to be that of an LSTM, a GRU or a plain recurrent layer"


class NoCellError(Exception):
    """A step that no recurrent layer has: what was expected."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: nodes over constants, in order.

    inputs: for each value that is read of the sequence, in its shape, which of the `width` inputs lie there.
    states: the values that hold the states before the step, with their shapes; after: those that hold them behind it.
    """

    nodes: Sequence[onnx.NodeProto]
    constants: Mapping[str, Array]
    inputs: Mapping[str, Index]
    width: int
    states: Mapping[str, tuple[int, ...]]
    after: Sequence[str]
    opset: int


@dataclass(frozen=True, slots=True)
class Function:
    """What a gate or candidate is passed through, as attributes of ONNX's layers name it."""

    name: str
    parameters: tuple[float, ...] = ()

    def __call__(self, x: Array) -> Array:
        match self.name:
            case "Sigmoid":
                return 0.5 * (1.0 + np.tanh(0.5 * x))
            case "Tanh":
                return np.tanh(x)
            case "HardSigmoid":
                return np.clip(self.parameters[0] * x + self.parameters[1], 0.0, 1.0)
            case "Softsign":
                return np.asarray(x / (1.0 + np.abs(x)))
        return np.maximum(x, 0.0)


@dataclass(frozen=True, slots=True)
class Cell:
    """A recurrent layer in ONNX's terms: weights (gates * hidden, ...), the bias of inputs and the one of states.

    state: which of the step's states the result is; the cell of an LSTM is the other one.
    """

    kind: str
    weight: Array
    recurrent: Array
    bias: Array
    functions: tuple[Function, ...]
    state: int = 0
    after: bool = False

    @property
    def hidden(self) -> int:
        """Units."""
        return self.recurrent.shape[1]

    def attributes(self) -> dict[str, Any]:
        """The attributes of the node."""
        found: dict[str, Any] = {"hidden_size": self.hidden, "activations": [f.name for f in self.functions]}
        numbers = [f.parameters for f in self.functions if f.parameters]
        if numbers:
            found |= {"activation_alpha": [n[0] for n in numbers], "activation_beta": [n[1] for n in numbers]}
        return found | ({"linear_before_reset": 1} if self.after else {})

    def __call__(self, x: Array, states: Sequence[Array]) -> list[Array]:
        """The states behind a step, in the order of the step."""
        h, gates = states[self.state], len(self.weight) // self.hidden
        given, looped = np.split(self.bias, 2)
        sums = np.split(self.weight @ x + given, gates)
        fed = np.split(self.recurrent @ h + looped, gates)
        match self.kind:
            case "LSTM":
                gate, candidate, result = self.functions
                i, o, f, g = (a + b for a, b in zip(sums, fed, strict=True))
                c = gate(f) * states[1 - self.state] + gate(i) * candidate(g)
                h = gate(o) * result(c)
                return [h, c] if self.state == 0 else [c, h]
            case "GRU":
                gate, candidate = self.functions
                z, r = (gate(sums[n] + fed[n]) for n in range(2))
                if self.after:
                    n = candidate(sums[2] + r * fed[2])
                else:
                    last = self.recurrent[2 * self.hidden :]
                    n = candidate(sums[2] + looped[2 * self.hidden :] + last @ (r * h))
                return [(1.0 - z) * n + z * h]
        return [self.functions[0](sums[0] + fed[0])]


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


def function_of(node: onnx.NodeProto, constants: Mapping[str, Array]) -> Function | None:
    """What a node passes gates through; None if it does something else."""
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    match node.op_type:
        case "Sigmoid" | "Tanh" | "Softsign" | "Relu":
            return Function(node.op_type)
        case "HardSigmoid":
            return Function("HardSigmoid", (float(given.get("alpha", 0.2)), float(given.get("beta", 0.5))))
        case "Clip":
            ends = [constants.get(name) for name in node.input[1:3]] or [given.get("min"), given.get("max")]
            if len(ends) == 2 and all(e is not None and np.size(e) == 1 for e in ends):
                lo, hi = (float(np.reshape(e, ())) for e in ends if e is not None)
                return Function("HardSigmoid", (1.0, 0.0)) if (lo, hi) == (0.0, 1.0) else None
    return None


def _check(node: onnx.NodeProto, constants: Mapping[str, Array]) -> None:
    known = function_of(node, constants) is not None or node.op_type in POLYNOMIAL
    if node.domain or not known or (node.op_type == "Div" and node.input[1] not in constants):
        raise NoCellError(f"{EXPECTED}, which has no {node.op_type}")


@dataclass
class Runner:
    """Nodes on numbers in double precision; what they read and is not constant is fed."""

    nodes: Sequence[onnx.NodeProto]
    constants: Mapping[str, Array]
    outputs: Sequence[str]
    opset: int
    _evaluator: ReferenceEvaluator = field(init=False)
    _given: dict[str, Array] = field(init=False)

    def __post_init__(self) -> None:
        made = {o for node in self.nodes for o in node.output if o}
        read = dict.fromkeys(i for node in self.nodes for i in node.input if i and i not in made)
        self._given = {name: _double(self.constants[name]) for name in read if name in self.constants}
        self._free = [name for name in read if name not in self.constants]
        self._made = [name for name in dict.fromkeys(self.outputs) if name in made]
        graph = helper.make_graph(
            [_real(node) for node in self.nodes],
            "step",
            [helper.make_empty_tensor_value_info(name) for name in read],
            [helper.make_empty_tensor_value_info(name) for name in self._made],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        self._evaluator = ReferenceEvaluator(model)

    def __call__(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs by name, constants and what was fed included."""
        given = self._given | {name: feed[name] for name in self._free}
        values = dict(zip(self._made, map(np.asarray, self._evaluator.run(None, given)), strict=True))
        return {
            name: values[name] if name in values else feed[name] if name in feed else _double(self.constants[name])
            for name in self.outputs
        }


def _double(value: Array) -> Array:
    return value.astype(np.float64) if value.dtype.kind == "f" else value


def _real(node: onnx.NodeProto) -> onnx.NodeProto:
    """The node without a change of precision."""
    return helper.make_node("Identity", node.input[:1], node.output) if node.op_type in ("Cast", "CastLike") else node


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
        try:
            self.whole = Runner(step.nodes, step.constants, self._names() + list(step.after), step.opset)
            self.between = Runner(rest, step.constants, [n.input[0] for n, _ in self.functions], step.opset)
            self.shapes = {k: v.shape for k, v in self.whole(self._feed(np.zeros(step.width), self._zeros())).items()}
            self.fixed, self.switched = self._probed(0.0), self._probed(1.0)
        except Exception as error:  # whatever the evaluator does not know or a node gets wrong
            raise NoCellError(f"{EXPECTED}, and this one cannot be computed") from error

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
