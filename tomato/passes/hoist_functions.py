"""Functions ahead of data movement, so that they meet the arithmetic in front of it and cost nothing there."""

from tomato.core.ir import Builder, Graph, Node
from tomato.core.treatment import Treatment
from tomato.ops.move import Reshape
from tomato.ops.real import Affine, Clip, Function, per_channel
from tomato.passes.groups import join_origins
from tomato.passes.rewrite import read_once


def hoist_functions(graph: Graph) -> Graph:
    """Movement, then a function that is the same for all channels: the function of every argument, then the movement.

    Exact: a movement picks values, and limits keep the greatest of them the greatest. Only where nothing else reads
    what moved, or what it is made of; and no network ends in a Reshape because of it, as that is no hardware.
    """
    while behind := _behind(graph):
        gone = {reader.name: name for name, reader in behind.items()}

        def rewrite(
            node: Node, build: Builder, behind: dict[str, Node] = behind, gone: dict[str, str] = gone
        ) -> str | None:
            if node.name in gone:
                return node.args[0]
            if (last := behind.get(node.name)) is None:
                return None
            first = node.op.conditions
            ahead = [build.add(last.op, (arg,), last.name, last.origin) for arg in node.args[first:]]
            return build.add(node.op, (*node.args[:first], *ahead), node.name, join_origins(node, last))

        graph = graph.rebuild(rewrite)
    return graph


def _behind(graph: Graph) -> dict[str, Node]:
    """For movements that one function reads: that function. None of them is read by another of them."""
    uses, alone, found, taken = graph.uses, read_once(graph) - dict(graph.inputs).keys(), dict[str, Node](), set[str]()
    for node in graph:
        if node.op.treatment is not Treatment.MOVES or node.op.border is not None:
            continue
        if alone.issuperset((node.name, *node.args[node.op.conditions :])) and taken.isdisjoint(node.args):
            (reader,) = uses[node.name]
            ends = isinstance(node.op, Reshape) and reader.name in graph.outputs
            if _uniform(node, reader) and not ends:
                found[node.name] = reader
                taken.update((node.name, reader.name))
    return found


def _uniform(movement: Node, reader: Node) -> bool:
    match reader.op:
        case Clip():
            return True
        case Affine(scale, offset):
            return not movement.op.by_order and scale.values.size == offset.values.size == 1
        case Function(expression):
            return not movement.op.by_order and not per_channel(expression)
    return False
