"""Two quantisations in a row become the one that ONNX Runtime makes of them."""

import numpy as np

from tomato import kernels
from tomato.core.formats import Codes, Tensor
from tomato.frontend.model import Model, OnnxNode
from tomato.frontend.walk import Walk
from tomato.kernels import Quantisation
from tomato.ops.quantise import Dequantise, Quantise

BITS = (8, 16)
"""Pairs of narrower codes stay as they are."""


def merged(walk: Walk, node: OnnxNode, op: Quantise, value: str) -> tuple[Quantise, str] | None:
    """What a QuantizeLinear, `op` of `value`, becomes behind a pair that nothing else reads; None without one.

    It does the work of both, with parameters of its own (`kernels.merge_pairs`); a third one merges with the first two.
    """
    back = walk.defining(value)
    if back is None or not isinstance(back.op, Dequantise) or not _in_a_row(walk.model, node):
        return None
    first = walk.defining(back.args[0])
    if first is None or not isinstance(first.op, Quantise) or not _alike(first.op, op):
        return None
    new = kernels.merge_pairs(_quantisation(first.op), _quantisation(op))
    scale, zero = (Tensor(np.array([float(number)])) for number in (new.scale, new.zero))
    return Quantise(scale, zero, new.codes.lo, new.codes.hi, kind=op.kind), first.args[0]


def _in_a_row(model: Model, node: OnnxNode) -> bool:
    """Whether QuantizeLinear and DequantizeLinear are right in front of a node, and a DequantizeLinear right behind."""
    name, behind = node.outputs[0], model.consumers.get(node.outputs[0], ())
    if name in model.outputs or any(reader.op_type != "DequantizeLinear" for reader in behind):
        return False
    for kind in ("DequantizeLinear", "QuantizeLinear"):
        name = node.inputs[0]
        before = model.makers.get(name)
        if before is None or before.op_type != kind or len(model.consumers[name]) > 1 or name in model.outputs:
            return False
        node = before
    return True


def _alike(first: Quantise, second: Quantise) -> bool:
    """Whether both make codes of 8 or of 16 bits, of one type, with one scale for all channels."""
    return (
        (first.lo, first.hi) == (second.lo, second.hi)
        and Codes(first.lo, first.hi).bits in BITS
        and all(op.scale.shape == op.zero.shape == (1,) for op in (first, second))
    )


def _quantisation(op: Quantise) -> Quantisation:
    return Quantisation(float(op.scale.values[0]), int(op.zero.values[0]), Codes(op.lo, op.hi))
