"""Merge neighbours of a kind: two Affine, two Clip, two Reshape."""

import numpy as np

from tomato.core.ir import Builder, Graph, Node, Op
from tomato.ops.move import Reshape
from tomato.ops.real import Affine, Clip
from tomato.passes.groups import join_origins
from tomato.passes.rewrite import compact, defining, read_once


def merge_lines(graph: Graph) -> Graph:
    """Let the second of two neighbours do the work of both, where nothing else reads the first.

    1. Affine(a, b) then Affine(c, d): Affine(a * c, b * c + d).
    2. Clip then Clip: the limits of the first limited by the second.
    3. Reshape then Reshape: the second.
    """
    alone = read_once(graph)

    def rewrite(node: Node, build: Builder) -> str | None:
        first = defining(build, node.args[0])
        merged = _merge(first.op, node.op) if first and first.name in alone else None
        if first is None or merged is None:
            return None
        return build.add(merged, first.args, node.name, join_origins(first, node))

    return graph.rebuild(rewrite).prune()


def _merge(first: Op, second: Op) -> Op | None:
    match first, second:
        case Affine(a, b), Affine(c, d):
            offset = b.values * c.values + d.values
            return Affine(compact(a.values * c.values), compact(offset))
        case Clip(lo, hi), Clip(least, most):
            return Clip(float(np.clip(lo, least, most)), float(np.clip(hi, least, most)))
        case Reshape(), Reshape():
            return second
    return None
