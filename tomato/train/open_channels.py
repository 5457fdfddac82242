"""What gates leave of the work of layers: channels that are 0 are neither computed nor read."""

from collections.abc import Mapping

from tomato.core.ir import Graph, Node, Op
from tomato.core.treatment import Treatment
from tomato.ops.join import Multiply
from tomato.ops.keep_largest import KeepLargest
from tomato.ops.quantise import Bias, Dequantise, Quantise
from tomato.ops.real import Affine, Clip
from tomato.ops.weighted import Weighted

BEHIND = Affine, Bias, Clip, Quantise, Dequantise
"""What may stand between a layer and its gates."""


def open_channels(graph: Graph) -> dict[str, float]:
    """The share of the channels of every value that gates leave; 1 where none are in front."""
    found = dict.fromkeys((name for name, _ in graph.inputs), 1.0)
    for node in graph:
        shares = [found[a] for a in node.args]
        match node.op:
            case KeepLargest(keep):
                found[node.name] = keep / node.type.channels
            case Multiply():
                found[node.name] = min(shares)
            case op if len(shares) == 1 and (op.treatment in (Treatment.MOVES, Treatment.CROSSES) or _keeps_0(op)):
                found[node.name] = shares[0]
            case _:
                found[node.name] = 1.0
    return found


def gated_work(graph: Graph) -> dict[str, float]:
    """The share of the multiply-accumulates that is left of each layer with gates: of channels in, times those out."""
    shares, uses, found = open_channels(graph), graph.uses, dict[str, float]()
    for node in graph:
        if isinstance(node.op, Weighted) and node.op.groups == 1:
            product = _product(node, uses)
            if product is not None and shares[product] < 1.0:
                found[node.name] = shares[node.args[0]] * shares[product]
    return found


def _keeps_0(op: Op) -> bool:
    return isinstance(op, Clip) and op.lo <= 0.0 <= op.hi


def _product(node: Node, uses: Mapping[str, list[Node]]) -> str | None:
    """The product that alone reads a layer, where there is one."""
    while len(uses[node.name]) == 1:
        (node,) = uses[node.name]
        if isinstance(node.op, Multiply):
            return node.name
        if not isinstance(node.op, BEHIND):
            return None
    return None
