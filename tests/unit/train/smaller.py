"""What tests of networks made smaller share."""

from collections.abc import Mapping

from tomato.core.formats import Array, Tensor
from tomato.core.ir import Builder, Graph, Node
from tomato.ops.weighted import Weighted
from tomato.train.named import with_weight


def reweighted(graph: Graph, change: Mapping[str, Array]) -> Graph:
    """The graph with other weights in some layers."""

    def rewrite(node: Node, build: Builder) -> str | None:
        if node.name not in change:
            return None
        assert isinstance(node.op, Weighted)
        return build.add(with_weight(node.op, Tensor(change[node.name])), node.args, node.name, node.origin)

    return graph.rebuild(rewrite)


def macs(graph: Graph) -> int:
    return sum(node.op.macs(graph.args_of(node)) for node in graph)


def weights(graph: Graph) -> int:
    return sum(node.op.weight.values.size for node in graph if isinstance(node.op, Weighted))
