"""Move an Affine behind the convolution or matrix product that reads it."""

from dataclasses import replace

import numpy as np

from tomato.core.formats import Tensor
from tomato.core.ir import Builder, Graph, Node
from tomato.core.treatment import Treatment
from tomato.ops.real import Affine
from tomato.ops.weighted import Weighted
from tomato.passes.groups import join_origins
from tomato.passes.rewrite import ONE, compact, defining, read_once


def fold_affine_forward(graph: Graph) -> Graph:
    """Affine(scale, offset), then Conv2d or Dense: scaled weights, then Affine(1, what the offset adds up to).

    Where the border reads 0 behind the Affine, only without an offset. An Affine behind arithmetic stays: it
    costs nothing there. An Affine that several read stays too.
    """
    alone = read_once(graph)

    def rewrite(node: Node, build: Builder) -> str | None:
        front = defining(build, node.args[0])
        if front is None or front.name not in alone or not isinstance(front.op, Affine):
            return None
        source = defining(build, front.args[0])
        if not isinstance(node.op, Weighted) or (source and source.op.treatment is Treatment.EXACT):
            return None
        if _border_changes(node.op, front.op):
            return None
        return _swap(front, front.op, node, node.op, build)

    return graph.rebuild(rewrite).prune()


def _swap(front: Node, affine: Affine, node: Node, op: Weighted, build: Builder) -> str:
    weight, channels = op.weight.values, front.type.channels
    scale = op.per_weight(np.broadcast_to(affine.scale.values, channels))
    offset = op.per_weight(np.broadcast_to(affine.offset.values, channels))
    added = (weight * offset).sum(axis=op.summed)
    scaled = replace(op, weight=Tensor(weight * scale))
    name = build.add(scaled, front.args, node.name, join_origins(front, node))
    if not added.any():
        return name
    return build.add(Affine(ONE, compact(added)), (name,), f"{node.name}_offset", front.origin)


def _border_changes(op: Weighted, affine: Affine) -> bool:
    """Whether the border would have to read something else in front of the Affine."""
    return op.border is not None and bool(affine.offset.values.any() or op.border)
