"""How each operator of a network of reals is written in ONNX, with what the frontend makes of one node in one node."""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any

import numpy as np

from tests.networks.maker import FUNCTIONS
from tests.networks.onnx_writer import BOOL, FLOAT, LAST, PICTURE, Axes, Held, Writer
from tests.networks.operators import described
from tomato.core.formats import Tensor
from tomato.core.ir import Node, Op
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Concat, DepthToSpace, Pad, Reshape, Slice, SpaceToDepth, Transpose, Upsample
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.real import Affine, Clip, Expression, Function
from tomato.ops.window import Window

OPERATORS: Mapping[str, str] = {
    "add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "min": "Min", "max": "Max", "neg": "Neg", "abs": "Abs",
    "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "pow": "Pow", "tanh": "Tanh", "sigmoid": "Sigmoid",
    "softplus": "Softplus", "erf": "Erf", "gt": "Greater", "ge": "GreaterOrEqual", "eq": "Equal", "where": "Where",
}  # fmt: skip
"""Functions in expressions, as operators."""
TRUTHS = frozenset({"gt", "ge", "eq"})
"""Those whose results are truths in ONNX."""
WHOLE: Mapping[str, tuple[str, dict[str, float]]] = {
    "leaky": ("LeakyRelu", {"alpha": 0.1}),
    "hardswish": ("HardSwish", {}),
    "softsign": ("Softsign", {}),
}
"""Functions with an operator of their own, and its attributes."""


def geometry(window: Window) -> dict[str, Any]:
    """The attributes of a window."""
    found = {"kernel_shape": list(window.kernel), "strides": list(window.stride), "pads": list(window.pads)}
    return found if window.dilation == (1, 1) else {**found, "dilations": list(window.dilation)}


def _is_bias(op: Op) -> bool:
    return isinstance(op, Affine) and bool(np.all(op.scale.values == 1))


def _is_factor(op: Op, factor: float) -> bool:
    return isinstance(op, Affine) and not np.any(op.offset.values) and bool(np.all(op.scale.values == factor))


def _conv(w: Writer, node: Node, weight: Tensor, window: Window, groups: int, pad_value: int) -> None:
    x = w.read(node.args[0], PICTURE)
    if pad_value:
        top, left, bottom, right = window.pads
        border = np.array([0, 0, top, left, 0, 0, bottom, right])
        x = w.emit("Pad", x, w.constant(border), w.constant(float(pad_value)))
        window = Window(window.kernel, window.stride, window.dilation)
    bias = w.merge(node.name, _is_bias)
    constants = [weight.values.transpose(3, 2, 0, 1)]
    if bias is not None and isinstance(bias.op, Affine):
        constants.append(np.broadcast_to(bias.op.offset.values, weight.shape[3:]))
    y = w.emit("Conv", x, *map(w.constant, constants), **geometry(window), group=groups)
    w.put(node, y, PICTURE, bias)


def conv(w: Writer, node: Node) -> None:
    """Conv, with a border other than 0 behind a Pad."""
    assert isinstance(node.op, Conv2d)
    _conv(w, node, node.op.weight, node.op.window, node.op.groups, node.op.pad_value)


def dense(w: Writer, node: Node) -> None:
    """Gemm of a vector; Conv of a picture, or MatMul where channels come last."""
    assert isinstance(node.op, Dense)
    weight, (value,) = node.op.weight, node.args
    if w.types[value].pixels == 1 and not w.chance(0.5):
        bias = w.merge(node.name, _is_bias)
        constants = [weight.values.T]
        if bias is not None and isinstance(bias.op, Affine):
            constants.append(np.broadcast_to(bias.op.offset.values, weight.shape[1:]))
        found = w.held[value]
        x = w.emit("Flatten", found.tensor) if len(found.axes) == 3 else w.read(value, (2,))
        w.put(node, w.emit("Gemm", x, *map(w.constant, constants), transB=1), (2,), bias)
    elif w.chance(0.6):
        axes = w.order(value, last=True)
        w.put(node, w.emit("MatMul", w.read(value, axes), w.constant(weight.values)), axes)
    else:
        _conv(w, node, Tensor(weight.values[None, None]), Window((1, 1)), 1, 0)


def max_pool(w: Writer, node: Node) -> None:
    assert isinstance(node.op, MaxPool)
    window, shape = node.op.window, w.types[node.args[0]].shape
    x = w.read(node.args[0], PICTURE)
    whole = window == Window(shape[:2]) and w.chance(0.5)
    y = w.emit("GlobalMaxPool", x) if whole else w.emit("MaxPool", x, **geometry(window))
    w.put(node, y, PICTURE)


def sum_pool(w: Writer, node: Node) -> None:
    """AveragePool times its taps, or without that factor; Conv where taps are apart, which averages know late."""
    assert isinstance(node.op, SumPool)
    window, channels = node.op.window, node.type.channels
    if window.dilation != (1, 1):
        _conv(w, node, Tensor(np.ones((*window.kernel, 1, channels))), window, channels, 0)
        return
    x = w.read(node.args[0], PICTURE)
    y = w.emit("AveragePool", x, **geometry(window), **({"count_include_pad": 1} if any(window.pads) else {}))
    _times(w, node, y, window.taps, PICTURE)


def global_sum(w: Writer, node: Node) -> None:
    pixels = w.types[node.args[0]].pixels
    if w.chance(0.3):
        axes = w.order(node.args[0])
        kept = [i + 1 for i, a in enumerate(axes) if a != 2]
        if kept:
            y = w.emit("ReduceSum", w.read(node.args[0], axes), w.constant(np.array(kept)))
            w.put(node, y, axes)
            return
    _times(w, node, w.emit("GlobalAveragePool", w.read(node.args[0], PICTURE)), pixels, PICTURE)


def _times(w: Writer, node: Node, average: str, count: int, axes: Axes) -> None:
    divided = w.merge(node.name, lambda op: _is_factor(op, 1 / count))
    w.put(node, average if divided or count == 1 else w.emit("Mul", average, w.constant(float(count))), axes, divided)


def join(w: Writer, node: Node) -> None:
    axes = w.order(node.args[0])
    tensors = [w.read(a, axes) for a in node.args]
    w.put(node, w.emit("Add" if isinstance(node.op, Add) else "Mul", *tensors), axes)


def concat(w: Writer, node: Node) -> None:
    axes = w.order(node.args[0])
    if 2 not in axes or any(w.types[a].shape[:2] != node.type.shape[:2] for a in node.args):
        axes = PICTURE
    tensors = [w.read(a, axes) for a in node.args]
    w.put(node, w.emit("Concat", *tensors, axis=axes.index(2) + 1), axes)


def slice_(w: Writer, node: Node) -> None:
    """Slice of every axis, or of those alone that it cuts."""
    assert isinstance(node.op, Slice)
    value = node.args[0]
    axes, shape = w.order(value), w.types[value].shape
    bounds = list(zip(LAST, node.op.begin, node.op.end, (*node.op.step, 1), strict=True))
    if w.chance(0.7):
        bounds = [b for b in bounds if b[1:] != (0, shape[b[0]], 1)]
    bounds = [b for b in bounds if b[0] in axes]
    x = w.read(value, axes)
    if bounds:
        columns = [[b[k] for b in bounds] for k in (1, 2)] + [[axes.index(b[0]) + 1 for b in bounds]]
        x = w.emit("Slice", x, *(w.constant(np.array(c)) for c in (*columns, [b[3] for b in bounds])))
    w.put(node, x, axes)


def pad(w: Writer, node: Node) -> None:
    assert isinstance(node.op, Pad)
    axes = w.order(node.args[0])
    axes = axes if len(axes) == 3 else LAST
    sides = {0: node.op.pads[0::2], 1: node.op.pads[1::2], 2: (0, 0)}
    border = [0, *(sides[a][0] for a in axes), 0, *(sides[a][1] for a in axes)]
    given = [w.constant(np.array(border)), w.constant(float(node.op.value))]
    w.put(node, w.emit("Pad", w.read(node.args[0], axes), *given), axes)


def upsample(w: Writer, node: Node) -> None:
    assert isinstance(node.op, Upsample)
    scales = w.constant(np.array([1, 1, *node.op.factor], np.float32))
    how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    w.put(node, w.emit("Resize", w.read(node.args[0], PICTURE), "", scales, **how), PICTURE)


def blocks(w: Writer, node: Node) -> None:
    assert isinstance(node.op, DepthToSpace | SpaceToDepth)
    kind = type(node.op).__name__
    w.put(node, w.emit(kind, w.read(node.args[0], PICTURE), blocksize=node.op.block), PICTURE)


def reshape(w: Writer, node: Node) -> None:
    w.put(node, w.reshape(w.read(node.args[0], LAST), node.type.shape), LAST)


def transpose(w: Writer, node: Node) -> None:
    """No node at all where another order of the same axes says it; else Reshape, Transpose, Reshape, as few as do."""
    assert isinstance(node.op, Transpose)
    op, (value,) = node.op, node.args
    shape, found = w.types[value].shape, w.held[value]
    moved = op.shape == tuple(op.view[p] for p in op.perm)
    if op.view == shape and moved and w.chance(0.5):
        w.held[node.name] = Held(found.tensor, tuple(op.perm.index(a) for a in found.axes))
        return
    if op.view == shape and len(op.perm) == 3:
        w.put(node, w.reshape(w.read(value, op.perm), op.shape), LAST)
        return
    x = w.emit("Transpose", w.reshape(w.read(value, LAST), op.view), perm=[0, *(p + 1 for p in op.perm)])
    w.put(node, w.reshape(x, op.shape), LAST)


def _subtracts(w: Writer, negated: Node, reader: Node) -> bool:
    """Whether the reader of a negated value can be written as a Sub here: it adds that to something there is."""
    first, second = (*reader.args, "")[:2]
    return isinstance(reader.op, Add) and second == negated.name and first in w.held and not w.chance(0.2)


def affine(w: Writer, node: Node) -> None:
    """Mul and Add, BatchNormalization, Neg, Add alone; or Sub where the only reader adds."""
    assert isinstance(node.op, Affine)
    op, (value,) = node.op, node.args
    axes, reader = w.order(value), w.reader(node.name)
    if _is_factor(op, -1) and reader is not None and _subtracts(w, node, reader):
        w.put(node, w.emit("Sub", w.read(reader.args[0], axes), w.read(value, axes)), axes, reader)
        w.merged.add(reader.name)
        return
    if _is_factor(op, -1):
        w.put(node, w.emit("Neg", w.read(value, axes)), axes)
        return
    if op.scale.shape == op.offset.shape == (node.type.channels,) and w.chance(0.4):
        ones = np.ones(node.type.channels)
        given = [op.scale.values, op.offset.values, 0 * ones, ones - 1e-5]
        x = w.read(value, PICTURE)
        w.put(node, w.emit("BatchNormalization", x, *map(w.constant, given), epsilon=1e-5), PICTURE)
        return
    y = w.read(value, axes)
    y = y if _is_bias(op) else w.emit("Mul", y, w.spread(op.scale, axes))
    w.put(node, w.emit("Add", y, w.spread(op.offset, axes)) if np.any(op.offset.values) else y, axes)


def clip(w: Writer, node: Node) -> None:
    assert isinstance(node.op, Clip)
    axes, op = w.order(node.args[0]), node.op
    x = w.read(node.args[0], axes)
    if (op.lo, op.hi) == (0.0, inf):
        w.put(node, w.emit("Relu", x), axes)
        return
    limits = [w.constant(end) if np.isfinite(end) else "" for end in (op.lo, op.hi)]
    w.put(node, w.emit("Clip", x, *limits), axes)


def function(w: Writer, node: Node) -> None:
    """A function's own operator, or one for each part of its expression."""
    assert isinstance(node.op, Function)
    axes, wanted = w.order(node.args[0]), node.op.expression
    x = w.read(node.args[0], axes)
    match wanted:
        case ("max", "x", ("mul", "x", Tensor() as slope)):
            w.put(node, w.emit("PRelu", x, w.spread(slope, axes)), axes)
            return
    for name, (kind, attributes) in WHOLE.items():
        if FUNCTIONS[name] == wanted:
            w.put(node, w.emit(kind, x, **attributes), axes)
            return

    def spell(part: Expression) -> str:
        match part:
            case "x":
                return x
            case Tensor():
                return w.spread(part, axes)
            case (str() as name, *operands):
                first, *others = map(spell, operands)
                first = w.emit("Cast", first, to=BOOL) if name == "where" else first
                made = w.emit(OPERATORS[name], first, *others)
                return w.emit("Cast", made, to=FLOAT) if name in TRUTHS else made
            case _:
                return w.constant(float(part))  # type: ignore[arg-type]  # what is left is a number

    w.put(node, spell(wanted), axes)


WRITERS: Mapping[type[Op], Callable[[Writer, Node], None]] = {
    Add: join,
    Affine: affine,
    Clip: clip,
    Concat: concat,
    Conv2d: conv,
    Dense: dense,
    DepthToSpace: blocks,
    Function: function,
    GlobalSum: global_sum,
    MaxPool: max_pool,
    Multiply: join,
    Pad: pad,
    Reshape: reshape,
    Slice: slice_,
    SpaceToDepth: blocks,
    SumPool: sum_pool,
    Transpose: transpose,
    Upsample: upsample,
    **{kind: found.write for kind, found in described().items()},
}
"""Every operator that may stand in a network of reals."""
