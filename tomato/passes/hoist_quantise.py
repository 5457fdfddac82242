"""Quantise ahead of data movement, so that codes move instead of wide accumulators."""

import numpy as np

from tomato.core.ir import Builder, Graph, Node, Op
from tomato.core.treatment import Treatment
from tomato.ops.quantise import Quantise
from tomato.passes.groups import join_origins


def hoist_quantise(graph: Graph) -> Graph:
    """Movement, then Quantise: every argument quantised, then the movement.

    Exact: a movement picks values (or their maximum, which a rounding that never falls keeps). A border
    becomes its code. Only one scale for all channels moves, and only where all that reads the movement quantises alike.
    """
    behind = _quantise_behind(graph)
    made: dict[tuple[str, Op], str] = {}

    def rewrite(node: Node, build: Builder) -> str | None:
        if node.name in behind:
            last = behind[node.name]
            assert isinstance(last.op, Quantise)
            op, args = node.op, list(node.args)
            for i, arg in enumerate(args):
                if i >= op.conditions and not build.types[arg].is_codes:
                    if (arg, last.op) not in made:
                        made[arg, last.op] = build.add(last.op, (arg,), last.name, last.origin)
                    args[i] = made[arg, last.op]
            if op.border is not None:
                op = op.with_border(int(last.op.golden([np.full(1, float(op.border))])[0]))
            return build.add(op, args, node.name, join_origins(node, last))
        if isinstance(node.op, Quantise) and build.types[node.args[0]].is_codes:
            return node.args[0]
        return None

    return graph.rebuild(rewrite).prune()


def _quantise_behind(graph: Graph) -> dict[str, Node]:
    """For each movement that feeds, alone or through others, nothing but Quantises that are alike: one of them."""
    uses, found = graph.uses, {n.name: n for n in graph if isinstance(n.op, Quantise)}
    for node in reversed(graph.nodes):
        if node.op.treatment is not Treatment.MOVES or node.name in graph.outputs:
            continue
        behind = [found.get(reader.name) for reader in uses[node.name]]
        first = behind[0] if behind else None
        if first is None or any(other is None or other.op != first.op for other in behind):
            continue
        assert isinstance(first.op, Quantise)
        if first.op.scale.shape == first.op.zero.shape == (1,):
            found[node.name] = first
    return {name: last for name, last in found.items() if name != last.name}
