"""A twin of a quantised model: equal to it in exact arithmetic, and computed exactly on every processor.

x86 with AVX2 but without VNNI adds products of uint8 and int8 in pairs, which saturate at 16 bits; other products it
adds exactly. In the twin a constant that takes part in such products has the type of the other factor instead: its
codes and its zero point are moved by 128.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tomato.core.formats import Array
from tomato.frontend import reorder
from tomato.frontend.shapes import Resolver

CODED: Mapping[str, tuple[tuple[int, int], tuple[int, int]]] = MappingProxyType(
    {
        "QLinearConv": ((0, 2), (3, 5)),
        "QLinearMatMul": ((0, 2), (3, 5)),
        "QGemm": ((0, 2), (3, 5)),
        "ConvInteger": ((0, 2), (1, 3)),
        "MatMulInteger": ((0, 2), (1, 3)),
    }
)
"""Products of codes: the inputs that hold each factor and its zero point."""
REAL = frozenset({"Conv", "Gemm", "MatMul"})
"""Products of reals, which become products of codes where both factors come from a DequantizeLinear."""
SATURATE = (TensorProto.UINT8, TensorProto.INT8)
"""Types of the first and the second factor whose products saturate."""
MIDDLE = 128
"""What codes of equal meaning in the two types differ by."""


def twin(model: onnx.ModelProto, known: Resolver) -> onnx.ModelProto | None:
    """The twin of a model of which `known` tells constants and types; None if it would be the same."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    work = _Twin(known, {name: node for node in model.graph.node for name in node.output})
    nodes = [new for node in model.graph.node for new in work.instead(node)]
    if not work.constants:
        return None
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in work.constants.items())
    _sweep(graph, {name for node in model.graph.node for name in node.input})
    return made


def probe() -> onnx.ModelProto:
    """One product, of `a` (1, 32) of uint8 and `b` (32, 1) of int8, which saturates where such products do."""
    kinds = (("a", TensorProto.UINT8, (1, 32)), ("b", TensorProto.INT8, (32, 1)), ("y", TensorProto.INT32, (1, 1)))
    *inputs, output = (helper.make_tensor_value_info(*kind) for kind in kinds)
    graph = helper.make_graph([helper.make_node("MatMulInteger", ["a", "b"], ["y"])], "probe", inputs, [output])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@dataclass(frozen=True, slots=True)
class _Factor:
    """Which inputs of a node hold codes and their zero point."""

    node: onnx.NodeProto
    codes: int
    zero: int

    def name(self, index: int) -> str:
        """The input of that index, or "" if it is left out."""
        return self.node.input[index] if index < len(self.node.input) else ""


@dataclass
class _Twin:
    """Nodes that take the place of others, and the constants that they read."""

    known: Resolver
    makers: Mapping[str, onnx.NodeProto]
    constants: dict[str, Array] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)

    def instead(self, node: onnx.NodeProto) -> list[onnx.NodeProto]:
        """What takes the place of a node: itself, or its like that reads other constants, behind what makes them."""
        factors = self._factors(node)
        if factors is None or tuple(map(self._type, factors)) != SATURATE:
            return [node]
        which = next((i for i in (1, 0) if self._constant(factors[i])), None)
        if which is None:
            return [node]
        twin = _copy(node)
        if node.op_type in CODED:
            self._move(twin, factors[which], which)
            return [twin]
        made: list[onnx.NodeProto] = []
        twin.input[which] = self._real(node.input[which], which, made)
        return [*made, twin]

    def _factors(self, node: onnx.NodeProto) -> tuple[_Factor, _Factor] | None:
        if node.op_type in CODED:
            a, b = (_Factor(node, *places) for places in CODED[node.op_type])
            return a, b
        coders = [self._coder(name) for name in node.input[:2]] if node.op_type in REAL else []
        found = [_Factor(coder, 0, 2) for coder in coders if coder is not None]
        return (found[0], found[1]) if len(found) == len(SATURATE) else None

    def _coder(self, value: str) -> onnx.NodeProto | None:
        """The DequantizeLinear that a real value comes from, moved or not."""
        node = self.makers.get(value)
        while node is not None and node.op_type in reorder.MAPS:
            node = self.makers.get(node.input[0])
        return node if node is not None and node.op_type == "DequantizeLinear" else None

    def _type(self, factor: _Factor) -> int:
        for index in (factor.zero, factor.codes):
            if (kind := self.known.types.get(factor.name(index))) is not None:
                return int(kind.tensor_type.elem_type)
        return int(TensorProto.UNDEFINED)

    def _constant(self, factor: _Factor) -> bool:
        names = [factor.name(i) for i in (factor.codes, factor.zero)]
        return all(name in self.known.constants for name in names if name)

    def _move(self, node: onnx.NodeProto, factor: _Factor, which: int) -> None:
        """Let a copy of the factor's node read codes and a zero point of the other factor's type."""
        offset, kind = (MIDDLE, np.uint8) if which else (-MIDDLE, np.int8)
        codes, scale, zero = (factor.name(i) for i in (factor.codes, factor.codes + 1, factor.zero))
        per_channel = node.op_type == "DequantizeLinear" and scale in self.known.constants
        none = np.zeros(self.known.constants[scale].shape if per_channel else (), np.int64)
        node.input.extend([""] * (factor.zero + 1 - len(node.input)))
        for index, name, value in (
            (factor.codes, codes, self.known.constants[codes]),
            (factor.zero, zero or f"zero of {codes} in steps of {scale}", self.known.constants[zero] if zero else none),
        ):
            node.input[index] = f"{name} as {kind.__name__}"
            self.constants[node.input[index]] = (value.astype(np.int64) + offset).astype(kind)

    def _real(self, value: str, which: int, made: list[onnx.NodeProto]) -> str:
        """The twin of a real constant: appends the nodes that make it, unless some reader before did."""
        name = f"{value} with another type"
        if name not in self.moved:
            self.moved.add(name)
            node = self.makers[value]
            twin = _copy(node)
            twin.name, twin.output[0] = f"{node.name} with another type" if node.name else "", name
            if node.op_type == "DequantizeLinear":
                self._move(twin, _Factor(node, 0, 2), which)
            else:
                twin.input[0] = self._real(node.input[0], which, made)
            made.append(twin)
        return name


def _copy(node: onnx.NodeProto) -> onnx.NodeProto:
    made = onnx.NodeProto()
    made.CopyFrom(node)
    return made


def _sweep(graph: onnx.GraphProto, before: set[str]) -> None:
    """Remove, in place, what was read `before` and is read no more."""
    outputs = {o.name for o in graph.output}
    while True:
        idle = before - outputs - {name for node in graph.node for name in node.input}
        if not (nodes := [node for node in graph.node if idle.issuperset(node.output)]):
            break
        for node in nodes:
            graph.node.remove(node)
    constants = {t.name for t in graph.initializer} & idle
    for values in (graph.initializer, graph.input):
        for value in [v for v in values if v.name in constants]:
            values.remove(value)
