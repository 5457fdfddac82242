"""Weighted sums and the requantisations behind them become one operator, for engines that do both."""

from collections.abc import Iterator, Set
from dataclasses import replace

from tomato.core.ir import Graph, Node
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.narrowed import Narrowed
from tomato.ops.requant import Requant


def narrowable(graph: Graph) -> dict[str, tuple[Node, Node]]:
    """The sums that nothing but a requantisation reads, and that one, by its name."""
    nodes, uses, found = graph.producers, graph.uses, {}
    for node in graph:
        maker = nodes.get(node.args[0])
        if not isinstance(node.op, Requant) or maker is None or not isinstance(maker.op, Conv2d | Dense):
            continue
        if len(uses[maker.name]) == 1 and maker.name not in graph.outputs:
            found[node.name] = maker, node
    return found


def narrow_sums(graph: Graph, names: Set[str]) -> Graph:
    """The graph in which each requantisation of `names` is one operator with the sum in front of it, by its name."""
    pairs = {name: pair for name, pair in narrowable(graph).items() if name in names}
    gone = {maker.name for maker, _ in pairs.values()}

    def made() -> Iterator[Node]:
        for node in graph:
            if node.name in pairs:
                maker, narrow = pairs[node.name]
                assert isinstance(maker.op, Conv2d | Dense)
                assert isinstance(narrow.op, Requant)
                origin = tuple(dict.fromkeys((*maker.origin, *narrow.origin)))
                yield replace(narrow, op=Narrowed(maker.op, narrow.op), args=maker.args, origin=origin)
            elif node.name not in gone:
                yield node

    kept = {name: meaning for name, meaning in graph.encodings.items() if name not in gone}
    return replace(graph, nodes=tuple(made()), encodings=kept)
