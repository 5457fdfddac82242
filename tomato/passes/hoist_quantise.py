"""Quantise ahead of data movement, so that codes move instead of wide accumulators."""

from dataclasses import replace

import numpy as np

from tomato.ir import Builder, Graph, Node
from tomato.ops.move import Pad
from tomato.ops.quantise import Quantise
from tomato.passes.groups import MOVEMENT, join_origins
from tomato.passes.rewrite import read_once


def hoist_quantise(graph: Graph) -> Graph:
    """Movement, then Quantise: every argument quantised, then the movement.

    Exact: a movement picks values (or their maximum, which a rounding that never falls keeps). A border
    becomes its code. Only one scale for all channels moves, and only where nothing else reads the movement.
    """
    behind = _quantise_behind(graph)

    def rewrite(node: Node, build: Builder) -> str | None:
        if node.name in behind:
            last = behind[node.name]
            assert isinstance(last.op, Quantise)
            op, args = node.op, list(node.args)
            for i, arg in enumerate(args):
                if not build.types[arg].is_codes:
                    args[i] = build.add(last.op, (arg,), last.name, last.origin)
            if isinstance(op, Pad):
                op = replace(op, value=int(last.op.golden([np.full(1, float(op.value))])[0]))
            return build.add(op, args, node.name, join_origins(node, last))
        if isinstance(node.op, Quantise) and build.types[node.args[0]].is_codes:
            return node.args[0]
        return None

    return graph.rebuild(rewrite).prune()


def _quantise_behind(graph: Graph) -> dict[str, Node]:
    """For each movement that feeds, alone or through others, nothing but one Quantise: that Quantise."""
    alone, uses = read_once(graph), graph.uses
    found: dict[str, Node] = {}
    for node in reversed(graph.nodes):
        if not isinstance(node.op, MOVEMENT) or node.name not in alone:
            continue
        reader = uses[node.name][0]
        if isinstance(reader.op, Quantise) and reader.op.scale.shape == reader.op.zero.shape == (1,):
            found[node.name] = reader
        elif reader.name in found:
            found[node.name] = found[reader.name]
    return found
