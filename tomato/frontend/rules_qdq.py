"""QuantizeLinear and DequantizeLinear: of constants they say how a layer's weights are coded."""

import numpy as np
import onnx

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.interface import HostStep
from tomato.frontend.coded import dequantised, steps_along
from tomato.frontend.model import BehindError, OnnxNode, RefusedError, integer_range, one
from tomato.frontend.pairs import merged
from tomato.frontend.walk import Rule, View, Walk
from tomato.ops.quantise import SINGLE, Dequantise, Quantise

ONE, ZERO = Tensor(np.ones(1)), Tensor(np.zeros(1))
MOVES = ("Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity")
AXIS = 1
"""The axis of scales per channel, where the node does not say."""


def from_quantize_linear(walk: Walk, node: OnnxNode) -> None:
    """QuantizeLinear of an activation; behind the host's last step it is one more step of the host."""
    scale, zero = steps(walk, node)
    codes = _range(walk, node)
    source, target = node.inputs[0], node.outputs[0]
    view = walk.view(source, host=True)
    if view.host:
        numbers = (one(scale, "scale"), one(zero, "zero point"), float(codes.lo), float(codes.hi))
        walk.put(target, view.value, view.order, _host_codes(walk, view, numbers))
        return
    view, (a, b) = walk.fit(source, [_along(node, view, scale), _along(node, view, zero)])
    op, value = Quantise(a, b, codes.lo, codes.hi, kind=codes, real=_real(walk, node)), view.value
    both = merged(walk, node, op, value)
    if both:
        op, value = both
    result = walk.emit(op, [value])
    if both:
        walk.merged.add(result)
    walk.put(target, result, view.order)


def from_dequantize_linear(walk: Walk, node: OnnxNode) -> None:
    """DequantizeLinear: of a constant it defines a coded one, of codes the reals that they mean."""
    source, target = node.inputs[0], node.outputs[0]
    scale, zero = steps(walk, node)
    constant = walk.model.constant(node, 0)
    if constant is not None:
        walk.define(target, dequantised(node, constant, scale, zero, AXIS))
        return
    view = walk.view(source, host=True)
    if view.host:
        step = HostStep("dequantise", 0, numbers=(one(scale, "scale"), one(zero, "zero point")))
        walk.put(target, view.value, view.order, (*view.host, step))
        return
    source = as_codes(walk, source)
    view, (a, b) = walk.fit(source, [_along(node, view, scale), _along(node, view, zero)])
    codes = walk.defining(view.value)
    if codes and codes.name in walk.merged and isinstance(codes.op, Quantise):
        a, b = codes.op.scale, codes.op.zero
    walk.put(target, walk.emit(Dequantise(a, b, _range(walk, node), _real(walk, node)), [view.value]), view.order)


def _real(walk: Walk, node: OnnxNode) -> str:
    """The floating-point type that the node computes in: the scale's, unless it says another."""
    scale = walk.model.constant(node, 1)
    given = node.integer("precision", 0) if node.op_type == "QuantizeLinear" else node.integer("output_dtype", 0)
    if given:
        return str(onnx.helper.tensor_dtype_to_np_dtype(given))
    return SINGLE if scale is None or scale.dtype.kind != "f" else str(scale.dtype)


def _host_codes(walk: Walk, view: View, numbers: tuple[float, ...]) -> tuple[HostStep, ...]:
    """The host's steps and then one to codes: with a Softmax right behind codes, ONNX Runtime's kernel for both."""
    source = walk.defining(view.value)
    if len(view.host) == 1 and view.host[0].kind == "softmax" and source and isinstance(source.op, Dequantise):
        codes = walk.build.types[source.args[0]].codes
        given = (float(source.op.scale.values[0]), float(source.op.zero.values[0]), float(codes.lo), float(codes.hi))
        return (HostStep("qlinearsoftmax", view.host[0].axis, numbers=(*given, *numbers)),)
    return (*view.host, HostStep("quantise", 0, numbers=numbers))


def as_codes(walk: Walk, name: str) -> str:
    """The name of a value's codes: its own, but for an integer input of the model."""
    view = walk.settle(name)
    if walk.build.types[view.value].is_codes:
        return name
    inner = f"{name}\0codes"
    if inner in walk.env:
        return inner
    codes = walk.model.elements.get(_before_moves(walk, name))
    if view.value in walk.stand_ins:
        raise BehindError
    if codes is None:
        raise RefusedError(f"expected codes, but {name!r} is real", "quantise it with QuantizeLinear")
    walk.put(inner, walk.emit(Quantise(ONE, ZERO, codes.lo, codes.hi, kind=codes), [view.value], "_codes"), view.order)
    return inner


def _before_moves(walk: Walk, name: str) -> str:
    """The value that a value is, but for where its elements lie."""
    maker = walk.model.makers.get(name)
    while maker is not None and maker.op_type in MOVES:
        name = maker.inputs[0]
        maker = walk.model.makers.get(name)
    return name


def steps(walk: Walk, node: OnnxNode) -> tuple[Array, Array]:
    """Scale and zero point at the inputs 1 and 2 of a node, both float64."""
    _check_blocks(node)
    scale = walk.weight(node, 1, "scale")
    zero = walk.weight(node, 2, "zero point") if node.has(2) else np.zeros(scale.shape)
    if np.any(scale <= 0):
        raise RefusedError("expected scales above 0", "check how the model was quantised")
    return scale, zero


def _range(walk: Walk, node: OnnxNode) -> Codes:
    """The integer type of the codes: the zero point's, the one that the node names, that of what it reads, or uint8."""
    zero = walk.model.constant(node, 2)
    named = node.integer("output_dtype", 0) if node.op_type == "QuantizeLinear" else 0
    if zero is None and not named:
        return _range_of_argument(walk, node) or Codes.of(8, signed=False)
    dtype = zero.dtype if zero is not None else onnx.helper.tensor_dtype_to_np_dtype(named)
    if "int" not in dtype.name:
        raise RefusedError(f"expected integer codes, not {dtype}", "quantise to integers")
    return integer_range(dtype)


def _range_of_argument(walk: Walk, node: OnnxNode) -> Codes | None:
    """The type of the codes that a DequantizeLinear without zero point reads."""
    if node.op_type != "DequantizeLinear":
        return None
    source = walk.defining(walk.env[node.inputs[0]].value)
    return source.op.kind if source is not None and isinstance(source.op, Quantise) else None


def _check_blocks(node: OnnxNode) -> None:
    if node.integer("block_size", 0):
        raise RefusedError("expected one scale per tensor or channel, not per block", "quantise without blocks")


def _along(node: OnnxNode, view: View, steps: Array) -> Array:
    """One number per channel in the place of its axis."""
    return steps.reshape(1) if steps.size == 1 else steps_along(steps, view.shape, node.integer("axis", AXIS))


RULES: dict[str, Rule] = {
    "QuantizeLinear": from_quantize_linear,
    "DequantizeLinear": from_dequantize_linear,
}

ATTRIBUTES = {
    "QuantizeLinear": "axis block_size output_dtype precision saturate",
    "DequantizeLinear": "axis block_size output_dtype",
}
"""The attributes that each rule reads, or may leave alone (saturate is of 8-bit floats)."""
