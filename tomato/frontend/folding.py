"""The values of nodes whose inputs are all constant, by onnx's reference evaluator."""

from collections.abc import Callable, Mapping, Sequence
from math import prod

import numpy as np
import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator

from tomato.core.formats import Array
from tomato.frontend import limits
from tomato.frontend.door import SUBGRAPHS

RANDOM = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)
_QUICK_TEXT = """
    Abs Add And BatchNormalization Cast CastLike Ceil Clip Concat Constant ConstantOfShape Cos CumSum Div Equal Erf Exp
    Expand Flatten Floor Gather GatherElements Greater GreaterOrEqual Identity Less LessOrEqual Log Max Mean Min Mod Mul
    Neg Not OneHot Or Pad Pow QuantizeLinear Range Reciprocal ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd
    ReduceSum Relu Reshape Round Shape Sigmoid Sign Sin Size Slice Softmax Split Sqrt Squeeze Sub Sum Tanh Tile
    Transpose Trilu Unsqueeze Where Xor
"""
QUICK = frozenset(_QUICK_TEXT.split())
"""Operators that the evaluator computes with a few NumPy calls, whatever the size."""
PRODUCTS = frozenset({"Einsum", "Gemm", "MatMul"})
MOST_PRODUCTS, MOST_OTHERS = 1 << 22, 1 << 14
"""Values that products, and operators that the evaluator walks through in Python, may read and write together."""
SHRINKING = frozenset({"Compress", "NonZero", "TopK", "Unique"})
"""Operators whose results' sizes depend on values, but not beyond some times their inputs."""


class CannotFoldError(Exception):
    """A node that is constant and whose value is not computed: why, and what to do."""


def is_folded(node: onnx.NodeProto) -> bool:
    """Whether the value of a node with constant inputs is computed at all: not random, no control flow."""
    return node.op_type not in RANDOM and not any(a.type in SUBGRAPHS for a in node.attribute)


def fold(
    node: onnx.NodeProto, opset: int, given: Mapping[str, Array], claimed: Sequence[Sequence[int] | None]
) -> dict[str, Array]:
    """The results of a node by name. claimed: the shapes that they will have, None where that is not known.

    CannotFoldError if that is too much work, or the evaluator cannot do it.
    """
    if node.op_type != "Constant":
        _check_work(node, sum(v.size for v in given.values()), claimed)
    if _at_once(node):
        return {node.output[0]: AT_ONCE[node.op_type](*(given[name] for name in node.input))}
    graph = helper.make_graph(
        [node],
        "fold",
        [helper.make_empty_tensor_value_info(i) for i in given],
        [helper.make_empty_tensor_value_info(o) for o in node.output if o],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    try:
        with np.errstate(all="ignore"):
            values = ReferenceEvaluator(model).run(None, dict(given))
    except Exception as error:  # whatever the evaluator does not know or the node gets wrong
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise CannotFoldError(
            f"its constant value cannot be computed ({reason[0]}); simplify the model first"
        ) from error
    return {name: np.asarray(value) for name, value in zip((o for o in node.output if o), values, strict=True)}


def _at_once(node: onnx.NodeProto) -> bool:
    """Whether a node is computed here: the evaluator walks through the places one by one."""
    return node.op_type in AT_ONCE and not any(a.i or a.s not in (b"", b"none") for a in node.attribute)


def _gathered(values: Array, index: Array) -> Array:
    """GatherND without batches."""
    _check_places(values, index)
    return np.asarray(values[tuple(np.moveaxis(index, -1, 0))])


def _scattered(values: Array, index: Array, updates: Array) -> Array:
    """ScatterND without a reduction."""
    _check_places(values, index)
    if updates.shape != (*index.shape[:-1], *values.shape[index.shape[-1] :]):
        raise CannotFoldError("its constants do not suit each other; check the exported model")
    found = values.copy()
    found[tuple(np.moveaxis(index, -1, 0))] = updates
    return found


def _check_places(values: Array, index: Array) -> None:
    """Raise CannotFoldError for indices that are none of these values."""
    sizes = np.array(values.shape[: index.shape[-1] if index.shape else 0])
    if not sizes.size or sizes.size != index.shape[-1] or np.any((index < -sizes) | (index >= sizes)):
        raise CannotFoldError("its indices lie outside of its values; check the exported model")


AT_ONCE: Mapping[str, Callable[..., Array]] = {"GatherND": _gathered, "ScatterND": _scattered}


def _check_work(node: onnx.NodeProto, read: int, claimed: Sequence[Sequence[int] | None]) -> None:
    """Raise CannotFoldError for results that are too large, or take too long."""
    if any(shape is None for shape in claimed) and node.op_type not in SHRINKING:
        raise CannotFoldError("the size of its constant value is not known beforehand; simplify the model first")
    written = sum(prod(shape) for shape in claimed if shape is not None)
    if written > max(read, limits.MOST_VALUES):
        raise CannotFoldError(
            f"its constant value has {written:,} elements, {limits.MOST_VALUES:,} are the most; store less"
        )
    most = MOST_PRODUCTS if node.op_type in PRODUCTS else MOST_OTHERS
    if node.op_type not in QUICK and not _at_once(node) and read + written > most:
        raise CannotFoldError(
            f"computing its constant value takes too long ({read + written:,} elements); simplify the model first"
        )
