"""Stacks of matrices (stack, row, column) as streams: a pixel for each row, in it the stack one behind the other."""

from math import prod

import numpy as np

from tomato.core.formats import Array, Tensor
from tomato.frontend import layout
from tomato.frontend.layout import Index
from tomato.frontend.model import RefusedError
from tomato.frontend.walk import View, Walk
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.window import Window

MATRIX = 2
"""Axes of a matrix."""


def by_pixels(groups: int, rows: int, columns: int) -> Index:
    """Where the elements (group, row, column) of matrices lie that have a pixel for each row."""
    order = np.arange(groups * rows * columns).reshape(rows, groups, columns)
    return np.ascontiguousarray(order.transpose(1, 0, 2))


def lies(walk: Walk, view: View, order: Index) -> bool:
    """Whether matrices (group, row, column) are streamed row by row as they are."""
    groups, rows, columns = order.shape
    if view.value in walk.unbound or walk.build.types[view.value].channels != groups * columns:
        return False
    return prod(walk.build.types[view.value].shape) == order.size and np.array_equal(
        order, by_pixels(groups, rows, columns)
    )


def pixels(walk: Walk, view: View) -> str:
    """The graph value that streams matrices with a pixel for each row, and in it the groups one behind the other."""
    groups, rows, columns = view.shape
    if lies(walk, view, view.order):
        return view.value
    return walk.arrange(view, (1, rows, groups * columns), layout.inverse(by_pixels(groups, rows, columns)))


def spread(walk: Walk, name: str, leading: tuple[int, ...]) -> View:
    """A value with these leading axes: matrices of which there are fewer are repeated."""
    view = walk.view(name)
    if len(view.shape) < MATRIX or prod(view.shape[:-MATRIX]) == prod(leading):
        return view
    view = walk.settle(name)
    again = walk.repeated(view.value, np.broadcast_to(view.order, (*leading, *view.shape[-MATRIX:])))
    assert again is not None, "every pixel repeats alike"
    return again


def times_constants(walk: Walk, given: View, weight: Array, steps: Array) -> View:
    """The products (..., row, column) of matrices (..., row, term) and a constant stack of them (..., term, column).

    Stacks broadcast. steps: of the columns, or one. Every matrix of the constant is a group of a convolution without a
    window; where all of them meet the same rows, they are one matrix, side by side.
    """
    rank = max(weight.ndim, len(given.shape)) - MATRIX
    order = given.order.reshape((1,) * (rank + MATRIX - len(given.shape)) + given.shape)
    weight = weight.reshape((1,) * (rank + MATRIX - weight.ndim) + weight.shape)
    (rows, terms), columns = order.shape[rank:], weight.shape[-1]
    try:
        leading = np.broadcast_shapes(order.shape[:rank], weight.shape[:rank])
    except ValueError as error:
        raise RefusedError("its stacks of matrices do not broadcast", "check the exported model") from error
    if weight.shape[-2] != terms:
        dims = "x".join(map(str, weight.shape[-MATRIX:]))
        raise RefusedError(f"expected matrices of {terms} rows, not {dims}", "check the exported model")
    stacked = tuple(a for a in range(rank) if weight.shape[a] > 1)
    rest = tuple(a for a in range(rank) if a not in stacked)
    groups = prod(leading[a] for a in stacked)
    matrix = weight.reshape(groups, terms, columns).transpose(1, 0, 2).reshape(terms, groups * columns)
    if all(order.shape[a] == 1 for a in stacked):
        view = View(given.value, order.reshape(1, -1, terms))
        value = walk.emit(Dense(Tensor(matrix)), [walk.streamed(view, 2)])
    else:
        view = View(given.value, order)
        if order.shape[:rank] != leading:
            walk.env["stack"] = view
            view = spread(walk, "stack", leading)
            walk.env.pop("stack")
        moved = view.order.transpose(*stacked, *rest, rank, rank + 1).reshape(groups, -1, terms)
        value = pixels(walk, View(view.value, moved))
        value = walk.emit(Conv2d(Tensor(matrix.reshape(1, 1, terms, -1)), Window((1, 1)), groups), [value])
    value = walk.scaled(value, np.tile(steps, groups) if steps.size > 1 else steps)
    sizes = (*(leading[a] for a in (*stacked, *rest)), rows, columns)
    made = by_pixels(groups, prod(sizes[len(stacked) : -1]), columns).reshape(sizes)
    back = np.argsort((*stacked, *rest, rank, rank + 1))
    return View(value, np.ascontiguousarray(made.transpose(back)))
