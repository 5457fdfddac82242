"""Two quantisations in a row become the one that ONNX Runtime makes of them."""

import numpy as np

from tomato import kernels
from tomato.formats import Codes, Tensor
from tomato.ir import Builder, Graph, Node
from tomato.kernels import Quantisation
from tomato.ops.quantise import Dequantise, Quantise
from tomato.passes.groups import join_origins
from tomato.passes.rewrite import defining, read_once

BITS = 8
"""Pairs of wider codes stay as they are."""


def merge_pairs(graph: Graph) -> Graph:
    """Quantise, Dequantise, Quantise, Dequantise with codes of one type: one pair with parameters of its own.

    Only where nothing else reads the first pair, and only Dequantise the second Quantise.
    """
    alone, uses = read_once(graph), graph.uses
    merged: dict[str, Quantisation] = {}

    def rewrite(node: Node, build: Builder) -> str | None:
        if isinstance(node.op, Dequantise) and node.args[0] in merged:
            new = merged[node.args[0]]
            return build.add(Dequantise(*_constants(new)), node.args, node.name, node.origin)
        if not isinstance(node.op, Quantise) or not all(isinstance(r.op, Dequantise) for r in uses[node.name]):
            return None
        back = defining(build, node.args[0])
        first = defining(build, back.args[0]) if back and isinstance(back.op, Dequantise) else None
        if back is None or first is None or not {back.name, first.name} <= alone or node.name in graph.outputs:
            return None
        if not isinstance(first.op, Quantise) or not _alike(first.op, node.op):
            return None
        new = merged[node.name] = kernels.merge_pairs(_quantisation(first.op), _quantisation(node.op))
        op = Quantise(*_constants(new), new.codes.lo, new.codes.hi)
        return build.add(op, first.args, node.name, join_origins(first, back, node))

    return graph.rebuild(rewrite).prune()


def _alike(first: Quantise, second: Quantise) -> bool:
    """Whether both make 8-bit codes of one type, as ONNX Runtime does, with one scale for all channels."""
    both = (first, second)
    return (
        (first.lo, first.hi) == (second.lo, second.hi)
        and Codes(first.lo, first.hi).bits == BITS
        and all(op.arithmetic == "onnxruntime" and op.scale.shape == op.zero.shape == (1,) for op in both)
    )


def _quantisation(op: Quantise) -> Quantisation:
    return Quantisation(float(op.scale.values[0]), int(op.zero.values[0]), Codes(op.lo, op.hi))


def _constants(new: Quantisation) -> tuple[Tensor, Tensor]:
    return Tensor(np.array([new.scale])), Tensor(np.array([float(new.zero)]))
