"""QONNX: Quant, BipolarQuant and Trunc, each a rounding of reals to steps of a scale. Exact real arithmetic.

Meaning: https://github.com/fastmachinelearning/qonnx/tree/main/docs/qonnx-custom-ops
"""

import numpy as np

from tomato.formats import Array, Codes, Tensor
from tomato.frontend.coded import Coded
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.walk import Rule, Walk
from tomato.ops.quantise import ROUNDINGS, Dequantise, Quantise

MOST_BITS = 32
HALF, TWICE = 0.5, 2.0
LAST_OF_VERSION_2 = 6
"""The last input of Trunc since it has a scale of its result: the bit width there."""


def from_quant(walk: Walk, node: OnnxNode) -> None:
    """Quant: round(clip(x / scale + zero, lo, hi)), and back. Of a constant it defines a coded one.

    One signed bit means -1 and 1, as in BipolarQuant.
    """
    scale, zero = _number(walk, node, 1, "scale"), _number(walk, node, 2, "zero point")
    bits = walk.weight(node, 3, "bit width")
    if bits.size != 1 or bits.flat[0] != int(bits.flat[0]) or not 1 <= bits.flat[0] <= MOST_BITS:
        raise RefusedError(f"expected one whole bit width of 1 to {MOST_BITS}", "use another bit width")
    codes = _signed_range(node, int(bits.flat[0]))
    if codes == Codes(-1, 0):
        if np.any(zero != 0):
            raise RefusedError("expected a zero point of 0 for one signed bit", "quantise to -1 and 1")
        _bipolar(walk, node, scale)
        return
    rounding = node.text("rounding_mode", "ROUND").lower()
    if rounding not in ROUNDINGS or rounding == "sign":
        raise RefusedError(f"the rounding mode {rounding.upper()!r} is unknown", "use ROUND, CEIL, FLOOR or the like")
    constant = walk.model.constant(node, 0)
    if constant is not None:
        scaled = constant.astype(np.float64) / scale + zero
        whole = np.clip(ROUNDINGS[rounding](scaled), codes.lo, codes.hi) - zero
        walk.define(node.outputs[0], _coded(whole, scale))
        return
    _round(walk, node, scale, zero, codes, rounding)


def from_bipolar_quant(walk: Walk, node: OnnxNode) -> None:
    """BipolarQuant: scale where x >= 0, else -scale; the codes are 1 and 0."""
    _bipolar(walk, node, _number(walk, node, 1, "scale"))


def _bipolar(walk: Walk, node: OnnxNode, scale: Array) -> None:
    constant = walk.model.constant(node, 0)
    if constant is not None:
        walk.define(node.outputs[0], _coded(np.where(constant >= 0, 1, -1), scale))
        return
    _round(walk, node, TWICE * scale, np.full(1, HALF), Codes(0, 1), "sign")


def from_trunc(walk: Walk, node: OnnxNode) -> None:
    """Trunc: rounds codes of `scale` to coarser ones. Version 1 keeps the scale: the value shrinks; 2 gives one.

    The codes are integers before they are divided, so that no scale's rounding moves the result.
    """
    scale, zero = _number(walk, node, 1, "scale"), _number(walk, node, 2, "zero point")
    second = node.has(LAST_OF_VERSION_2)
    before, after = (int(walk.weight(node, i, "bit width").flat[0]) for i in (3, LAST_OF_VERSION_2 if second else 4))
    if np.any(zero != 0) or scale.size > 1 or not 1 <= after <= before <= MOST_BITS:
        raise RefusedError("expected one scale, a zero point of 0 and fewer bits than before", "quantise like that")
    target = _number(walk, node, 4, "scale") if second else scale
    step = 2.0 ** (np.rint(np.log2(target / scale)) if second else np.full(1, before - after))
    codes = _signed_range(node, after) if second else Codes.of(after + 1, signed=True)
    rounding = node.text("rounding_mode", "FLOOR").lower()
    if rounding not in ROUNDINGS or rounding == "sign":
        raise RefusedError(f"the rounding mode {rounding.upper()!r} is unknown", "use ROUND, CEIL, FLOOR or the like")
    wide = Codes.of(before + 1, signed=True)
    view, (fine, none) = walk.fit(node.inputs[0], [scale, zero])
    value = walk.emit(Quantise(fine, none, wide.lo, wide.hi, "round", "qonnx"), [view.value], "_whole")
    value = walk.emit(Dequantise(Tensor(np.ones(1)), none), [value], "_steps")
    value = walk.emit(Quantise(Tensor(step), none, codes.lo, codes.hi, rounding, "qonnx"), [value], "_codes")
    walk.put(node.outputs[0], walk.emit(Dequantise(Tensor(target), none), [value]), view.order)


def _round(walk: Walk, node: OnnxNode, scale: Array, zero: Array, codes: Codes, rounding: str) -> None:
    """Quantise and Dequantise. A sign compares with 0, so that it quantises without scale and zero point."""
    view, (step, offset) = walk.fit(node.inputs[0], [scale, zero])
    one, none = Tensor(np.ones(1)), Tensor(np.zeros(1))
    given = (one, none) if rounding == "sign" else (step, offset)
    value = walk.emit(Quantise(*given, codes.lo, codes.hi, rounding, "qonnx"), [view.value], "_codes")
    walk.put(node.outputs[0], walk.emit(Dequantise(step, offset), [value]), view.order)


def _signed_range(node: OnnxNode, bits: int) -> Codes:
    """The codes of a node with the attributes signed and narrow."""
    signed, narrow = bool(node.integer("signed", 1)), bool(node.integer("narrow", 0))
    full = Codes.of(bits, signed=signed)
    if not narrow:
        return full
    return Codes(full.lo + 1, full.hi) if signed else Codes(full.lo, max(full.hi - 1, full.lo))


def _number(walk: Walk, node: OnnxNode, index: int, role: str) -> Array:
    """A scale or zero point, of rank 1 if it is one number."""
    value = walk.weight(node, index, role)
    if role == "scale" and np.any(value <= 0):
        raise RefusedError("expected scales above 0", "check how the model was quantised")
    return value.reshape(1) if value.size == 1 else value


def _coded(codes: Array, scale: Array) -> Coded:
    if np.any(codes != np.rint(codes)):
        raise RefusedError("expected whole zero points of constants", "quantise weights around 0")
    rank = codes.ndim
    shape = (1,) * (rank - scale.ndim) + scale.shape if scale.size > 1 else (1,) * rank
    return Coded(codes.astype(np.int64), scale.reshape(shape))


RULES: dict[str, Rule] = {
    "Quant": from_quant,
    "IntQuant": from_quant,
    "BipolarQuant": from_bipolar_quant,
    "Trunc": from_trunc,
}
