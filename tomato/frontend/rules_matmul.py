"""Matrix products of two activations: attention, bilinear pooling, Gram matrices."""

from math import prod

import numpy as np

from tomato.frontend import layout
from tomato.frontend.layout import Index
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.rules_linear import MATRIX, add_bias
from tomato.frontend.walk import Rule, View, Walk
from tomato.ops.matmul import MatMul


def from_matmul(walk: Walk, node: OnnxNode) -> None:
    """MatMul of two activations: one product for each index of the leading axes."""
    a, b = (walk.view(name) for name in node.inputs)
    try:
        leading = np.broadcast_shapes(a.shape[:-MATRIX], b.shape[:-MATRIX])
    except ValueError as error:
        raise RefusedError("its stacks of matrices do not broadcast", "check the exported model") from error
    a, b = (_spread(walk, name, leading) for name in node.inputs)
    made = product(walk, _stacked(a), _stacked(b))
    walk.put(node.outputs[0], made.value, made.order.reshape(*leading, *made.shape[1:]))


def _spread(walk: Walk, name: str, leading: tuple[int, ...]) -> View:
    """A value with these leading axes: matrices of which there are fewer are repeated."""
    view = walk.view(name)
    if len(view.shape) < MATRIX or prod(view.shape[:-MATRIX]) == prod(leading):
        return view
    view = walk.settle(name)
    again = walk.repeated(view.value, np.broadcast_to(view.order, (*leading, *view.shape[-MATRIX:])))
    assert again is not None, "every pixel repeats alike"
    return again


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
    across = _lies(walk, b, np.moveaxis(b.order, 1, 2)) and not _lies(walk, b, b.order)
    right = _pixels(walk, View(b.value, np.moveaxis(b.order, 1, 2) if across else b.order))
    left = _pixels(walk, a)
    value = walk.emit(MatMul(groups, across), [left, right])
    return View(value, _by_pixels(groups, rows, columns))


def _by_pixels(groups: int, rows: int, columns: int) -> Index:
    """Where the elements (group, row, column) of matrices lie that have a pixel for each row."""
    order = np.arange(groups * rows * columns).reshape(rows, groups, columns)
    return np.ascontiguousarray(order.transpose(1, 0, 2))


def _lies(walk: Walk, view: View, order: Index) -> bool:
    """Whether matrices (group, row, column) are streamed row by row as they are."""
    groups, rows, columns = order.shape
    if view.value in walk.unbound or walk.build.types[view.value].channels != groups * columns:
        return False
    return prod(walk.build.types[view.value].shape) == order.size and np.array_equal(
        order, _by_pixels(groups, rows, columns)
    )


def _pixels(walk: Walk, view: View) -> str:
    """The graph value that streams matrices with a pixel for each row, and in it the groups one behind the other."""
    groups, rows, columns = view.shape
    if _lies(walk, view, view.order):
        return view.value
    return walk.arrange(view, (1, rows, groups * columns), layout.inverse(_by_pixels(groups, rows, columns)))


JOIN_RULES: dict[str, Rule] = {"MatMul": from_matmul, "Gemm": from_gemm}
