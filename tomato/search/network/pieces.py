"""A network on codes in integers, layer by layer: what was found for a layer is kept for equal ones.

The compiler turns reals between codes into exact integers (`quantise.absorb`), which takes a while for codes of 8 bits.
Between two values with codes nothing depends on what else there is in the network, so each such piece is turned alone.
"""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Final

from tomato.core.formats import Codes
from tomato.core.interface import Said
from tomato.core.ir import Builder, Graph, Node, Op, TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.join import Add
from tomato.ops.pool import GlobalSum, SumPool
from tomato.ops.quantise import Dequantise, Quantise
from tomato.ops.real import Clip
from tomato.ops.weighted import Weighted
from tomato.passes import QUANTISED, run
from tomato.quantise.absorb import absorb

KINDS: Final[dict[type[Op], str]] = {
    Conv2d: "Conv", Dense: "Gemm", Add: "Add", GlobalSum: "GlobalAveragePool", SumPool: "AveragePool", Clip: "Relu",
    Quantise: "QuantizeLinear", Dequantise: "DequantizeLinear",
}  # fmt: skip
"""What the exported file calls the first node of a layer: runtimes round what they fuse in their own way."""
BYTE: Final = Codes.of(8, signed=True)
Pieces = dict[Hashable, Graph]
"""Integer graphs by the operators, with the places of their arguments, and the types of what they read."""


def in_integers(graph: Graph, kept: Pieces) -> Graph:
    """What `absorb` makes of a network whose every layer has codes behind it, from pieces; new ones are added.

    graph: of `coded`: one input, which a Quantise reads; outputs are reals.
    """
    ((image, _),) = graph.inputs
    (first,) = (n for n in graph if n.args == (image,))
    assert isinstance(first.op, Quantise), "the input is quantised at once"
    build = Builder([(image, TensorType(first.type.shape, first.type.codes))])
    codes = {first.name: image}
    ends = {n.name for n in graph if isinstance(n.op, Quantise)} | set(graph.outputs)
    for node in graph:
        if node.name == first.name:
            continue
        if node.name in ends:
            codes[node.name] = _piece(graph, node, build, codes, kept)
        elif node.args[0] in codes and not isinstance(node.op, Dequantise):
            codes[node.name] = build.add(node.op, [codes[a] for a in node.args], node.name)
    outputs = tuple(codes[name] for name in graph.outputs)
    return Graph(graph.name, ((image, build.types[image]),), tuple(build.nodes), outputs)


def _piece(graph: Graph, end: Node, build: Builder, codes: dict[str, str], kept: Pieces) -> str:
    """Append the integers of all between codes and `end`; the name of its codes."""
    nodes = _between(graph, end)
    starts = [n for n in nodes if isinstance(n.op, Dequantise)]
    given = [codes[n.args[0]] for n in starts]
    places = {n.name: i for i, n in enumerate(nodes)}
    kinds = tuple(build.types[name] for name in given)
    key = tuple((n.op, tuple(places.get(a, -1) for a in n.args)) for n in nodes), kinds
    if key not in kept:
        kept[key] = _absorbed(nodes, starts, kinds)
    found = kept[key]
    names = dict(zip((name for name, _ in found.inputs), given, strict=True))
    for node in found:
        names[node.name] = build.add(node.op, [names[a] for a in node.args], f"{end.name}_{node.name}")
    return names[found.outputs[0]]


def _between(graph: Graph, end: Node) -> list[Node]:
    """A node and all in front of it up to where codes become reals, in order."""
    makers, wanted, found = graph.producers, [end.name], dict[str, Node]()
    while wanted:
        node = makers[wanted.pop()]
        found[node.name] = node
        if not isinstance(node.op, Dequantise):
            wanted += [a for a in node.args if a not in found]
    return [n for n in graph if n.name in found]


def _absorbed(nodes: Sequence[Node], starts: Sequence[Node], kinds: Sequence[TensorType]) -> Graph:
    """The integers of these nodes alone, on reals that are quantised to what the first ones read."""
    inputs, made, names = [], list[Node](), dict[str, str]()
    labels: dict[tuple[str, ...], str] = {}
    called, weights = dict[str, str](), dict[str, Codes]()
    for i, (node, kind) in enumerate(zip(starts, kinds, strict=True)):
        inputs.append((f"in{i}", node.type))
        op = node.op
        assert isinstance(op, Dequantise)
        coded = Quantise(op.scale, op.zero, kind.codes.lo, kind.codes.hi, kind=op.kind)
        made.append(Node(f"codes{i}", coded, (f"in{i}",), TensorType(kind.shape, Codes(kind.codes.lo, kind.codes.hi))))
        names[node.args[0]] = f"codes{i}"
    for i, node in enumerate(nodes):
        names[node.name] = f"n{i}"
        label = labels.setdefault(node.origin, f"n{i}")
        if label not in called:
            called[label] = KINDS[type(node.op)]
        if isinstance(node.op, Weighted):
            weights[label] = BYTE
        made.append(replace(node, name=f"n{i}", args=tuple(names[a] for a in node.args), origin=(label,)))
    alone = Graph("piece", tuple(inputs), tuple(made), (made[-1].name,))
    return absorb(run(alone, QUANTISED), Said(called, weights)).graph
