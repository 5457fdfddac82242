"""Which channels of an operator's arguments and result go together, and the operator on some of them.

Every kind of operator has one rule here. What has none, or is too entangled, keeps all its channels.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from tomato.core.formats import Array, Tensor
from tomato.core.ir import Op, TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.edge_pad import EdgePad
from tomato.ops.join import Add, Multiply
from tomato.ops.maximum import Maximum
from tomato.ops.move import Concat, DepthToSpace, Flip, Pad, Reshape, Slice, SpaceToDepth, Transpose, Upsample
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.real import Affine, Clip, Expression, Function
from tomato.ops.select import Select
from tomato.train.unions import joined

Ties = tuple[Array, ...]
"""A label for every channel of every argument, and last of the result: of one label, all stay or all go."""
Masks = Sequence[Array]
"""In the same order, whether each channel stays."""


class Rule(ABC):
    """How channels go through a kind of operator."""

    @abstractmethod
    def ties(self, op: Op, args: Sequence[TensorType], result: TensorType) -> Ties:
        """Labels of channels."""

    def narrow(self, op: Op, args: Sequence[TensorType], masks: Masks) -> Op:
        """The operator on the channels that stay; `args` are types of all channels."""
        return op


class Through(Rule):
    """Channel i of the result is made of channel i of every argument alone."""

    def ties(self, op: Op, args: Sequence[TensorType], result: TensorType) -> Ties:
        return tuple(np.arange(kind.channels) for kind in (*args, result))

    def narrow(self, op: Op, args: Sequence[TensorType], masks: Masks) -> Op:
        match op:
            case Affine(scale, offset):
                return Affine(_constant(scale, masks[-1]), _constant(offset, masks[-1]))
            case Function(expression):
                return Function(_expression(expression, masks[-1]))
        return op


class Side(Rule):
    """Concatenation: the channels of one argument behind those of another."""

    def ties(self, op: Op, args: Sequence[TensorType], result: TensorType) -> Ties:
        every = np.arange(result.channels)
        ends = np.cumsum([kind.channels for kind in args])
        return (*np.split(every, ends[:-1]), every)


class Part(Rule):
    """A slice: some neighbouring channels."""

    def ties(self, op: Op, args: Sequence[TensorType], result: TensorType) -> Ties:
        assert isinstance(op, Slice)
        every = np.arange(args[0].channels)
        return every, every[op.begin[2] : op.end[2]]

    def narrow(self, op: Op, args: Sequence[TensorType], masks: Masks) -> Op:
        assert isinstance(op, Slice)
        begin, end = (int(np.count_nonzero(masks[0][:at])) for at in (op.begin[2], op.end[2]))
        return replace(op, begin=(*op.begin[:2], begin), end=(*op.end[:2], end))


class Layer(Rule):
    """A sum over channels. Those out are new: nothing ties them to those in.

    In groups, all groups keep equal sizes: what goes from one goes from the same place of every other. But where a
    group has one channel in, the whole group goes with it; so do filters of a channel each.
    """

    def ties(self, op: Op, args: Sequence[TensorType], result: TensorType) -> Ties:
        assert isinstance(op, Dense | Conv2d)
        inside, outside = args[0].channels // op.groups, result.channels // op.groups
        into, out = np.arange(args[0].channels), np.arange(result.channels)
        if op.groups > 1 and inside == 1:
            return into, out // outside
        return into % inside, inside + out % outside

    def narrow(self, op: Op, args: Sequence[TensorType], masks: Masks) -> Op:
        into, out = masks
        if isinstance(op, Dense):
            return Dense(Tensor(op.weight.values[into][:, out]))
        assert isinstance(op, Conv2d)
        inside, weight = args[0].channels // op.groups, op.weight.values[..., out]
        if op.groups > 1 and inside == 1:
            return replace(op, weight=Tensor(weight), groups=int(np.count_nonzero(into)))
        return replace(op, weight=Tensor(weight[:, :, into[:inside]]))


class Moved(Rule):
    """Values that change their places by blocks: a channel behind holds values of one or several in front."""

    def ties(self, op: Op, args: Sequence[TensorType], result: TensorType) -> Ties:
        (x,) = args
        source = op.golden([np.arange(np.prod(x.shape)).reshape(1, *x.shape)]).ravel()
        return joined(source % x.channels, np.arange(source.size) % result.channels)

    def narrow(self, op: Op, args: Sequence[TensorType], masks: Masks) -> Op:
        if not isinstance(op, Reshape):
            return op
        return Reshape((*op.shape[:2], int(np.count_nonzero(masks[1]))))


class Permuted(Rule):
    """A transposition: whole indices along one axis of the view go, of the axis that leaves most to choose from."""

    def ties(self, op: Op, args: Sequence[TensorType], result: TensorType) -> Ties:
        into, out, _, _ = self._axis(op, args[0])
        return into, out

    def narrow(self, op: Op, args: Sequence[TensorType], masks: Masks) -> Op:
        into, _, along, op = self._axis(op, args[0])
        assert isinstance(op, Transpose)
        axis, labels = along
        left = int(np.count_nonzero(np.isin(labels, into[masks[0]])))
        view = (*op.view[:axis], left, *op.view[axis + 1 :])
        return Transpose(view, op.perm, (*op.shape[:2], int(np.count_nonzero(masks[1]))))

    @staticmethod
    def _axis(op: Op, x: TensorType) -> tuple[Array, Array, tuple[int, Array], Op]:
        """Labels of channels in and out, the axis with labels of its indices, and the operator with the fewest axes."""
        assert isinstance(op, Transpose)
        op = _merged(op)
        source = op.golden([np.arange(np.prod(x.shape)).reshape(1, *x.shape)]).ravel()
        into, out = source % x.channels, np.arange(source.size) % op.shape[2]
        indices = np.unravel_index(source, op.view)
        found = [joined(into, out, index) for index in indices]
        best = max(range(len(found)), key=lambda k: np.unique(found[k][0]).size)
        return found[best][0], found[best][1], (best, found[best][2]), op


def _merged(op: Transpose) -> Transpose:
    """The same with axes that stay together seen as one; axes of length 1 are left out."""
    axes = [axis for axis in op.perm if op.view[axis] > 1]
    runs: list[list[int]] = []
    rank = {axis: i for i, axis in enumerate(sorted(axes))}
    for axis in axes:
        if runs and rank[axis] == rank[runs[-1][-1]] + 1:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    ordered = sorted(runs)
    view = tuple(int(np.prod([op.view[axis] for axis in run])) for run in ordered)
    return Transpose(view or (1,), tuple(ordered.index(run) for run in runs) or (0,), op.shape)


def _constant(constant: Tensor, mask: Array) -> Tensor:
    """A constant of the channels that stay; one for all is still that."""
    values = constant.values
    return Tensor(values[mask]) if values.shape[0] == mask.size else constant


def _expression(expression: Expression, mask: Array) -> Expression:
    if isinstance(expression, tuple):
        return (expression[0], *(_expression(operand, mask) for operand in expression[1:]))
    return _constant(expression, mask) if isinstance(expression, Tensor) else expression


BY_RULE: Mapping[Rule, tuple[type[Op], ...]] = {
    Through(): (
        Affine,
        Clip,
        Function,
        Add,
        Multiply,
        Maximum,
        Select,
        MaxPool,
        SumPool,
        GlobalSum,
        Pad,
        EdgePad,
        Flip,
        Upsample,
    ),
    Side(): (Concat,),
    Part(): (Slice,),
    Layer(): (Dense, Conv2d),
    Moved(): (Reshape, DepthToSpace, SpaceToDepth),
    Permuted(): (Transpose,),
}
RULES: Mapping[type[Op], Rule] = MappingProxyType({kind: rule for rule, kinds in BY_RULE.items() for kind in kinds})
"""By kind of operator."""
