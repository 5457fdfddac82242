"""Add, Sub, Mul, Div, Neg, Sum, Expand: affine with a constant, a join of two activations without."""

from math import prod

import numpy as np

from tomato.formats import Tensor
from tomato.frontend import layout
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.walk import Rule, View, Walk
from tomato.ir import Op
from tomato.ops.dense import Dense
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Upsample
from tomato.ops.real import Affine, Function

ONE, ZERO = np.ones(1), np.zeros(1)


def from_arithmetic(walk: Walk, node: OnnxNode) -> None:
    """Add, Sub, Mul, Div of an activation and a constant, or of two activations."""
    constants = [walk.model.constant(node, i) is not None for i in (0, 1)]
    if not any(constants):
        _of_two(walk, node)
        return
    side = constants.index(True)
    source, target = node.inputs[1 - side], node.outputs[0]
    c = walk.weight(node, side, "operand")
    match node.op_type, side:
        case "Add", _:
            walk.affine(source, target, ONE, c)
        case "Mul", _:
            walk.affine(source, target, c, ZERO)
        case "Sub", 1:
            walk.affine(source, target, ONE, -c)
        case "Sub", _:
            walk.affine(source, target, -ONE, c)
        case "Div", 1 if np.all(c != 0):
            walk.affine(source, target, 1 / c, ZERO)
        case "Div", 1:
            raise RefusedError(f"the constant {node.inputs[1]!r} divides by zero", "check the exported model")
        case _:
            view, (divided,) = walk.fit(source, [c])
            walk.put(target, walk.emit(Function(("div", divided, "x")), [view.value]), view.order)


def from_neg(walk: Walk, node: OnnxNode) -> None:
    """Neg: x * -1."""
    walk.affine(node.inputs[0], node.outputs[0], -ONE, ZERO)


def from_sum(walk: Walk, node: OnnxNode) -> None:
    """Sum of any number of activations: a chain of additions."""
    first = walk.settle(node.inputs[0])
    total = first
    for name in node.inputs[1:]:
        total = join(walk, Add(), total, walk.view(name))
    walk.put(node.outputs[0], total.value, total.order)


def _of_two(walk: Walk, node: OnnxNode) -> None:
    a, b = (walk.view(i) for i in node.inputs)
    op: Op = Multiply() if node.op_type == "Mul" else Add()
    if node.op_type == "Div":
        raise RefusedError("expected a constant divisor", "division of two activations is not supported")
    if node.op_type == "Sub":
        b = walk.settle(node.inputs[1])
        b = View(walk.emit(Affine(Tensor(-ONE), Tensor(ZERO)), [b.value], "_neg"), b.order)
        a = walk.view(node.inputs[0])
    result = join(walk, op, a, b)
    walk.put(node.outputs[0], result.value, result.order)


def join(walk: Walk, op: Op, a: View, b: View) -> View:
    """A two-input operator on views brought to one layout; a vector is repeated over the pixels of an image."""
    shape = np.broadcast_shapes(a.shape, b.shape)
    same = a.value == b.value
    a = expand(walk, a, shape)
    b = a if same and a.shape == b.shape and np.array_equal(a.order, b.order) else expand(walk, b, shape)
    if a.value in walk.unbound or (b.value not in walk.unbound and _is_standard(b) and not _is_standard(a)):
        a, b = b, a
    if a.value in walk.unbound:
        stream = layout.standard(shape, 1 if len(shape) > 2 else len(shape) - 1)
        a = View(walk.arrange(a, *stream), layout.inverse(stream[1]).reshape(shape))
        b = a if same else b
    left = walk.build.types[a.value].shape
    right = walk.arrange(b, left, layout.inverse(a.order)) if b is not a else a.value
    return View(walk.emit(op, [a.value, right]), a.order)


def _is_standard(view: View) -> bool:
    """Whether the view lies as the next layer will most likely want it."""
    channel = min(1, max(0, len(view.shape) - 1))
    return np.array_equal(view.order, layout.order(view.shape, channel))


def expand(walk: Walk, view: View, shape: tuple[int, ...]) -> View:
    """The view broadcast to `shape`: pixels by repetition, channels by a product with ones."""
    order = view.order.reshape((1,) * (len(shape) - len(view.shape)) + view.shape)
    if order.size == prod(shape):
        return View(view.value, order.reshape(shape))
    if len(shape) > 4:
        raise RefusedError(f"expected at most 4 axes to broadcast, not {len(shape)}", "give both inputs the same shape")
    channel = 1 if len(shape) > 2 else len(shape) - 1
    value = walk.streamed(View(view.value, order), channel)
    height, width, channels = walk.build.types[value].shape
    target = layout.standard(shape, channel)[0]
    if channels != target[2]:
        value = walk.emit(Dense(Tensor(np.ones((1, target[2])))), [value], "_channels")
    factor = (target[0] // height, target[1] // width)
    if factor != (1, 1):
        value = walk.emit(Upsample(factor), [value], "_pixels")
    return View(value, layout.order(shape, channel))


def from_expand(walk: Walk, node: OnnxNode) -> None:
    """Expand to a constant shape."""
    target = walk.model.integers(node, 1, "shape") or ()
    view = walk.settle(node.inputs[0])
    view = expand(walk, view, np.broadcast_shapes(view.shape, target))
    walk.put(node.outputs[0], view.value, view.order)


RULES: dict[str, Rule] = {
    "Add": from_arithmetic,
    "Sub": from_arithmetic,
    "Mul": from_arithmetic,
    "Div": from_arithmetic,
    "Neg": from_neg,
    "Sum": from_sum,
    "Expand": from_expand,
}
