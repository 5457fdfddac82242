"""QLinearConv and its kin: the same as DequantizeLinear, a float operator, QuantizeLinear, and translated as these."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tomato.core.formats import Array
from tomato.frontend import rules_linear, translate
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.walk import Rule, Walk

PASSED_ON = ("pads", "strides", "dilations", "group", "kernel_shape", "auto_pad", "axis", "alpha", "transA", "transB")
"""Attributes that mean the same for the float operator."""
SOFTMAX = 13
"""Since this operator set a softmax is along one axis; before, over all from one on."""
POOLED = ("ceil_mode", "count_include_pad")


class Expansion:
    """Nodes that stand for one node, each translated at once. Values in between are named after the node's result."""

    def __init__(self, walk: Walk, node: OnnxNode) -> None:
        self.walk, self.node = walk, node
        self.count = 0

    def fresh(self) -> str:
        """A name that the model cannot have."""
        self.count += 1
        return f"{self.node.outputs[0]}\0{self.count}"

    def constant(self, value: Array) -> str:
        """A constant of our own."""
        name = self.fresh()
        self.walk.constants[name] = value
        return name

    def run(self, op_type: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Translate one node and name its result."""
        return self.to(self.fresh(), op_type, inputs, **attributes)

    def to(self, target: str, op_type: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Translate one node with a result of this name."""
        kept = {k: v for k, v in self.node.attributes.items() if k in (*PASSED_ON, *POOLED)}
        node = replace(
            self.node, op_type=op_type, domain="", inputs=tuple(inputs), outputs=(target,),
            attributes=attributes or kept,
        )  # fmt: skip
        translate.visit(self.walk, node)
        return target

    def real(self, first: int, **attributes: int) -> str:
        """The reals of the argument whose codes, scale and zero point are the inputs from `first` on."""
        return self.run("DequantizeLinear", self.node.inputs[first : first + 3], **attributes or {"axis": 1})

    def codes(self, value: str, first: int) -> None:
        """The node's result: codes with the scale and zero point at the inputs from `first` on."""
        zero = self.node.inputs[first + 1 : first + 2]
        self.to(self.node.outputs[0], "QuantizeLinear", (value, self.node.inputs[first], *zero), axis=1)

    def steps(self, *indices: int) -> Array:
        """The product of scales, as float64."""
        product = np.ones(1)
        for index in indices:
            product = product * self.walk.weight(self.node, index, "scale").reshape(-1)
        return product


def from_qlinear_conv(walk: Walk, node: OnnxNode) -> None:
    """QLinearConv: codes of x and w, and a bias in steps of both scales together."""
    _check_layout(node)
    e = Expansion(walk, node)
    inputs = [e.real(0), e.real(3, axis=0)]
    if node.has(8):
        inputs.append(_bias(e, node, 8, e.steps(1, 4)))
    e.codes(e.run("Conv", inputs), 6)


def from_qgemm(walk: Walk, node: OnnxNode) -> None:
    """QGemm (com.microsoft); without a scale of its result it gives reals."""
    e = Expansion(walk, node)
    inputs = [e.real(0), e.real(3, axis=0 if node.flag("transB", 0) else 1)]
    if node.has(6):
        inputs.append(_bias(e, node, 6, e.steps(1, 4) * node.real("alpha", 1.0)))
    if node.has(7):
        e.codes(e.run("Gemm", inputs), 7)
    else:
        e.to(node.outputs[0], "Gemm", inputs)


def _check_layout(node: OnnxNode) -> None:
    if node.flag("channels_last", 0):
        raise RefusedError("expected channels first", "export the model with channels_last=0")


def _bias(e: Expansion, node: OnnxNode, index: int, step: Array) -> str:
    return e.run("DequantizeLinear", (node.inputs[index], e.constant(step)), axis=0)


def from_qlinear_matmul(walk: Walk, node: OnnxNode) -> None:
    """QLinearMatMul."""
    e = Expansion(walk, node)
    weight = walk.model.constant(node, 3)
    last = weight.ndim - 1 if weight is not None else 1
    e.codes(e.run("MatMul", [e.real(0), e.real(3, axis=last)]), 6)


def from_integer(walk: Walk, node: OnnxNode) -> None:
    """ConvInteger, MatMulInteger: int32 sums, which count as reals in steps of 1."""
    e = Expansion(walk, node)
    one = e.constant(np.ones((), np.float32))
    names = [
        e.run("DequantizeLinear", (node.inputs[i], one, *node.inputs[i + 2 : i + 3]), axis=1 if i == 0 else 0)
        for i in (0, 1)
    ]
    e.to(node.outputs[0], node.op_type.removesuffix("Integer"), names)


def _joined(op_type: str) -> Rule:
    """QLinearAdd, QLinearMul (com.microsoft)."""

    def rule(walk: Walk, node: OnnxNode) -> None:
        e = Expansion(walk, node)
        e.codes(e.run(op_type, [e.real(0), e.real(3)]), 6)

    return rule


def from_qlinear_concat(walk: Walk, node: OnnxNode) -> None:
    """QLinearConcat (com.microsoft): scale and zero point of the result come first."""
    e = Expansion(walk, node)
    e.codes(e.run("Concat", [e.real(i) for i in range(2, len(node.inputs), 3)], axis=node.integer("axis", 1)), 0)


def _alone(op_type: str) -> Rule:
    """An operator of one argument, with scale and zero point of the result behind it."""

    def rule(walk: Walk, node: OnnxNode) -> None:
        _check_layout(node)
        if (
            op_type == "Softmax"
            and node.integer("opset", SOFTMAX) < SOFTMAX
            and len(walk.view(node.inputs[0]).shape) > 2
        ):
            raise RefusedError(f"expected a softmax as of operator set {SOFTMAX}", "export the model with a newer one")
        e = Expansion(walk, node)
        e.codes(e.run(op_type, [e.real(0)]), 3)

    return rule


UNARY: dict[str, str] = {
    "QLinearAveragePool": "AveragePool",
    "QLinearGlobalAveragePool": "GlobalAveragePool",
    "QLinearSigmoid": "Sigmoid",
    "QLinearLeakyRelu": "LeakyRelu",
    "QLinearSoftmax": "Softmax",
}

RULES: dict[str, Rule] = {
    "QLinearConv": from_qlinear_conv,
    "QLinearMatMul": from_qlinear_matmul,
    "QGemm": from_qgemm,
    "ConvInteger": from_integer,
    "MatMulInteger": from_integer,
    "QLinearAdd": _joined("Add"),
    "QLinearMul": _joined("Mul"),
    "QLinearConcat": from_qlinear_concat,
    **{name: _alone(op_type) for name, op_type in UNARY.items()},
}

ATTRIBUTES = {
    "QLinearConv": f"{rules_linear.ATTRIBUTES['Conv']} channels_last",
    "ConvInteger": rules_linear.ATTRIBUTES["Conv"],
    "QGemm": "alpha transA transB",
    "QLinearConcat": "axis",
    "QLinearAveragePool": "auto_pad ceil_mode channels_last count_include_pad kernel_shape pads strides",
    "QLinearGlobalAveragePool": "channels_last",
    "QLinearLeakyRelu": "alpha",
    "QLinearSoftmax": "axis opset",
}
"""The attributes that each rule reads, or may leave alone; operators that are not named have none."""
