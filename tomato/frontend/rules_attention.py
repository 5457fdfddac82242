"""Attention that comes as one node, ONNX's or ONNX Runtime's, and what ONNX Runtime's optimiser puts around it."""

from dataclasses import dataclass, replace

import numpy as np

from tomato.core.formats import Array
from tomato.frontend import translate
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.rules_arithmetic import MASKED
from tomato.frontend.rules_qoperator import Expansion
from tomato.frontend.rules_softmax import softmaxed
from tomato.frontend.walk import Rule, Walk

PACKED, STACKS = 3, 4
"""Axes of (batch, token, channel), and of (batch, head, token, channel)."""
APART, BACK = (0, 2, 1, 3), (0, 2, 3, 1)


@dataclass(frozen=True, slots=True)
class Heads:
    """How attention is shared out. scale: of the scores, 0 for 1 / root of a head's channels."""

    queries: int
    keys: int
    scale: float
    causal: bool


def from_attention(walk: Walk, node: OnnxNode) -> None:
    """Attention: ONNX's of three values, or ONNX Runtime's of one value and the weights of its projections."""
    if node.domain:
        _projected(walk, node)
        return
    _refuse(node, {4: "past keys", 5: "past values"})
    if max(node.integer(f"{side}_window_size", -1) for side in ("left", "right")) >= 0:
        raise RefusedError("expected no windows", "give a constant mask instead")
    if node.real("softcap", 0.0):
        raise RefusedError("expected no softcap", "bend the scores in front of a Softmax instead")
    shape = walk.view(node.inputs[0]).shape
    stacked = len(shape) == STACKS
    heads = Heads(
        shape[1] if stacked else node.integer("q_num_heads", 1),
        walk.view(node.inputs[1]).shape[1] if stacked else node.integer("kv_num_heads", 1),
        node.real("scale", 0.0), node.flag("is_causal", 0),
    )  # fmt: skip
    _attend(walk, node, node.inputs[:3], heads, _mask(walk, node, 3))


def from_multihead(walk: Walk, node: OnnxNode) -> None:
    """MultiHeadAttention (com.microsoft): of queries, keys and values, with the biases of all three in one."""
    _refuse(node, {4: "a padding mask", 6: "past keys", 7: "past values"})
    if not (node.has(1) and node.has(2)):
        raise RefusedError("expected queries, keys and values apart", "optimise the model without packing them")
    e, inputs = Expansion(walk, node), list(node.inputs[:3])
    if node.has(3):
        sizes = [walk.view(name).shape[-1] for name in inputs]
        parts = np.split(walk.weight(node, 3, "bias"), np.cumsum(sizes)[:-1])
        inputs = [e.run("Add", (name, e.constant(part))) for name, part in zip(inputs, parts, strict=True)]
    count = node.integer("num_heads", 1)
    heads = Heads(count, count, node.real("scale", 0.0), node.flag("unidirectional", 0))
    _attend(walk, node, inputs, heads, _mask(walk, node, 5), e)


def _projected(walk: Walk, node: OnnxNode) -> None:
    """Attention (com.microsoft): its projections are one product first."""
    _refuse(node, {3: "a mask of its lengths", 4: "past states"})
    if node.attributes.get("qkv_hidden_sizes") or node.flag("do_rotary", 0):
        raise RefusedError("expected equal projections without rotation", "optimise the model without fused attention")
    e, width = Expansion(walk, node), walk.weight(node, 1, "weight").shape[1] // 3
    packed = e.run("MatMul", node.inputs[:2])
    if node.has(2):
        packed = e.run("Add", (packed, node.inputs[2]))
    ends = [e.constant(np.array([n * width])) for n in range(4)]
    last = e.constant(np.array([-1]))
    inputs = [e.run("Slice", (packed, ends[n], ends[n + 1], last)) for n in range(3)]
    count = node.integer("num_heads", 1)
    heads = Heads(count, count, node.real("scale", 0.0), node.flag("unidirectional", 0))
    _attend(walk, node, inputs, heads, _mask(walk, node, 5), e)


def _refuse(node: OnnxNode, unknown: dict[int, str]) -> None:
    for index, what in unknown.items():
        if node.has(index):
            raise RefusedError(
                f"expected no {what.removeprefix('a ')}", "export the model for whole sequences without them"
            )


def _mask(walk: Walk, node: OnnxNode, index: int) -> Array | None:
    """The constant that is added to the scores; of truths where they are kept."""
    if not node.has(index):
        return None
    given = walk.model.constant(node, index)
    if given is None:
        raise RefusedError("expected a constant mask", "give every frame as many tokens")
    real = np.where(given, 0.0, MASKED) if given.dtype == np.bool_ else np.maximum(given, MASKED)
    return walk.finite(node.inputs[index], real)


def _attend(
    walk: Walk, node: OnnxNode, inputs: list[str] | tuple[str, ...], heads: Heads, mask: Array | None,
    e: Expansion | None = None,
) -> None:  # fmt: skip
    """Scores, their softmax, and what it makes of the values."""
    e = e or Expansion(walk, node)
    query, key, value = (
        _apart(walk, e, name, count, perm)
        for name, count, perm in zip(inputs, (heads.queries, heads.keys, heads.keys), (APART, BACK, APART), strict=True)
    )
    if heads.queries != heads.keys:
        key, value = (_shared(e, name, heads) for name in (key, value))
    _, _, rows, each = walk.view(query).shape
    columns = walk.view(key).shape[3]
    scores = e.run("MatMul", (query, key))
    scores = e.run("Mul", (scores, e.constant(np.asarray(heads.scale or each**-0.5))))
    if heads.causal:
        future = np.where(np.tri(rows, columns, columns - rows, dtype=bool), 0.0, MASKED)
        mask = future if mask is None else np.maximum(future + mask, MASKED)
    if mask is not None:
        scores = e.run("Add", (scores, e.constant(mask)))
    shares, scored = e.fresh(), walk.settle(scores)
    made = softmaxed(walk, scored, (len(scored.shape) - 1,))
    walk.put(shares, made.value, made.order)
    mixed = e.run("MatMul", (shares, value))
    if len(walk.view(inputs[0]).shape) == STACKS:
        e.to(node.outputs[0], "Identity", (mixed,))
        return
    shape = np.array([1, rows, heads.queries * walk.view(mixed).shape[3]])
    e.to(node.outputs[0], "Reshape", (e.run("Transpose", (mixed,), perm=APART), e.constant(shape)))


def _apart(walk: Walk, e: Expansion, name: str, heads: int, perm: tuple[int, ...]) -> str:
    """A value as (batch, head, token, channel), or with its last two axes exchanged."""
    shape = walk.view(name).shape
    if len(shape) == STACKS:
        return name if perm == APART else e.run("Transpose", (name,), perm=(0, 1, 3, 2))
    if len(shape) != PACKED or shape[0] != 1 or shape[2] % heads:
        raise RefusedError(
            f"expected tokens of {heads} heads, not {'x'.join(map(str, shape))}", "check the exported model"
        )
    apart = e.run("Reshape", (name, e.constant(np.array([1, shape[1], heads, shape[2] // heads]))))
    return e.run("Transpose", (apart,), perm=perm)


def _shared(e: Expansion, name: str, heads: Heads) -> str:
    """Keys or values (batch, head, ...) of which each serves several queries in a row, once for each of these."""
    if heads.queries % heads.keys:
        raise RefusedError(
            f"expected heads of keys that divide the {heads.queries} of queries, not {heads.keys}",
            "check the exported model",
        )
    return e.run("Gather", (name, e.constant(np.arange(heads.queries) * heads.keys // heads.queries)), axis=1)


def from_skip(walk: Walk, node: OnnxNode) -> None:
    """SkipLayerNormalization, SkipSimplifiedLayerNormalization (com.microsoft): a sum, normalised; the sum as well."""
    e, simple = Expansion(walk, node), node.op_type.startswith("SkipSimplified")
    bias = 3 if simple else 4
    total = e.run("Add", node.inputs[:2])
    if node.has(bias):
        total = e.run("Add", (total, node.inputs[bias]))
    if len(node.outputs) > 3 and node.outputs[3]:
        e.to(node.outputs[3], "Identity", (total,))
    last = (node.inputs[2],) if simple or not node.has(3) else node.inputs[2:4]
    kind = "RMSNormalization" if simple else "LayerNormalization"
    given = replace(node, op_type=kind, domain="", inputs=(total, *last), outputs=node.outputs[:1],
                    attributes={"axis": -1, "epsilon": node.real("epsilon", 1e-12)})  # fmt: skip
    translate.visit(walk, given)


def from_gelu(walk: Walk, node: OnnxNode) -> None:
    """BiasGelu, FastGelu (com.microsoft): of a sum, by erf or by tanh."""
    e, value = Expansion(walk, node), node.inputs[0]
    if node.has(1):
        value = e.run("Add", node.inputs[:2])
    e.to(node.outputs[0], "Gelu", (value,), approximate="tanh" if node.op_type == "FastGelu" else "none")


RULES: dict[str, Rule] = {
    "Attention": from_attention,
    "MultiHeadAttention": from_multihead,
    "SkipLayerNormalization": from_skip,
    "SkipSimplifiedLayerNormalization": from_skip,
    "BiasGelu": from_gelu,
    "FastGelu": from_gelu,
}

ATTRIBUTES = {
    "Attention": (
        "is_causal kv_num_heads left_window_size q_num_heads qk_matmul_output_mode right_window_size scale softcap "
        "softmax_precision do_rotary mask_filter_value num_heads past_present_share_buffer qkv_hidden_sizes "
        "rotary_embedding_dim unidirectional"
    ),
    "MultiHeadAttention": "mask_filter_value num_heads scale unidirectional",
    "SkipLayerNormalization": "epsilon",
    "SkipSimplifiedLayerNormalization": "epsilon",
}
"""The attributes that each rule reads, or may leave alone; others have none."""
