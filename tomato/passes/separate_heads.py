"""Heads of attention as products of their own, where their channels would divide into no beats."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tomato.core.ir import Builder, Graph, Node
from tomato.ops.matmul import MatMul
from tomato.ops.move import Concat, Slice
from tomato.ops.quantise import Dequantise, Quantise
from tomato.ops.real import Affine, Clip, Function, per_channel
from tomato.ops.softmax import Softmax
from tomato.passes.rewrite import read_once

MOST_LANES = 32
"""Lanes of a sensible stream."""


@dataclass(frozen=True)
class Attention:
    """Scores, what is computed of them one by one or row by row, and the product with the values."""

    scores: Node
    chain: tuple[Node, ...]
    product: Node
    groups: int


def separate_heads(graph: Graph) -> Graph:
    """Attention of several heads over so many pixels that no useful number divides them: a chain for every head.

    The beats of a stream carry channels of one group each, so 3 heads of 197 scores would come one by one. A head alone
    has beats of any size, the last one ragged. Exact: heads have nothing to do with each other.
    """
    found = {a.product.name: a for node in graph if (a := _attention(graph, node)) is not None}

    def rewrite(node: Node, build: Builder) -> str | None:
        if (whole := found.get(node.name)) is None:
            return None
        heads = [_head(graph, build, whole, head) for head in range(whole.groups)]
        return build.add(Concat(), heads, node.name, node.origin)

    return graph.rebuild(rewrite).prune() if found else graph


def _attention(graph: Graph, scores: Node) -> Attention | None:
    """The attention that begins with these scores, if its heads are to be separated."""
    op = scores.op
    if not isinstance(op, MatMul) or not op.transposed or op.groups == 1:
        return None
    columns = scores.type.channels // op.groups
    if any(columns % n == 0 for n in range(2, MOST_LANES + 1)):
        return None
    alone, chain, last = read_once(graph), list[Node](), scores
    while last.name in alone:
        before, (last,) = last, graph.uses[last.name]
        if isinstance(last.op, MatMul):
            suits = last.args[0] == before.name and last.op.groups == op.groups and not last.op.transposed
            return Attention(scores, tuple(chain), last, op.groups) if suits else None
        if not _headwise(last, op.groups):
            return None
        chain.append(last)
    return None


def _headwise(node: Node, groups: int) -> bool:
    """Whether a node does the same to every head."""
    match node.op:
        case Clip():
            return True
        case Function(expression):
            return not per_channel(expression)
        case Softmax():
            return node.op.groups == groups
        case Affine() | Quantise() | Dequantise():
            return all(constant.values.size == 1 for constant in node.op.constants)
    return False


def _head(graph: Graph, build: Builder, whole: Attention, head: int) -> str:
    """One head's share of an attention, under construction."""

    def add(node: Node, args: Sequence[str]) -> str:
        op = replace(node.op, groups=1) if isinstance(node.op, MatMul | Softmax) else node.op
        return build.add(op, args, f"{node.name}_head{head}", node.origin)

    def part(reader: Node, value: str) -> str:
        return _part(graph, build, reader, value, whole.groups, head)

    value = add(whole.scores, [part(whole.scores, arg) for arg in whole.scores.args])
    for node in whole.chain:
        value = add(node, [value])
    return add(whole.product, [value, part(whole.product, whole.product.args[1])])


def _part(graph: Graph, build: Builder, reader: Node, value: str, groups: int, head: int) -> str:
    """The channels of one head."""
    height, width, channels = graph.types[value].shape
    each = channels // groups
    begin, source, first = head * each, value, (0, 0, 0)
    maker = graph.producers.get(value)
    if maker is not None and isinstance(maker.op, Slice) and maker.op.step == (1, 1):
        source, first = maker.args[0], maker.op.begin
    low = (first[0], first[1], first[2] + begin)
    high = (first[0] + height, first[1] + width, first[2] + begin + each)
    return build.add(Slice(low, high), [source], f"{value}_head{head}", reader.origin)
