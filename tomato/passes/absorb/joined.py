"""Sums and products whose other operand is a constant in codes, or the same value: ONNX Runtime's kernels of two."""

from tomato import kernels
from tomato.formats import Array, Codes
from tomato.kernels import Quantisation
from tomato.ops.quantise import Dequantise, JoinConstant, Quantise
from tomato.ops.real import Expression, Function
from tomato.passes.absorb.held import Held, Reference, quantisation

KERNELS = {"add": kernels.add, "mul": kernels.multiply}
BITS = 8
"""Wider codes are computed in float32."""


def joined(held: Held, op: Quantise) -> Reference | None:
    """The codes of a sum or product that ONNX Runtime computes on codes; None if it is none."""
    back = held.nodes[0].op if held.nodes else None
    if not isinstance(back, Dequantise) or back.scale.shape != (1,) or Codes(op.lo, op.hi).bits > BITS:
        return None
    y, step, zero = quantisation(op), float(back.scale.values[0]), int(back.zero.values[0])
    if isinstance(held.source, JoinConstant):
        return _with_constant(held.source, step, zero, y)
    kind = itself(held.tail[0].expression) if held.tail and isinstance(held.tail[0], Function) else None
    if kind is None or len(held.nodes) > 1 + len(held.tail):
        return None
    kernel = KERNELS[kind]

    def codes(x: Array) -> Array:
        q = _around(x, step, zero)
        return kernel(x, x, q, q, y)

    return codes


def itself(expression: Expression) -> str | None:
    """Whether a function is x + x or x * x: "add" or "mul"."""
    return next((kind for kind in KERNELS if expression == (kind, "x", "x")), None)


def _with_constant(op: JoinConstant, step: float, zero: int, y: Quantisation) -> Reference:
    constant = op.codes.values.astype(int) + op.zero
    kernel, c = KERNELS[op.kind], _around(constant, op.scale, op.zero)

    def codes(x: Array) -> Array:
        q = _around(x, step, zero)
        return kernel(constant, x, c, q, y) if op.first else kernel(x, constant, q, c, y)

    return codes


def _around(codes: Array, scale: float, zero: int) -> Quantisation:
    return Quantisation(scale, zero, Codes(min(int(codes.min()), zero), max(int(codes.max()), zero)))
