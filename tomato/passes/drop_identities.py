"""Remove operators that change nothing."""

from math import inf

import numpy as np

from tomato.core.ir import Builder, Graph, Node, TensorType
from tomato.ops.edge_pad import EdgePad
from tomato.ops.move import Concat, DepthToSpace, Flip, Pad, Reshape, Slice, SpaceToDepth, Transpose, Upsample
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.real import Affine, Clip, Function
from tomato.passes.rewrite import is_identity


def drop_identities(graph: Graph) -> Graph:
    """Drop every node whose value equals its argument, and what becomes unused.

    1. Affine by 1 plus 0, Clip to all reals, Function "x".
    2. Movement that moves nothing: Reshape and Transpose to the same order, Pad and EdgePad by nothing, Slice of
       everything, Upsample, DepthToSpace and SpaceToDepth by 1, Concat of one.
    3. Pools over one pixel.
    """

    def rewrite(node: Node, build: Builder) -> str | None:
        return node.args[0] if _changes_nothing(node, build.types[node.args[0]]) else None

    return graph.rebuild(rewrite).prune()


def _changes_nothing(node: Node, x: TensorType) -> bool:
    match node.op:
        case Affine() as op:
            return is_identity(op)
        case Clip(lo, hi):
            return (lo, hi) == (-inf, inf)
        case Function(expression):
            return expression == "x"
        case GlobalSum():
            return x.pixels == 1
        case MaxPool(window) | SumPool(window):
            return window.is_pointwise
    return _moves_nothing(node, x)


def _moves_nothing(node: Node, x: TensorType) -> bool:
    match node.op:
        case Reshape() | Slice():
            return node.type.shape == x.shape
        case Transpose(view, perm, shape):
            kept = [p for p in perm if view[p] > 1]
            return shape == x.shape and bool(np.all(np.diff(kept) > 0))
        case Pad(pads) | EdgePad(pads):
            return not any(pads)
        case Flip(rows, columns):
            height, width, _ = x.shape
            return not (rows and height > 1) and not (columns and width > 1)
        case Upsample((1, 1)) | DepthToSpace(1) | SpaceToDepth(1):
            return True
    return isinstance(node.op, Concat) and len(node.args) == 1
