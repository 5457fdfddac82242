"""Matrix products of two activations: attention, bilinear pooling, Gram matrices."""

import numpy as np

from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.rules_linear import add_bias
from tomato.frontend.stacks import MATRIX, by_pixels, lies, pixels, spread
from tomato.frontend.walk import Rule, View, Walk
from tomato.ops.matmul import MatMul


def from_matmul(walk: Walk, node: OnnxNode) -> None:
    """MatMul of two activations: one product for each index of the leading axes."""
    a, b = (walk.view(name) for name in node.inputs)
    try:
        leading = np.broadcast_shapes(a.shape[:-MATRIX], b.shape[:-MATRIX])
    except ValueError as error:
        raise RefusedError("its stacks of matrices do not broadcast", "check the exported model") from error
    a, b = (spread(walk, name, leading) for name in node.inputs)
    made = product(walk, _stacked(a), _stacked(b))
    walk.put(node.outputs[0], made.value, made.order.reshape(*leading, *made.shape[1:]))


def from_gemm(walk: Walk, node: OnnxNode) -> None:
    """Gemm of two activations and perhaps a constant."""
    a, b = (walk.view(name) for name in node.inputs[:2])
    a, b = (View(v.value, v.order.T if node.flag(f, 0) else v.order) for v, f in ((a, "transA"), (b, "transB")))
    alpha, beta, target = node.real("alpha", 1.0), node.real("beta", 1.0), node.outputs[0]
    if node.has(2) and node.inputs[2] not in walk.model.constants:
        raise RefusedError("expected a constant C", "add it behind a MatMul")
    made = product(walk, _stacked(a), _stacked(b))
    walk.put(target, made.value, made.order[0])
    if alpha != 1.0:
        walk.affine(target, target, np.full(1, alpha), np.zeros(1), "_alpha")
    if node.has(2) and beta != 1.0:
        walk.affine(target, target, np.ones(1), walk.weight(node, 2, "C") * beta, "_bias")
    elif node.has(2):
        add_bias(walk, node, target, 2, "_bias")


def _stacked(view: View) -> View:
    """The view as a stack of matrices."""
    if len(view.shape) < MATRIX:
        raise RefusedError("expected matrices, not a vector", "give both operands two axes or more")
    return View(view.value, view.order.reshape(-1, *view.shape[-2:]))


def product(walk: Walk, a: View, b: View) -> View:
    """The products of two stacks of matrices: (stack, row, term) and (stack, term, column)."""
    (groups, rows, _), (count, _, columns) = a.shape, b.shape
    if groups != count:
        raise RefusedError(
            f"expected as many matrices on both sides, not {groups} and {count}", "repeat the smaller stack"
        )
    across = lies(walk, b, np.moveaxis(b.order, 1, 2)) and not lies(walk, b, b.order)
    right = pixels(walk, View(b.value, np.moveaxis(b.order, 1, 2) if across else b.order))
    left = pixels(walk, a)
    value = walk.emit(MatMul(groups, across), [left, right])
    return View(value, by_pixels(groups, rows, columns))


JOIN_RULES: dict[str, Rule] = {"MatMul": from_matmul, "Gemm": from_gemm}
