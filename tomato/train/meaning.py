"""What real operators mean in torch: the same numbers as their golden meaning, with gradients.

Tensors have the shape (batch, height, width, channels), like the arrays of the golden model.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch.nn import functional

from tomato.core.formats import Tensor
from tomato.core.ir import Op
from tomato.core.treatment import Treatment
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Concat, DepthToSpace, Pad, Reshape, Slice, SpaceToDepth, Transpose, Upsample
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.quantise import Bias, JoinConstant
from tomato.ops.real import Affine, Clip, Expression, Function
from tomato.ops.window import Window

Torch = torch.Tensor


def play(op: Op, args: Sequence[Torch], weight: Torch | None = None) -> Torch:
    """The result of an operator; `weight` stands for the operator's own, in its shape. KeyError if it has no meaning."""
    if isinstance(op, Conv2d | Dense):
        (x,) = args
        factor = _constant(op.weight, x) if weight is None else weight
        return _conv(op, x, factor) if isinstance(op, Conv2d) else x @ factor
    return MEANINGS[type(op)](op, *args)


def differentiable(op: Op) -> str | None:
    """Why no gradient passes an operator; None if one does."""
    if op.treatment in (Treatment.CODES, Treatment.CROSSES):
        return "the model is quantised already"
    if type(op) not in MEANINGS and not isinstance(op, Conv2d | Dense):
        return "it has no gradient"
    if isinstance(op, Function) and "count" in _names(op.expression):
        return "it counts thresholds, which has no gradient"
    return None


def _names(expression: Expression) -> set[str]:
    if not isinstance(expression, tuple):
        return set()
    return {str(expression[0])}.union(*(_names(e) for e in expression[1:]))


def _constant(values: Tensor, like: Torch) -> Torch:
    return torch.tensor(values.values, dtype=like.dtype, device=like.device)


def _padded(x: Torch, window: Window, border: float) -> Torch:
    """A frame as torch's windows want it, (batch, channels, height, width), with its border."""
    top, left, bottom, right = window.pads
    picture = x.permute(0, 3, 1, 2)
    return functional.pad(picture, (left, right, top, bottom), value=border) if any(window.pads) else picture


def _conv(op: Conv2d, x: Torch, weight: Torch) -> Torch:
    window = op.window
    padded = _padded(x, window, float(op.pad_value))
    found = functional.conv2d(
        padded, weight.permute(3, 2, 0, 1), None, window.stride, 0, window.dilation, op.groups
    )  # fmt: skip
    return found.permute(0, 2, 3, 1)


def _max_pool(op: MaxPool, x: Torch) -> Torch:
    window, padded = op.window, _padded(x, op.window, -torch.inf)
    return functional.max_pool2d(padded, window.kernel, window.stride, 0, window.dilation).permute(0, 2, 3, 1)


def _sum_pool(op: SumPool, x: Torch) -> Torch:
    window, padded = op.window, _padded(x, op.window, float(op.pad_value))
    out = window.output((x.shape[1], x.shape[2], x.shape[3]))
    (height, width), (down, right), (rows, columns) = out, window.stride, window.kernel
    taps = [
        padded[:, :, i : i + (height - 1) * down + 1 : down, j : j + (width - 1) * right + 1 : right]
        for i in range(0, rows * window.dilation[0], window.dilation[0])
        for j in range(0, columns * window.dilation[1], window.dilation[1])
    ]
    return torch.stack(taps).sum(0).permute(0, 2, 3, 1)


def _slice(op: Slice, x: Torch) -> Torch:
    parts = zip(op.begin, op.end, (*op.step, 1), strict=True)
    return x[(slice(None), *(slice(b, e, s) for b, e, s in parts))]


def _pad(op: Pad, x: Torch) -> Torch:
    top, left, bottom, right = op.pads
    return functional.pad(x, (0, 0, left, right, top, bottom), value=float(op.value))


def _depth_to_space(op: DepthToSpace, x: Torch) -> Torch:
    n, h, w, c = x.shape
    b = op.block
    split = x.reshape(n, h, w, b, b, c // (b * b))
    return split.permute(0, 1, 3, 2, 4, 5).reshape(n, h * b, w * b, c // (b * b))


def _space_to_depth(op: SpaceToDepth, x: Torch) -> Torch:
    n, h, w, c = x.shape
    b = op.block
    split = x.reshape(n, h // b, b, w // b, b, c)
    return split.permute(0, 1, 3, 2, 4, 5).reshape(n, h // b, w // b, c * b * b)


def _transpose(op: Transpose, x: Torch) -> Torch:
    axes = (0, *(p + 1 for p in op.perm))
    return x.reshape(len(x), *op.view).permute(axes).reshape(len(x), *op.shape)


def _affine(op: Affine, x: Torch) -> Torch:
    return x * _constant(op.scale, x) + _constant(op.offset, x)


FUNCTIONS: Mapping[str, Callable[..., Torch]] = MappingProxyType(
    {
        "add": torch.add,
        "sub": torch.sub,
        "mul": torch.mul,
        "div": torch.div,
        "min": torch.minimum,
        "max": torch.maximum,
        "neg": torch.neg,
        "abs": torch.abs,
        "exp": torch.exp,
        "log": torch.log,
        "sqrt": torch.sqrt,
        "pow": torch.pow,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
        "erf": torch.erf,
    }
)
"""Those of tomato.ops.real.FUNCTIONS that have a gradient."""


def _evaluate(expression: Expression, x: Torch) -> Torch:
    match expression:
        case "x":
            return x
        case Tensor():
            return _constant(expression, x)
        case tuple():
            name, *operands = expression
            return FUNCTIONS[str(name)](*(_evaluate(o, x) for o in operands))
    return torch.tensor(float(expression), dtype=x.dtype, device=x.device)


MEANINGS: Mapping[type[Op], Callable[..., Torch]] = MappingProxyType[Any, Any](
    {
        Add: lambda op, a, b: a * op.scale_a + b * op.scale_b,
        Multiply: lambda op, a, b: (a - op.zero_a) * (b - op.zero_b),
        Concat: lambda _, *args: torch.cat(args, 3),
        Slice: _slice,
        Pad: _pad,
        Upsample: lambda op, x: x.repeat_interleave(op.factor[0], 1).repeat_interleave(op.factor[1], 2),
        DepthToSpace: _depth_to_space,
        SpaceToDepth: _space_to_depth,
        Reshape: lambda op, x: x.reshape(len(x), *op.shape),
        Transpose: _transpose,
        MaxPool: _max_pool,
        SumPool: _sum_pool,
        GlobalSum: lambda _, x: x.sum((1, 2), keepdim=True),
        Affine: _affine,
        Clip: lambda op, x: x.clamp(op.lo, op.hi),
        Function: lambda op, x: _evaluate(op.expression, x),
        JoinConstant: lambda op, x: _affine(op.affine, x),
        Bias: lambda op, x: _affine(op.affine, x),
    }
)
"""Of every operator that can stand in a graph of reals, but for layers with weights."""
