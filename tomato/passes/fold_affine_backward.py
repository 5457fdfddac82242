"""Scale weights by the Affine behind them."""

from dataclasses import replace

from tomato.core.formats import Tensor
from tomato.core.ir import Builder, Graph, Node
from tomato.ops.real import Affine
from tomato.ops.weighted import Weighted
from tomato.passes.rewrite import ONE, read_once


def fold_affine_backward(graph: Graph) -> Graph:
    """Conv2d or Dense, then Affine(scale, offset): the scale goes into the weights, Affine(1, offset) stays.

    Only where the Affine alone reads the sum. Output channels are the last axis of either weight.
    """
    alone, uses, producers = read_once(graph), graph.uses, graph.producers

    def weighted(name: str) -> bool:
        return name in alone and name in producers and isinstance(producers[name].op, Weighted)

    def rewrite(node: Node, build: Builder) -> str | None:
        if isinstance(node.op, Weighted) and node.name in alone and isinstance(behind := uses[node.name][0].op, Affine):
            scaled = Tensor(node.op.weight.values * behind.scale.values)
            return build.add(replace(node.op, weight=scaled), node.args, node.name, node.origin)
        if isinstance(node.op, Affine) and weighted(node.args[0]):
            return build.add(Affine(ONE, node.op.offset), node.args, node.name, node.origin)
        return None

    return graph.rebuild(rewrite)
