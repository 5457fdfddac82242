"""Integer tensors inside a network: computed as reals, which is right as long as nothing wraps around or truncates.

Every integer value has a range; an operator whose results might leave its type, or that divides, is refused.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tomato.core.formats import Codes
from tomato.frontend.model import BehindError, Model, OnnxNode, RefusedError, integer_range, is_integer

WEIGHTED = frozenset({"ConvInteger", "MatMulInteger"})
CODES = frozenset({"QLinearConv", "QLinearMatMul", "QuantizeLinear"})
"""Operators whose results are codes, limited to their type, like all outside of ONNX."""
_KEEPS_TEXT = """
    Clip Concat DepthToSpace Dropout Expand Flatten Gather GlobalMaxPool Identity MaxPool ReduceMax Reshape Resize Slice
    SpaceToDepth Split Squeeze Transpose Unsqueeze Upsample
"""
KEEPS = frozenset(_KEEPS_TEXT.split())
"""Operators that choose among the values of their data."""
CASTS = frozenset({"Cast", "CastLike"})
TRUTHS = frozenset(
    {"And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "Or", "Xor", *CASTS, *KEEPS}
)
"""Operators whose results may be truths: 0 and 1."""


def _product(a: Codes, b: Codes) -> Codes:
    ends = [x * y for x in (a.lo, a.hi) for y in (b.lo, b.hi)]
    return Codes(min(ends), max(ends))


ARITHMETIC: Mapping[str, Callable[[Sequence[Codes]], Codes]] = {
    "Abs": lambda a: Codes(
        0 if a[0].lo <= 0 <= a[0].hi else min(map(abs, (a[0].lo, a[0].hi))), max(map(abs, (a[0].lo, a[0].hi)))
    ),
    "Add": lambda a: Codes(a[0].lo + a[1].lo, a[0].hi + a[1].hi),
    "Max": lambda a: Codes(max(x.lo for x in a), max(x.hi for x in a)),
    "Min": lambda a: Codes(min(x.lo for x in a), min(x.hi for x in a)),
    "Mul": lambda a: _product(a[0], a[1]),
    "Neg": lambda a: Codes(-a[0].hi, -a[0].lo),
    "Pad": lambda a: Codes(min(0, *(x.lo for x in a)), max(0, *(x.hi for x in a))),
    "Relu": lambda a: Codes(max(0, a[0].lo), max(0, a[0].hi)),
    "Sub": lambda a: Codes(a[0].lo - a[1].hi, a[0].hi - a[1].lo),
    "Sum": lambda a: Codes(sum(x.lo for x in a), sum(x.hi for x in a)),
}
"""The range of a result, from those of the inputs."""


class Ranges:
    """The ranges of integer values, of the model's inputs first, then of what its nodes compute."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.known = {
            name: integer_range(model.types[name]) for name in model.inputs if is_integer(model.types.get(name))
        }

    def visit(self, node: OnnxNode) -> None:
        """Find the range of a node's results. RefusedError if ONNX's integers may differ from reals there."""
        kind = self.model.types.get(node.outputs[0])
        if kind is None or node is not self.model.nodes[node.index]:
            return  # of unknown type, or part of an expansion
        if kind == "bool" and node.op_type in TRUTHS:
            self.known |= dict.fromkeys(filter(None, node.outputs), Codes(0, 1))
            return
        if kind in ("bool", "object", "str") or "complex" in kind:
            raise RefusedError(f"a result of type {_called(kind)} is not supported", "use floating-point numbers")
        if not is_integer(kind):
            return
        limits = integer_range(kind)
        found = limits if node.domain or node.op_type in CODES else self._of(node)
        if not (limits.lo <= found.lo and found.hi <= limits.hi):
            raise RefusedError(
                f"the integers {found.lo} to {found.hi} that it may give do not fit {kind}: they would wrap around",
                "cast to float32 in front of it",
            )
        for name in node.outputs:
            if name:
                self.known[name] = found

    def _of(self, node: OnnxNode) -> Codes:
        if node.op_type in WEIGHTED:
            return self._of_product(node)
        if node.op_type == "ArgMax":
            return Codes(0, max(self.model.shapes.get(node.inputs[0], (1,))))
        given = [self._range(i) for i in node.inputs if i]
        if node.op_type in CASTS:
            if given[0] is None:
                raise RefusedError("expected no cast of reals to integers", "remove the cast from the network")
            return given[0]
        if node.op_type in KEEPS or node.op_type == "Where":
            data = given[1:] if node.op_type == "Where" else given if node.op_type == "Concat" else given[:1]
            if all(r is not None for r in data):
                ranges = [r for r in data if r is not None]
                return Codes(min(r.lo for r in ranges), max(r.hi for r in ranges))
        if node.op_type in ARITHMETIC:
            data = given[:1] if node.op_type == "Pad" else given
            if all(r is not None for r in data):
                return ARITHMETIC[node.op_type]([r for r in data if r is not None])
        raise RefusedError(
            f"integer arithmetic of {node.op_type} is not supported", "cast to float32 in front of it, or quantise it"
        )

    def _range(self, name: str) -> Codes | None:
        """The range of an integer value, of a constant that of its values; None of reals."""
        constant = self.model.constants.get(name)
        if constant is not None:
            whole = is_integer(constant.dtype.name) and constant.size
            return Codes(int(constant.min()), int(constant.max())) if whole else None
        if name not in self.known and is_integer(self.model.types.get(name)):
            raise BehindError
        return self.known.get(name)

    def _of_product(self, node: OnnxNode) -> Codes:
        """Sums of products of 8-bit codes less their zero points: at most 255 times 255 each."""
        weight = self.model.constant(node, 1)
        if weight is None:
            raise RefusedError("expected a constant weight, not an activation", "only constant ones are supported")
        taps = int(np.prod(weight.shape[1:])) if node.op_type == "ConvInteger" else weight.shape[-min(2, weight.ndim)]
        return Codes(-255 * 255 * taps, 255 * 255 * taps)


def _called(kind: str) -> str:
    return "string" if kind in ("object", "str") else kind
