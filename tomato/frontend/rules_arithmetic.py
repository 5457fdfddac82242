"""Add, Sub, Mul, Div, Neg, Sum, Expand: affine with a constant, a join of two activations without."""

from collections.abc import Mapping
from math import prod
from typing import Literal

import numpy as np

from tomato.core.formats import Array, Tensor
from tomato.core.ir import Op
from tomato.frontend import layout
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.rules_linear import add_bias
from tomato.frontend.walk import Rule, View, Walk
from tomato.ops.dense import Dense
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Upsample
from tomato.ops.quantise import Dequantise, JoinConstant
from tomato.ops.real import Affine, Function

ONE, ZERO = np.ones(1), np.zeros(1)
MASKED = -1000.0
"""What counts as minus infinity in front of a softmax: the exponential of the difference to any score is 0."""
NEGATIVE = Affine(Tensor(-ONE), Tensor(ZERO))
AROUND: Mapping[str, tuple[str, Op]] = {
    "Sub": ("_neg", NEGATIVE),
    "Div": ("_inverse", Function(("div", 1.0, "x"))),
}
"""What is done to the second of two activations, so that a sum or a product is left, and how that is called."""
JOINS: Mapping[str, Literal["add", "mul"]] = {"Add": "add", "Mul": "mul"}


def from_arithmetic(walk: Walk, node: OnnxNode) -> None:
    """Add, Sub, Mul, Div of an activation and a constant, or of two activations."""
    constants = [walk.model.constant(node, i) is not None for i in (0, 1)]
    if not any(constants):
        _of_two(walk, node)
        return
    side = constants.index(True)
    source, target = node.inputs[1 - side], node.outputs[0]
    c = _operand(walk, node, side)
    if _joined_codes(walk, node, side):
        return
    source = _enlarged(walk, source, c)
    match node.op_type, side:
        case "Add", _ if _is_product(walk, source) and not masked(walk, target):
            add_bias(walk, node, source, side)
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
            _divide(walk, source, target, c)


def _enlarged(walk: Walk, source: str, constant: Array) -> str:
    """The name of a value, repeated along the axes of a constant that enlarges it; its own where none does."""
    view = walk.view(source)
    try:
        shape = np.broadcast_shapes(view.shape, constant.shape)
    except ValueError:
        return source  # refused where it meets the constant
    if prod(shape) == view.order.size or (len(shape) == len(view.shape) and shape[0] > view.shape[0]):
        return source  # more frames than one are refused there, too
    name = f"{source} as {shape}"
    walk.env[name] = expand(walk, walk.settle(source), shape)
    return name


def _divide(walk: Walk, source: str, target: str, c: Array) -> None:
    """target = c / source: one function, or where c differs per pixel the inverse times c."""
    try:
        view, (divided,) = walk.fit(source, [c])
    except RefusedError:
        view = walk.settle(source)
        walk.put(target, walk.emit(Function(("div", 1.0, "x")), [view.value], "_inverse"), view.order)
        walk.affine(target, target, c, ZERO)
        return
    walk.put(target, walk.emit(Function(("div", divided, "x")), [view.value]), view.order)


def _operand(walk: Walk, node: OnnxNode, side: int) -> Array:
    """The constant; one that keeps values out of a softmax is no lower than it has to be."""
    constant = walk.model.constant(node, side)
    if node.op_type == "Add" and constant is not None and constant.dtype.kind == "f" and masked(walk, node.outputs[0]):
        return walk.finite(node.inputs[side], np.maximum(constant, MASKED))
    return walk.weight(node, side, "operand")


def masked(walk: Walk, name: str) -> bool:
    """Whether all that reads a value is a softmax, for which one that lies far below the others is none."""
    readers = walk.model.consumers.get(name, ())
    return bool(readers) and name not in walk.model.outputs and all(r.op_type == "Softmax" for r in readers)


def _is_product(walk: Walk, source: str) -> bool:
    """Whether a value is the result of a MatMul alone: what is added to it is its bias."""
    maker = walk.model.makers.get(source)
    return maker is not None and maker.op_type == "MatMul" and len(walk.model.consumers[source]) == 1


def _joined_codes(walk: Walk, node: OnnxNode, side: int) -> bool:
    """Add and Mul of codes and a constant that comes as codes: ONNX Runtime's kernels compute on both."""
    coded, kind = walk.coded.get(node.inputs[side]), JOINS.get(node.op_type)
    source = walk.settle(node.inputs[1 - side])
    back = walk.defining(source.value)
    if kind is None or coded is None or coded.zero is None or coded.scale.size > 1:
        return False
    if back is None or not isinstance(back.op, Dequantise):
        return False
    spread = coded.codes.ndim == len(source.shape) and coded.codes.shape[-1] == source.shape[-1]
    scale, zero = float(coded.scale.flat[0]), coded.zero

    def make(codes: Tensor) -> Op:
        return JoinConstant(kind, codes, scale, zero, first=side == 0 and spread)

    walk.step(node.inputs[1 - side], node.outputs[0], [coded.codes.astype(np.float64)], make)
    return True


def from_neg(walk: Walk, node: OnnxNode) -> None:
    """Neg: x * -1."""
    walk.affine(node.inputs[0], node.outputs[0], -ONE, ZERO)


def from_sum(walk: Walk, node: OnnxNode) -> None:
    """Sum of any number of activations, a chain of additions, and of constants, which are one offset behind it."""
    names = [n for n in node.inputs if n not in walk.model.constants]
    constants = [walk.weight(node, i, "operand") for i, n in enumerate(node.inputs) if n in walk.model.constants]
    total = walk.settle(names[0])
    for name in names[1:]:
        total = join(walk, Add(), total, walk.view(name))
    walk.put(node.outputs[0], total.value, total.order)
    if constants:
        walk.affine(node.outputs[0], node.outputs[0], ONE, np.asarray(sum(constants)), "_constant")


def _of_two(walk: Walk, node: OnnxNode) -> None:
    a, b = (walk.view(i) for i in node.inputs)
    op: Op = Multiply() if node.op_type in ("Mul", "Div") else Add()
    if node.op_type in AROUND:
        suffix, before = AROUND[node.op_type]
        b = walk.settle(node.inputs[1])
        b = View(walk.emit(before, [b.value], suffix), b.order)
        a = walk.view(node.inputs[0])
    if node.op_type == "Add" and a.shape[-1:] == (1,) != b.shape[-1:]:
        a, b = b, a  # as ONNX Runtime's kernel does, for which the order of float32 sums matters
    result = join(walk, op, a, b)
    walk.put(node.outputs[0], result.value, result.order)


def join(walk: Walk, op: Op, *given: View) -> View:
    """An operator on views brought to one layout; a vector is repeated over the pixels of an image."""
    try:
        shape = np.broadcast_shapes(*(view.shape for view in given))
    except ValueError as reason:
        raise RefusedError("expected inputs of shapes that broadcast", "check the exported model") from reason
    names = [f"{i} of a join" for i in range(len(given))]
    for name, view in zip(names, given, strict=True):
        walk.env[name] = view  # so that it follows an input that is bound meanwhile
    for i, name in enumerate(names):
        like = next((n for n, view in zip(names[:i], given, strict=False) if _alike(view, given[i])), None)
        walk.env[name] = walk.env[like] if like else expand(walk, walk.env[name], shape)
    bound = [walk.env[name] for name in names if walk.env[name].value not in walk.unbound]
    lead = next(filter(_is_standard, bound), bound[0] if bound else None)
    if lead is None:
        frame, places = layout.standard(shape, 1 if len(shape) > 2 else len(shape) - 1)
    else:
        frame, places = walk.build.types[lead.value].shape, layout.inverse(lead.order)
    args = [walk.arrange(walk.env.pop(name), frame, places) for name in names]
    return View(walk.emit(op, args), layout.inverse(places).reshape(shape) if lead is None else lead.order)


def _alike(a: View, b: View) -> bool:
    """Whether two views are one."""
    return a.value == b.value and a.shape == b.shape and np.array_equal(a.order, b.order)


def _is_standard(view: View) -> bool:
    """Whether the view lies as the next layer will most likely want it."""
    channel = min(1, max(0, len(view.shape) - 1))
    return np.array_equal(view.order, layout.order(view.shape, channel))


def expand(walk: Walk, view: View, shape: tuple[int, ...]) -> View:
    """The view broadcast to `shape`: pixels by repetition, channels by a product with ones."""
    order = view.order.reshape((1,) * (len(shape) - len(view.shape)) + view.shape)
    if order.size == prod(shape):
        return View(view.value, order.reshape(shape))
    channel = 1 if len(shape) > 2 else len(shape) - 1
    rises = [[order.shape[a] < shape[a] for a in axes if shape[a] > 1] for axes in layout.axes(len(shape), channel)]
    if len(shape) > 4 or any(grown != sorted(grown) for grown in rises):
        if view.value in walk.unbound:
            view = View(walk.streamed(View(view.value, order), channel), layout.order(order.shape, channel))
            order = view.order
        again = walk.repeated(view.value, np.broadcast_to(order, shape))
        assert again is not None, "every pixel repeats alike"
        return again
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
    if any(size < 1 for size in target):
        raise RefusedError("expected sizes of 1 or more", "export the model with static shapes")
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
