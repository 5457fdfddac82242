"""QONNX's operators: each makes steps of a scale of reals. Exact real arithmetic.

Meaning: https://github.com/fastmachinelearning/qonnx/tree/main/docs/qonnx-custom-ops
"""

import numpy as np

from tomato.core.formats import Array, Codes, Tensor
from tomato.frontend.coded import Coded
from tomato.frontend.model import OnnxNode, RefusedError, one
from tomato.frontend.walk import Rule, Walk
from tomato.ops.quantise import ROUNDINGS, Dequantise, Quantise
from tomato.ops.real import Function

MOST_BITS = 32
MOST_EXPONENT = 8
HALF, TWICE = 0.5, 2.0
QUANT_INPUTS, BIPOLAR_INPUTS, FLOAT_INPUTS, THRESHOLD_INPUTS = 4, 2, 6, 2
LAYOUTS = {2: "NC", 3: "NWC", 4: "NCHW"}
"""What MultiThreshold takes its input as, by its number of axes, unless it says so itself."""
INPUTS_1, INPUTS_2 = 5, 6
"""Inputs of Trunc: since version 2 it has a scale of its result, in front of the bit width there."""
ANY = Codes(-(1 << MOST_BITS - 1), (1 << MOST_BITS - 1) - 1)
"""Where the definition does not limit codes; what is reached is known later."""


def from_quant(walk: Walk, node: OnnxNode) -> None:
    """Quant: round(clip(x / scale + zero, lo, hi)), and back. Of a constant it defines a coded one.

    One signed bit means -1 and 1, as in BipolarQuant.
    """
    _check_inputs(node, QUANT_INPUTS)
    scale, zero = _number(walk, node, 1, "scale"), _number(walk, node, 2, "zero point")
    bits = _bit_width(walk, node, 3)
    codes = _signed_range(node, bits)
    if bits == 1 and node.flag("signed", 1):
        if np.any(zero != 0):
            raise RefusedError("expected a zero point of 0 for one signed bit", "quantise to -1 and 1")
        _bipolar(walk, node, scale)
        return
    rounding = _rounding(node, "ROUND")
    constant = walk.model.constant(node, 0)
    if constant is not None:
        _check_broadcast(constant, scale, zero)
        scaled = walk.finite(node.inputs[0], constant) / scale + zero
        whole = np.clip(ROUNDINGS[rounding](scaled), codes.lo, codes.hi) - zero
        walk.define(node.outputs[0], _coded(whole, scale))
        return
    _round(walk, node, scale, zero, codes, rounding)


def from_bipolar_quant(walk: Walk, node: OnnxNode) -> None:
    """BipolarQuant: scale where x >= 0, else -scale; the codes are 1 and 0."""
    _check_inputs(node, BIPOLAR_INPUTS)
    _bipolar(walk, node, _number(walk, node, 1, "scale"))


def _bipolar(walk: Walk, node: OnnxNode, scale: Array) -> None:
    constant = walk.model.constant(node, 0)
    if constant is not None:
        _check_broadcast(constant, scale)
        walk.define(node.outputs[0], _coded(np.where(walk.finite(node.inputs[0], constant) >= 0, 1, -1), scale))
        return
    _round(walk, node, TWICE * scale, np.full(1, HALF), Codes(0, 1), "sign")


def from_trunc(walk: Walk, node: OnnxNode) -> None:
    """Trunc: codes of `scale`, divided and rounded. Version 1 keeps the scale: the value shrinks; 2 gives one.

    The codes are integers before they are divided, so that no scale's rounding moves the result.
    """
    _check_inputs(node, INPUTS_1, INPUTS_2)
    second = len(node.inputs) == INPUTS_2
    if not second and {"signed", "narrow"} & node.attributes.keys():
        raise RefusedError(
            "expected no range of the result without its scale", "export with a current version of qonnx"
        )
    scale, zero = _number(walk, node, 1, "scale"), _number(walk, node, 2, "zero point")
    target = _number(walk, node, 4, "scale") if second else scale
    before, after = _bit_width(walk, node, 3), _bit_width(walk, node, len(node.inputs) - 1)
    if any(v.size > 1 for v in (scale, zero, target)) or np.any(zero != np.rint(zero)):
        raise RefusedError("expected one scale and one whole zero point", "quantise per tensor")
    step = 2.0 ** (np.rint(np.log2(target / scale)) if second else np.full(1, before - after))
    codes = _signed_range(node, after) if second else ANY
    rounding = _rounding(node, "FLOOR")
    view, (fine, offset) = walk.fit(node.inputs[0], [scale, zero])
    one, none = Tensor(np.ones(1)), Tensor(np.zeros(1))
    value = walk.emit(Quantise(fine, offset, ANY.lo, ANY.hi, "round", "qonnx"), [view.value], "_whole")
    value = walk.emit(Dequantise(one, none), [value], "_steps")
    value = walk.emit(Quantise(Tensor(step), none, codes.lo, codes.hi, rounding, "qonnx"), [value], "_codes")
    back = Dequantise(Tensor(target), Tensor(zero / step if second else zero))
    walk.put(node.outputs[0], walk.emit(back, [value]), view.order)


def from_float_quant(walk: Walk, node: OnnxNode) -> None:
    """FloatQuant whose numbers are evenly spaced: the exponent does not reach beyond its subnormal ones."""
    _check_inputs(node, FLOAT_INPUTS)
    scale = _number(walk, node, 1, "scale")
    exponent, mantissa, bias, most = (
        one(walk.weight(node, i, role), role)
        for i, role in enumerate(("exponent's width", "mantissa's width", "exponent bias", "largest value"), start=2)
    )
    if not (0 <= exponent <= MOST_EXPONENT and 0 <= mantissa <= MOST_BITS and abs(bias) <= 1 << MOST_EXPONENT):
        raise RefusedError(
            f"expected up to {MOST_EXPONENT} bits of exponent and {MOST_BITS} of mantissa", "check the exported model"
        )
    if not node.integer("saturation", 1):
        raise RefusedError("expected values beyond the largest to saturate", "export with saturation=1")
    for name in ("has_inf", "has_nan", "has_subnormal"):
        node.integer(name, 0)  # information for others: the definition does not use it
    step = 2.0 ** (1 - bias - mantissa)
    largest = min((2 - 2.0**-mantissa) * 2.0 ** (2.0**exponent - 1 - bias), most)
    if largest > 2.0 ** (2 - bias) or largest / step > ANY.hi:
        raise RefusedError(
            f"expected evenly spaced numbers, not floating-point ones with {exponent:g} bits of exponent",
            "quantise to integers, or with at most 1 bit of exponent",
        )
    if largest / step != int(largest / step):
        raise RefusedError(
            f"expected a largest value that is a multiple of the step {step:g}, not {largest:g}", "give such a max_val"
        )
    codes = Codes(-int(largest / step), int(largest / step))
    rounding = _rounding(node, "ROUND")
    constant = walk.model.constant(node, 0)
    if constant is None:
        _round(walk, node, scale * step, np.zeros(1), codes, rounding)
        return
    _check_broadcast(constant, scale)
    whole = np.clip(ROUNDINGS[rounding](constant.astype(np.float64) / scale / step), codes.lo, codes.hi)
    walk.define(node.outputs[0], _coded(whole, scale * step))


def from_multi_threshold(walk: Walk, node: OnnxNode) -> None:
    """MultiThreshold: the number of a channel's thresholds that a value reaches, times a scale, plus a bias."""
    _check_inputs(node, THRESHOLD_INPUTS)
    levels, shape = walk.weight(node, 1, "list of thresholds"), walk.view(node.inputs[0]).shape
    scale, bias = node.real("out_scale", 1.0), node.real("out_bias", 0.0)
    node.text("out_dtype", "")  # a note for others: scale, bias and the number of thresholds say it
    named = node.text("data_layout", "") or LAYOUTS.get(len(shape), "NC")
    axis = named.index("C") if "C" in named else 1
    if axis >= len(shape) or levels.ndim != 2 or not levels.size or len(levels) not in (1, shape[axis]):
        raise RefusedError("expected thresholds for all channels together or for each", "check the exported model")
    if scale <= 0:
        raise RefusedError(f"expected a scale above 0, not {scale:g}", "export the model again")
    if len(levels) > 1:
        channel = np.arange(shape[axis]).reshape([-1 if a == axis else 1 for a in range(len(shape))])
        view, (place,) = walk.fit(node.inputs[0], [channel])
        levels = levels[place.values.astype(np.int64)] if place.values.size > 1 else levels
    else:
        view = walk.settle(node.inputs[0])
    one_step, none = Tensor(np.ones(1)), Tensor(np.zeros(1))
    value = walk.emit(Function(("count", "x", Tensor(np.sort(levels, axis=1)))), [view.value])
    value = walk.emit(Quantise(one_step, none, 0, levels.shape[1], "round", "qonnx"), [value], "_codes")
    back = Dequantise(Tensor(np.full(1, scale)), Tensor(np.full(1, -bias / scale)))
    walk.put(node.outputs[0], walk.emit(back, [value], "_steps"), view.order)


def _check_inputs(node: OnnxNode, *counts: int) -> None:
    """Raise RefusedError unless the node has one of these numbers of inputs, none left out."""
    if len(node.inputs) not in counts or not all(node.inputs):
        expected = " or ".join(map(str, counts))
        raise RefusedError(
            f"expected {expected} inputs, not {sum(map(bool, node.inputs))}",
            "export with a current version of qonnx or Brevitas",
        )


def _rounding(node: OnnxNode, default: str) -> str:
    """The rounding mode as `ROUNDINGS` calls it."""
    rounding = node.text("rounding_mode", default).lower()
    if rounding not in ROUNDINGS or rounding == "sign":
        raise RefusedError(f"the rounding mode {rounding.upper()!r} is unknown", "use ROUND, CEIL, FLOOR or the like")
    return rounding


def _bit_width(walk: Walk, node: OnnxNode, index: int) -> int:
    """A bit width: one whole number."""
    bits = walk.weight(node, index, "bit width")
    if bits.size != 1 or bits.flat[0] != int(bits.flat[0]) or not 1 <= bits.flat[0] <= MOST_BITS:
        raise RefusedError(f"expected one whole bit width of 1 to {MOST_BITS}", "use another bit width")
    return int(bits.flat[0])


def _round(walk: Walk, node: OnnxNode, scale: Array, zero: Array, codes: Codes, rounding: str) -> None:
    """Quantise and Dequantise. A sign compares with 0, so that it quantises without scale and zero point."""
    view, (step, offset) = walk.fit(node.inputs[0], [scale, zero])
    one, none = Tensor(np.ones(1)), Tensor(np.zeros(1))
    given = (one, none) if rounding == "sign" else (step, offset)
    value = walk.emit(Quantise(*given, codes.lo, codes.hi, rounding, "qonnx"), [view.value], "_codes")
    walk.put(node.outputs[0], walk.emit(Dequantise(step, offset), [value]), view.order)


def _check_broadcast(constant: Array, *steps: Array) -> None:
    """Raise RefusedError unless scale and zero point broadcast to a constant."""
    try:
        same = np.broadcast_shapes(constant.shape, *(s.shape for s in steps if s.size > 1)) == constant.shape
    except ValueError:
        same = False
    if not same:
        raise RefusedError("expected a scale that broadcasts to what it quantises", "check how the model was quantised")


def _signed_range(node: OnnxNode, bits: int) -> Codes:
    """The codes of a node with the attributes signed and narrow."""
    signed, narrow = node.flag("signed", 1), node.flag("narrow", 0)
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
    "FloatQuant": from_float_quant,
    "MultiThreshold": from_multi_threshold,
}

ATTRIBUTES = {
    "Quant": "signed narrow rounding_mode",
    "IntQuant": "signed narrow rounding_mode",
    "Trunc": "signed narrow rounding_mode input_bit_width output_bit_width",
    "FloatQuant": "rounding_mode has_inf has_nan has_subnormal saturation",
    "MultiThreshold": "out_dtype out_scale out_bias data_layout",
}
"""The attributes that each rule reads, or may leave alone; operators that are not named have none."""
