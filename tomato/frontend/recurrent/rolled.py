"""Recurrent layers of ONNX in place of steps that were written out: the layer's nodes, and what moves its values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tomato.core.formats import Array
from tomato.frontend import layout
from tomato.frontend.layout import Index
from tomato.frontend.recurrent.cells import Cell

MOST_ELEMENTS = 1 << 22
"""Values that the inputs of all steps may be together: each is looked up."""


@dataclass(frozen=True, slots=True)
class Result:
    """A value made of what the layer gives at all steps: of `size` numbers for each, step * size + number.

    matrix, offset: what these are made by of the layer's units, (hidden, size) and (size,); None where they are these.
    """

    name: str
    places: Index
    size: int
    matrix: Array | None = None
    offset: Array | None = None


@dataclass(frozen=True, slots=True)
class Rolled:
    """A layer: `places` (steps, inputs) of the flattened value `source` are its inputs.

    begins: what the states are before the first step, in the order of the step. ends: values made of one of the step's
    states behind the last step, by its units.
    """

    cell: Cell
    source: str
    shape: tuple[int, ...]
    places: Index
    begins: Sequence[str]
    results: Sequence[Result]
    ends: Sequence[tuple[str, int, Index]]


@dataclass
class Writer:
    """Nodes and constants that are written, whose names nothing in the graph has."""

    stem: str
    used: set[str]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    tensors: list[onnx.TensorProto] = field(default_factory=list)

    def name(self, role: str) -> str:
        """A new name."""
        name, number = f"{self.stem}.{role}", 1
        while name in self.used:
            name, number = f"{self.stem}.{role}{number}", number + 1
        self.used.add(name)
        return name

    def constant(self, value: Array, role: str) -> str:
        """A constant."""
        name = self.name(role)
        self.tensors.append(numpy_helper.from_array(value, name))
        return name

    def node(self, kind: str, inputs: Sequence[str], to: str = "", **attributes: Any) -> str:
        """A node of one output, named after it."""
        to = to or self.name(kind.lower())
        self.nodes.append(helper.make_node(kind, inputs, [to], name=to, **attributes))
        return to

    def reshape(self, name: str, shape: Sequence[int], to: str = "") -> str:
        """A value in another shape."""
        return self.node("Reshape", [name, self.constant(np.array(shape, np.int64), "shape")], to)

    def moved(self, name: str, shape: Sequence[int], places: Index, to: str = "") -> str:
        """The value whose elements are those at `places` of one that is flattened, in their shape.

        As what moves least: selections along axes and a transposition, if that is all.
        """
        coordinates = np.unravel_index(places.reshape(-1), shape)
        kept = [np.unique(c) for c in coordinates]
        sizes = [len(k) for k in kept]
        if prod(sizes) == places.size:
            found = [np.searchsorted(k, c) for k, c in zip(kept, coordinates, strict=True)]
            order = np.ravel_multi_index(found, sizes).astype(np.int64)
            if (factors := layout.factor(order)) is not None:
                for axis, (taken, size) in enumerate(zip(kept, shape, strict=True)):
                    if len(taken) < size:
                        name = self.node("Gather", [name, self.constant(taken.astype(np.int64), "taken")], axis=axis)
                if factors[1] != tuple(range(len(factors[1]))):
                    name = self.node("Transpose", [self.reshape(name, factors[0])], perm=factors[1])
                return self.reshape(name, places.shape, to)
        every = self.constant(places.reshape(-1).astype(np.int64), "taken")
        return self.reshape(self.node("Gather", [self.reshape(name, [-1]), every], axis=0), places.shape, to)


def write(layer: Rolled, writer: Writer) -> None:
    """The nodes of a layer, with one sequence and a batch of 1."""
    cell, (steps, width) = layer.cell, layer.places.shape
    back = steps > 1 and bool((np.diff(layer.places[:, 0]) < 0).all())
    places = layer.places[::-1] if back else layer.places
    x = writer.moved(layer.source, layer.shape, places.reshape(steps, 1, width))
    begins = [writer.reshape(name, (1, 1, cell.hidden)) for name in layer.begins]
    begins = begins if cell.state == 0 else begins[::-1]
    weights = [
        writer.constant(np.asarray(value[np.newaxis], np.float32), role)
        for value, role in ((cell.weight, "W"), (cell.recurrent, "R"), (cell.bias, "B"))
    ]
    outputs = [writer.name(role) for role in ("Y", "Y_h", "Y_c")[: 1 + len(begins)]]
    node = helper.make_node(
        cell.kind, [x, *weights, "", *begins], outputs, name=writer.stem,
        direction="reverse" if back else "forward", **cell.attributes(),
    )  # fmt: skip
    writer.nodes.append(node)
    for result in layer.results:
        step, number = np.divmod(result.places, result.size)
        step = steps - 1 - step if back else step
        given = outputs[0]
        if result.matrix is not None and result.offset is not None:
            rows = writer.reshape(given, (1, steps, cell.hidden))
            product = writer.node("MatMul", [rows, writer.constant(np.asarray(result.matrix, np.float32), "head")])
            given = writer.node("Add", [product, writer.constant(np.asarray(result.offset, np.float32), "offset")])
        shape = (steps, 1, 1, result.size) if result.matrix is None else (1, steps, result.size)
        writer.moved(given, shape, step * result.size + number, result.name)
    for end, state, units in layer.ends:
        writer.moved(outputs[1 if state == cell.state else 2], (1, 1, cell.hidden), units, end)


def names(model: onnx.ModelProto) -> set[str]:
    """All names of values in a graph and the graphs inside."""
    found: set[str] = set()
    for graph in graphs(model.graph):
        found.update(v.name for v in (*graph.input, *graph.output, *graph.initializer))
        found.update(name for node in graph.node for name in (*node.input, *node.output))
    return found


def graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """A graph, and those inside its nodes."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from graphs(attribute.g)


def replace(graph: onnx.GraphProto, gone: set[int], writer: Writer, at: int) -> None:
    """Put what was written in place of the nodes of these indices, in front of the node `at`."""
    nodes = list(graph.node)
    kept = [n for i, n in enumerate(nodes[:at]) if i not in gone]
    kept += writer.nodes
    kept += [n for i, n in enumerate(nodes[at:], at) if i not in gone]
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in kept]
    del graph.node[:]
    graph.node.extend(copies)
    graph.initializer.extend(writer.tensors)


def numbered(places: Sequence[Sequence[Index]]) -> tuple[Index, list[Index]] | None:
    """What values hold together at each step, (steps, inputs), and where in it each value's elements lie.

    places: for each step the places of several values. None if the values do not hold the same at every step.
    """
    if sum(part.size for step in places for part in step) > MOST_ELEMENTS:
        return None
    found: Index | None = None
    every = []
    for step in places:
        flat = np.concatenate([part.reshape(-1) for part in step])
        elements, where = np.unique(flat, return_inverse=True)
        if found is not None and not np.array_equal(found, where.reshape(-1)):
            return None
        found = where.reshape(-1)
        every.append(elements)
    assert found is not None
    ends = np.cumsum([part.size for part in places[0]])
    inside = [part.reshape(p.shape) for part, p in zip(np.split(found, ends[:-1]), places[0], strict=True)]
    return np.stack(every), inside
