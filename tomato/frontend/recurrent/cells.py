"""A step of a recurrent layer as an exporter wrote it, and the layer as ONNX has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
"""How far off a layer may be, relative to the largest value or 1."""
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
        return int(self.recurrent.shape[1])

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
        try:
            results = self._evaluator.run(None, given)
        except Exception as error:  # whatever the evaluator does not know or a node gets wrong
            raise NoCellError(f"{EXPECTED}, and this one cannot be computed") from error
        values = dict(zip(self._made, map(np.asarray, results), strict=True))
        return {
            name: values[name] if name in values else feed[name] if name in feed else _double(self.constants[name])
            for name in self.outputs
        }


def _double(value: Array) -> Array:
    return value.astype(np.float64) if value.dtype.kind == "f" else value


def _real(node: onnx.NodeProto) -> onnx.NodeProto:
    """The node without a change of precision."""
    return helper.make_node("Identity", node.input[:1], node.output) if node.op_type in ("Cast", "CastLike") else node
