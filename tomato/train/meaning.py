"""What real operators mean in torch: the same as their golden models, with gradients."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch.nn import functional

from tomato.core.formats import Array
from tomato.core.formats import Tensor as Constant
from tomato.core.ir import Op
from tomato.core.treatment import Treatment
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.edge_pad import EdgePad
from tomato.ops.join import Add, Multiply
from tomato.ops.keep_largest import KeepLargest
from tomato.ops.matmul import MatMul
from tomato.ops.move import Concat, DepthToSpace, Flip, Pad, Reshape, Slice, SpaceToDepth, Transpose, Upsample
from tomato.ops.normalise import Normalise
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.quantise import Bias, JoinConstant
from tomato.ops.real import Affine, Clip, Expression, Function
from tomato.ops.recurrent import Gru, Lstm, Rnn
from tomato.ops.softmax import Softmax
from tomato.ops.weighted import Weighted
from tomato.ops.window import Window
from tomato.train import recurrence

Meaning = Callable[[Any, Sequence[torch.Tensor]], torch.Tensor]
"""Of an operator, on its arguments."""
Sum = Callable[[Any, torch.Tensor, torch.Tensor], torch.Tensor]
"""Of an operator with a weight, on its argument and that weight."""


def play(op: Op, args: Sequence[torch.Tensor], weight: torch.Tensor | None = None) -> torch.Tensor:
    """The result of an operator on reals: tensors of (batch, height, width, channels), of any floating-point type.

    `weight` stands in for that of the operator and has its shape.
    """
    if isinstance(op, Weighted):
        (x,) = args
        return SUMS[type(op)](op, x, constant(op.weight.values, x) if weight is None else weight)
    meaning = MEANINGS.get(type(op))
    return meaning(op, args) if meaning else FUNCTIONS[op.elementwise](*args)


def differentiable(op: Op) -> str | None:
    """Why no gradient passes an operator; None if one does."""
    if op.treatment in (Treatment.CODES, Treatment.CROSSES):
        return "it is quantised already"
    if isinstance(op, Function) and "count" in _names(op.expression):
        return "it counts thresholds, so that its slope is 0 everywhere"
    if type(op) not in SUMS and type(op) not in MEANINGS and not op.elementwise:
        return f"training does not know {op.name}"
    return None


def constant(values: Array | float, like: torch.Tensor) -> torch.Tensor:
    """A constant in the type and on the device of a tensor."""
    return torch.tensor(values, dtype=like.dtype, device=like.device)


def _convolution(x: torch.Tensor, weight: torch.Tensor, window: Window, groups: int, border: float) -> torch.Tensor:
    top, left, bottom, right = window.pads
    even = (top, left) == (bottom, right) and border == 0
    y = functional.conv2d(
        _planes(x if even else _padded(x, window.pads, border)),
        weight.permute(3, 2, 0, 1),
        stride=window.stride,
        padding=(top, left) if even else 0,
        dilation=window.dilation,
        groups=groups,
    )
    return _pixels(y)


def _planes(x: torch.Tensor) -> torch.Tensor:
    """Channels in front, as torch wants them: a view."""
    return x.permute(0, 3, 1, 2)


def _pixels(x: torch.Tensor) -> torch.Tensor:
    """Channels last again."""
    return x.permute(0, 2, 3, 1)


def _padded(x: torch.Tensor, pads: tuple[int, int, int, int], border: float) -> torch.Tensor:
    """A frame with a border: top, left, bottom, right."""
    if not any(pads):
        return x
    top, left, bottom, right = pads
    return functional.pad(x, (0, 0, left, right, top, bottom), value=border)


def _add(op: Add, args: Sequence[torch.Tensor]) -> torch.Tensor:
    a, b = (x if m == 1 else x * m for x, m in zip(args, (op.scale_a, op.scale_b), strict=True))
    return a + b


def _multiply(op: Multiply, args: Sequence[torch.Tensor]) -> torch.Tensor:
    a, b = (x if zero == 0 else x - zero for x, zero in zip(args, (op.zero_a, op.zero_b), strict=True))
    return a * b


def _matmul(op: MatMul, args: Sequence[torch.Tensor]) -> torch.Tensor:
    frames, height, width, _ = args[0].shape
    left, right = (x.reshape(frames, -1, op.groups, x.shape[3] // op.groups).transpose(1, 2) for x in args)
    made = (left - op.zero_a) @ ((right - op.zero_b).transpose(2, 3) if op.transposed else right - op.zero_b)
    return made.transpose(1, 2).reshape(frames, height, width, -1)


def _normalise(op: Normalise, args: Sequence[torch.Tensor]) -> torch.Tensor:
    (x,) = args
    rest = x - x.mean(dim=3, keepdim=True) if op.centred else x
    return rest / ((rest * rest).mean(dim=3, keepdim=True) + op.epsilon).sqrt()


def _softmax(op: Softmax, args: Sequence[torch.Tensor]) -> torch.Tensor:
    (x,) = args
    return x.unflatten(3, (op.groups, -1)).softmax(dim=4).flatten(3)


def _slice(op: Slice, args: Sequence[torch.Tensor]) -> torch.Tensor:
    rows, columns, channels = (slice(b, e, s) for b, e, s in zip(op.begin, op.end, (*op.step, 1), strict=True))
    return args[0][:, rows, columns, channels]


def _flip(op: Flip, args: Sequence[torch.Tensor]) -> torch.Tensor:
    axes = [axis for axis, wanted in ((1, op.rows), (2, op.columns)) if wanted]
    return torch.flip(args[0], axes)


def _edge_pad(op: EdgePad, args: Sequence[torch.Tensor]) -> torch.Tensor:
    rows, columns = (torch.from_numpy(places) for places in op.picked(args[0].shape[1], args[0].shape[2]))
    return args[0].index_select(1, rows.to(args[0].device)).index_select(2, columns.to(args[0].device))


def _upsample(op: Upsample, args: Sequence[torch.Tensor]) -> torch.Tensor:
    n, height, width, channels = args[0].shape
    rows, columns = op.factor
    spread = args[0][:, :, None, :, None].expand(n, height, rows, width, columns, channels)
    return spread.reshape(n, height * rows, width * columns, channels)


def _depth_to_space(op: DepthToSpace, args: Sequence[torch.Tensor]) -> torch.Tensor:
    n, height, width, channels = args[0].shape
    b = op.block
    split = args[0].reshape(n, height, width, b, b, channels // (b * b))
    return split.permute(0, 1, 3, 2, 4, 5).reshape(n, height * b, width * b, channels // (b * b))


def _space_to_depth(op: SpaceToDepth, args: Sequence[torch.Tensor]) -> torch.Tensor:
    n, height, width, channels = args[0].shape
    b = op.block
    split = args[0].reshape(n, height // b, b, width // b, b, channels)
    return split.permute(0, 1, 3, 2, 4, 5).reshape(n, height // b, width // b, channels * b * b)


def _keep_largest(op: KeepLargest, args: Sequence[torch.Tensor]) -> torch.Tensor:
    """Gradients pass where something is kept: the choice is a constant."""
    (x,) = args
    largest = x.detach().sort(dim=3, descending=True, stable=True).indices[..., : op.keep]
    kept = torch.zeros_like(x, dtype=torch.bool).scatter_(3, largest, True)
    return torch.where(kept, x, constant(op.zero, x))


def _transpose(op: Transpose, args: Sequence[torch.Tensor]) -> torch.Tensor:
    batch = len(args[0])
    axes = (0, *(p + 1 for p in op.perm))
    return args[0].reshape(batch, *op.view).permute(axes).reshape(batch, *op.shape)


def _maximum(op: MaxPool, args: Sequence[torch.Tensor]) -> torch.Tensor:
    window = op.window
    x, inside = _bordered(args[0], window, -torch.inf)
    pooled = functional.max_pool2d(_planes(x), window.kernel, window.stride, inside, window.dilation)
    return _pixels(pooled)


def _sums(op: SumPool, args: Sequence[torch.Tensor]) -> torch.Tensor:
    window, channels = op.window, args[0].shape[3]
    if window.dilation != (1, 1):
        return _convolution(args[0], args[0].new_ones(*window.kernel, 1, channels), window, channels, op.pad_value)
    x, inside = _bordered(args[0], window, op.pad_value, inside=op.pad_value == 0)
    return _pixels(functional.avg_pool2d(_planes(x), window.kernel, window.stride, inside, divisor_override=1))


def _bordered(
    x: torch.Tensor, window: Window, border: float, *, inside: bool = True
) -> tuple[torch.Tensor, tuple[int, int]]:
    """A frame with its border, or the border that a pool of torch reads by itself, which is much faster.

    It does so on both sides alike and up to half the kernel.
    """
    top, left, bottom, right = window.pads
    alike = (top, left) == (bottom, right) and 2 * top <= window.kernel[0] and 2 * left <= window.kernel[1]
    return (x, (top, left)) if alike and inside else (_padded(x, window.pads, border), (0, 0))


def _affine(op: Affine, args: Sequence[torch.Tensor]) -> torch.Tensor:
    (x,), scale, offset = args, op.scale.values, op.offset.values
    y = x if (scale == 1).all() else x * constant(scale, x)
    return y if (offset == 0).all() else y + constant(offset, x)


def _count(x: torch.Tensor, thresholds: torch.Tensor) -> torch.Tensor:
    """How many ascending thresholds (1 or channels, steps) each value reaches, its last axis the channels."""
    rows = len(thresholds)
    if rows == 1:
        return torch.searchsorted(thresholds[0], x.detach().contiguous(), right=True).to(x.dtype)
    by_channel = x.detach().expand(*x.shape[:-1], rows).movedim(-1, 0)
    found = torch.searchsorted(thresholds, by_channel.reshape(rows, -1).contiguous(), right=True)
    return found.reshape(by_channel.shape).movedim(0, -1).to(x.dtype)


FUNCTIONS: Mapping[str, Callable[..., torch.Tensor]] = MappingProxyType(
    {
        "add": torch.add,
        "sub": torch.sub,
        "mul": torch.mul,
        "div": torch.div,
        "min": torch.minimum,
        "max": torch.maximum,
        "gt": lambda a, b: torch.gt(a, b).to(a.dtype),
        "ge": lambda a, b: torch.ge(a, b).to(a.dtype),
        "eq": lambda a, b: torch.eq(a, b).to(a.dtype),
        "where": lambda c, a, b: torch.where(c != 0, a, b),
        "neg": torch.neg,
        "abs": torch.abs,
        "sign": torch.sign,
        "floor": torch.floor,
        "ceil": torch.ceil,
        "round": torch.round,
        "exp": torch.exp,
        "log": torch.log,
        "sqrt": torch.sqrt,
        "pow": torch.pow,
        "count": _count,
        "sin": torch.sin,
        "cos": torch.cos,
        "tan": torch.tan,
        "asin": torch.asin,
        "acos": torch.acos,
        "atan": torch.atan,
        "sinh": torch.sinh,
        "cosh": torch.cosh,
        "asinh": torch.asinh,
        "acosh": torch.acosh,
        "atanh": torch.atanh,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
        "erf": torch.erf,
    }
)
"""By the names of tomato.ops.real."""


def evaluate(expression: Expression, x: torch.Tensor) -> torch.Tensor:
    """An expression of one variable."""
    match expression:
        case "x":
            return x
        case Constant():
            return constant(expression.values, x)
        case tuple():
            name, *operands = expression
            assert isinstance(name, str)
            return FUNCTIONS[name](*(evaluate(o, x) for o in operands))
        case _:
            return constant(float(expression), x)


def _names(expression: Expression) -> set[str]:
    """The functions that an expression calls."""
    if not isinstance(expression, tuple):
        return set()
    name, *operands = expression
    assert isinstance(name, str)
    return {name}.union(*map(_names, operands))


SUMS: Mapping[type[Op], Sum] = MappingProxyType(
    {
        Conv2d: lambda op, x, weight: _convolution(x, weight, op.window, op.groups, op.pad_value),
        Dense: lambda _, x, weight: x @ weight,
    }
)
"""Sums of inputs times weights."""
MEANINGS: Mapping[type[Op], Meaning] = MappingProxyType(
    {
        Add: _add,
        Multiply: _multiply,
        MatMul: _matmul,
        Normalise: _normalise,
        Softmax: _softmax,
        Concat: lambda _, args: torch.cat(list(args), dim=3),
        Slice: _slice,
        Pad: lambda op, args: _padded(args[0], op.pads, op.value),
        EdgePad: _edge_pad,
        Upsample: _upsample,
        Flip: _flip,
        DepthToSpace: _depth_to_space,
        SpaceToDepth: _space_to_depth,
        Reshape: lambda op, args: args[0].reshape(len(args[0]), *op.shape),
        Transpose: _transpose,
        MaxPool: _maximum,
        KeepLargest: _keep_largest,
        SumPool: _sums,
        GlobalSum: lambda _, args: args[0].sum(dim=(1, 2), keepdim=True),
        Affine: _affine,
        Bias: lambda op, args: _affine(op.affine, args),
        JoinConstant: lambda op, args: _affine(op.affine, args),
        Clip: lambda op, args: args[0].clamp(op.lo, op.hi),
        Function: lambda op, args: evaluate(op.expression, args[0]),
        **dict.fromkeys((Lstm, Gru, Rnn), lambda op, args: recurrence.play(op, args[0], evaluate)),
    }
)
"""The other operators that may stand in a network of reals, but for those that are a function of their arguments."""
