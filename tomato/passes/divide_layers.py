"""Layers that are larger than a region of a chip become several, each with a part of the filters or of the columns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tomato.core.formats import Tensor
from tomato.core.ir import Builder, Graph, Node, Op
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.move import Concat, Reshape, Slice
from tomato.ops.requant import Requant
from tomato.ops.weighted import Weighted
from tomato.passes.rewrite import read_once


@dataclass(frozen=True, slots=True)
class Division:
    """How a layer is divided: so many parts, each with neighbouring filters, or with every so-manieth column."""

    parts: int
    columns: bool = False

    def __str__(self) -> str:
        return f"{self.parts} by {'columns' if self.columns else 'filters'}"


def divisible(graph: Graph) -> Iterator[tuple[Node, Node]]:
    """On codes: the layers that can be divided, each with the requantisation that alone reads its sums."""
    alone, uses = read_once(graph), graph.uses
    for node in graph:
        if not isinstance(node.op, Conv2d | Dense) or node.op.groups > 1 or node.name not in alone:
            continue
        (reader,) = uses[node.name]
        if isinstance(reader.op, Requant) and reader.name not in graph.outputs:
            yield node, reader


def suits(node: Node, division: Division) -> bool:
    """Whether a layer has equal parts of that kind: columns are of matrix products, which see one pixel at a time."""
    if division.columns:
        return isinstance(node.op, Dense) and node.type.shape[1] % division.parts == 0
    return node.type.channels % division.parts == 0


def divide_layers(graph: Graph, divisions: Mapping[str, Division]) -> Graph:
    """On codes: these layers, by name, as several with their own requantisations, whose results are joined again.

    Every value keeps its codes, and the joined result its name. Exact: filters, and the pixels of a matrix product,
    have nothing to do with each other.
    """
    readers = {node.name: reader for node, reader in divisible(graph) if node.name in divisions}
    layers = {readers[node.name].name: node for node in graph if node.name in readers}

    def rewrite(node: Node, build: Builder) -> str | None:
        if node.name in readers:
            return node.args[0]  # its parts are built where its sums are read
        if (layer := layers.get(node.name)) is None:
            return None
        made = _columns if divisions[layer.name].columns else _filters
        return made(build, node.args[0], layer, node, divisions[layer.name].parts)

    return graph.rebuild(rewrite)


def _filters(build: Builder, x: str, layer: Node, reader: Node, parts: int) -> str:
    """Every part has neighbouring filters; their results are concatenated."""
    each = layer.type.channels // parts
    found = []
    for i in range(parts):
        sums = build.add(_some(layer.op, i * each, each), [x], f"{layer.name}_part{i}", layer.origin)
        found.append(build.add(_some(reader.op, i * each, each), [sums], f"{reader.name}_part{i}", reader.origin))
    return build.add(Concat(), found, reader.name, reader.origin)


def _columns(build: Builder, x: str, layer: Node, reader: Node, parts: int) -> str:
    """Columns side by side are one pixel, of which every part takes one column."""
    height, width, channels = build.types[x].shape
    rows = (height, width // parts, channels * parts)
    beside = build.add(Reshape(rows), [x], f"{layer.name}_beside", layer.origin)
    found = []
    for i in range(parts):
        low, high = (0, 0, i * channels), (*rows[:2], (i + 1) * channels)
        column = build.add(Slice(low, high), [beside], f"{layer.name}_column{i}", layer.origin)
        sums = build.add(layer.op, [column], f"{layer.name}_part{i}", layer.origin)
        found.append(build.add(reader.op, [sums], f"{reader.name}_part{i}", reader.origin))
    joined = build.add(Concat(), found, f"{reader.name}_beside", reader.origin)
    return build.add(Reshape(layer.type.shape), [joined], reader.name, reader.origin)


def _some(op: Op, begin: int, count: int) -> Op:
    """The same of some of the channels that it makes."""
    some = slice(begin, begin + count)
    if isinstance(op, Requant):
        nudges = op.nudges and Tensor(op.nudges.values[some])
        return replace(op, mult=Tensor(op.mult.values[some]), bias=Tensor(op.bias.values[some]), nudges=nudges)
    assert isinstance(op, Weighted)
    return replace(op, weight=Tensor(op.weight.values[..., some]))
