"""QONNX's channels-last layers become ONNX's own between transpositions, which the walk turns into index maps."""

import onnx
from onnx import helper

DOMAINS = frozenset({"qonnx.custom_op.channels_last", "finn.custom_op.channels_last"})
LAYERS = frozenset({"Conv", "MaxPool", "BatchNormalization"})
KEEP_RANK = frozenset(
    {"Quant", "IntQuant", "BipolarQuant", "Trunc", "FloatQuant", "MultiThreshold", "Relu", "Mul", "Add", "Sub", "Div",
     "Clip", "Identity", "Transpose", "Pad"}
)  # fmt: skip
"""Operators whose result has as many axes as their first input."""


def unwrap(model: onnx.ModelProto) -> None:
    """Rewrite, in place, every such layer whose number of axes is known; the others are refused as unknown."""
    graph = model.graph
    if not any(node.domain in DOMAINS for node in graph.node):
        return
    ranks = {v.name: len(v.type.tensor_type.shape.dim) for v in (*graph.input, *graph.value_info)}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        kernel = next((len(a.ints) for a in node.attribute if a.name == "kernel_shape"), 0)
        rank = kernel + 2 if kernel else ranks.get(node.input[0], 0) if node.input else 0
        if node.domain in DOMAINS and node.op_type in LAYERS and rank:
            ranks[node.output[0]] = rank
            nodes += _between(node, rank)
            continue
        if node.op_type in KEEP_RANK and node.input and node.input[0] in ranks:
            ranks[node.output[0]] = ranks[node.input[0]]
        nodes.append(node)
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(kept)


def _between(node: onnx.NodeProto, rank: int) -> list[onnx.NodeProto]:
    """The layer of ONNX, transpositions of what it reads in front of it, and one of its result behind it."""
    first = [0, rank - 1, *range(1, rank - 1)]
    last = [0, *range(2, rank), 1]
    stem = node.name or node.output[0]
    count = 2 if node.op_type == "Conv" else 1
    inner = onnx.NodeProto.FromString(node.SerializeToString())
    inner.domain = ""
    before = []
    for i, name in enumerate(node.input[:count]):
        inner.input[i] = f"{stem} channels first {i}"
        before.append(helper.make_node("Transpose", [name], [inner.input[i]], f"{stem}_first_{i}", perm=first))
    inner.output[0] = f"{stem} channels first"
    behind = helper.make_node("Transpose", [inner.output[0]], [node.output[0]], f"{stem}_last", perm=last)
    return [*before, inner, behind]
