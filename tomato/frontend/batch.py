"""Whether a model of a fixed batch does the same to every frame, so that it may be read with a batch of one."""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tomato.frontend.shapes import Resolver

_FRAMEWISE_TEXT = """
    Abs Acos Acosh Add And Asin Asinh Atan Atanh AveragePool BatchNormalization Cast CastLike Ceil Celu Clip Conv
    ConvInteger ConvTranspose Cos Cosh DepthToSpace DequantizeLinear Div Dropout Elu Equal Erf Exp Floor Gelu
    GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual GroupNormalization HardSigmoid HardSwish Identity
    InstanceNormalization LeakyRelu Less LessOrEqual Log Max MaxPool Min Mish Mul Neg Not Or PRelu Pow QLinearConv
    QuantizeLinear Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign SpaceToDepth Sqrt Sub Sum
    Swish Tan Tanh ThresholdedRelu Where Xor
"""
FRAMEWISE = frozenset(_FRAMEWISE_TEXT.split())
"""Operators that compute every frame from its like, if no constant among their inputs has a batch of its own."""
ALONG = {"Concat": 1, "Softmax": -1, "LogSoftmax": -1, "Split": 0, "Gather": 0, "ArgMax": 0, "Flatten": 1}
"""Operators with one axis, and its default: all axes but the first are within the frame."""
WITH_CONSTANTS = frozenset(
    {
        "Conv", "ConvInteger", "ConvTranspose", "QLinearConv", "BatchNormalization", "InstanceNormalization",
        "GroupNormalization",
    }
)  # fmt: skip
"""Those of them whose constants have other axes than frames."""
REDUCTIONS = frozenset({"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare"})
MATRIX = 2
MATRICES = frozenset({"MatMul", "Gemm", "MatMulInteger", "QLinearMatMul"})


def why_bound(model: onnx.ModelProto, known: Resolver, inputs: Sequence[str], batch: int) -> str:
    """Why a model whose values `known` describes is bound to its batch; "" if it is not.

    Then its reshapes, which may name the batch, are made to keep whatever there is, in place.
    """
    carried = set(inputs)
    for name in inputs:
        if (shape := known.shape(name)) is None or shape[0] != batch:
            return f"the input {name!r} has another"
    targets: list[tuple[onnx.NodeProto, list[int]]] = []
    for node in model.graph.node:
        if not carried.intersection(node.input) or all(o in known.constants for o in node.output if o):
            continue
        shape = known.shape(node.output[0])
        label = f"{node.op_type} {node.name or node.output[0]!r}"
        if shape is None or not shape or shape[0] != batch:
            return f"{label} gives no batch of {batch}"
        if node.op_type == "Reshape":
            if (target := _target(node, known, batch)) is None:
                return f"{label} mixes it with other axes"
            targets.append((node, target))
        elif not _framewise(node, known, carried):
            return f"{label} may mix frames"
        carried.update(o for o in node.output if o)
    for node, target in targets:
        name = f"{node.output[0]} shape of a frame"
        model.graph.initializer.append(numpy_helper.from_array(np.array(target, np.int64), name))
        node.input[1] = name
    return ""


def _target(node: onnx.NodeProto, known: Resolver, batch: int) -> list[int] | None:
    """The target of a Reshape that keeps the batch, for a batch of one."""
    given, shape, result = known.constants.get(node.input[1]), known.shape(node.input[0]), known.shape(node.output[0])
    if given is None or shape is None or result is None or shape[0] != batch:
        return None
    return [1, *result[1:]]


def _framewise(node: onnx.NodeProto, known: Resolver, carried: set[str]) -> bool:
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    data = [name for name in node.input if name in carried]
    rank = len(known.shape(data[0]) or ())
    if node.op_type in FRAMEWISE:
        return all(_same_for_all(name, known, rank) for name in node.input if name and name not in carried) or (
            node.op_type in WITH_CONSTANTS
        )
    if node.op_type == "Transpose":
        return bool(attributes.get("perm", [1])[0] == 0)
    if node.op_type in ALONG:
        axis = attributes.get("axis", ALONG[node.op_type])
        constant = node.op_type == "Concat" and len(data) < len(node.input)
        return int(axis) % rank != 0 and not constant and (node.op_type != "Flatten" or axis == 1)
    if node.op_type in MATRICES:
        stacks = node.op_type == "MatMul" and rank > MATRIX and all(len(known.shape(n) or ()) == rank for n in data)
        return data[0] == node.input[0] and (len(data) == 1 or stacks) and not attributes.get("transA", 0)
    if node.op_type in REDUCTIONS:
        axes = attributes.get("axes") or (known.constants.get(node.input[1]) if len(node.input) > 1 else None)
        return axes is not None and len(axes) > 0 and all(int(a) % rank for a in axes)
    return False


def _same_for_all(name: str, known: Resolver, rank: int) -> bool:
    shape = known.shape(name)
    return shape is not None and (len(shape) < rank or shape[0] == 1 or rank == 0)
