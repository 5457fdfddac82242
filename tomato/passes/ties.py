"""Which channels of an operator's arguments and result go together, and the operator on a choice of them.

Every kind of operator has one rule here. What has none, or is too entangled, keeps all its channels as they are.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from tomato.core.formats import Array, Tensor
from tomato.core.ir import Op, TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.edge_pad import EdgePad
from tomato.ops.frame_requant import FrameRequant
from tomato.ops.join import Add, Multiply
from tomato.ops.maximum import Maximum
from tomato.ops.move import Concat, DepthToSpace, Flip, Pad, Reshape, Slice, SpaceToDepth, Transpose, Upsample
from tomato.ops.piecewise import Piecewise
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.real import Affine, Clip, Expression, Function
from tomato.ops.requant import Requant
from tomato.ops.select import Select
from tomato.ops.table import Table
from tomato.ops.threshold import Threshold
from tomato.passes.unions import joined

Ties = tuple[Array, ...]
"""A label for every channel of every argument, and last of the result: of one label, all stay or all go."""
Picks = Sequence[Array]
"""In the same order, the channels that are left of each, by number, in the order that they have from now on."""


class Rule(ABC):
    """How channels go through a kind of operator."""

    @abstractmethod
    def ties(self, op: Op, args: Sequence[TensorType], result: TensorType) -> Ties:
        """Labels of channels."""

    def picked(self, op: Op, args: Sequence[TensorType], picks: Picks) -> Op:
        """The operator on the channels that are left; `args` are types of all channels."""
        return op

    def changes_alike(self, op: Op, args: Sequence[TensorType], picks: Picks) -> bool:
        """Whether, of all channels in another order, the result is what it was but for that order."""
        sizes = [int(np.prod(kind.shape)) for kind in args]
        marks = [
            np.arange(end - size, end).reshape(1, *kind.shape)
            for kind, size, end in zip(args, sizes, np.cumsum(sizes), strict=True)
        ]
        moved = [mark[..., pick] for mark, pick in zip(marks, picks[:-1], strict=True)]
        return np.array_equal(self.picked(op, args, picks).golden(moved), op.golden(marks)[..., picks[-1]])


class Through(Rule):
    """Channel i of the result is made of channel i of every argument alone."""

    def ties(self, op: Op, args: Sequence[TensorType], result: TensorType) -> Ties:
        return tuple(np.arange(kind.channels) for kind in (*args, result))

    def picked(self, op: Op, args: Sequence[TensorType], picks: Picks) -> Op:
        pick, new = picks[-1], dict[str, Any]()
        match op:
            case Affine(scale, offset):
                new = {"scale": _constant(scale, pick), "offset": _constant(offset, pick)}
            case Function(expression):
                new = {"expression": _expression(expression, pick)}
            case Requant(mult, bias, nudges=nudges):
                new = {"mult": _constant(mult, pick), "bias": _constant(bias, pick)}
                new["nudges"] = nudges and _constant(nudges, pick)
            case FrameRequant(mult, bias):
                new = {"mult": _constant(mult, pick, axis=2), "bias": _constant(bias, pick, axis=2)}
            case Threshold(thresholds):
                new = {"thresholds": _constant(thresholds, pick)}
            case Table(entries):
                new = {"entries": _constant(entries, pick)}
        return replace(op, **new)

    def changes_alike(self, op: Op, args: Sequence[TensorType], picks: Picks) -> bool:
        return all(np.array_equal(pick, picks[-1]) for pick in picks)


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

    def picked(self, op: Op, args: Sequence[TensorType], picks: Picks) -> Op:
        assert isinstance(op, Slice)
        begin, end = (int(np.count_nonzero(picks[0] < at)) for at in (op.begin[2], op.end[2]))
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

    def picked(self, op: Op, args: Sequence[TensorType], picks: Picks) -> Op:
        into, out = picks
        if isinstance(op, Dense):
            return Dense(Tensor(op.weight.values[into][:, out]))
        assert isinstance(op, Conv2d)
        inside, weight = args[0].channels // op.groups, op.weight.values[..., out]
        if op.groups > 1 and inside == 1:
            return replace(op, weight=Tensor(weight), groups=into.size)
        return replace(op, weight=Tensor(weight[:, :, into[into < inside]]))

    def changes_alike(self, op: Op, args: Sequence[TensorType], picks: Picks) -> bool:
        assert isinstance(op, Dense | Conv2d)
        into, out = picks
        rows = into[into < args[0].channels // op.groups]
        before = op.per_weight(np.arange(args[0].channels))
        return np.array_equal(op.per_weight(into), before[rows][:, out])


class Moved(Rule):
    """Values that change their places by blocks: a channel behind holds values of one or several in front."""

    def ties(self, op: Op, args: Sequence[TensorType], result: TensorType) -> Ties:
        (x,) = args
        source = op.golden([np.arange(np.prod(x.shape)).reshape(1, *x.shape)]).ravel()
        return joined(source % x.channels, np.arange(source.size) % result.channels)

    def picked(self, op: Op, args: Sequence[TensorType], picks: Picks) -> Op:
        if not isinstance(op, Reshape):
            return op
        return Reshape((*op.shape[:2], picks[1].size))


class Permuted(Rule):
    """A transposition: whole indices along one axis of the view go, of the axis that leaves most to choose from."""

    def ties(self, op: Op, args: Sequence[TensorType], result: TensorType) -> Ties:
        into, out, _, _ = self._axis(op, args[0])
        return into, out

    def picked(self, op: Op, args: Sequence[TensorType], picks: Picks) -> Op:
        into, _, along, op = self._axis(op, args[0])
        assert isinstance(op, Transpose)
        axis, labels = along
        left = int(np.count_nonzero(np.isin(labels, into[picks[0]])))
        view = (*op.view[:axis], left, *op.view[axis + 1 :])
        return Transpose(view, op.perm, (*op.shape[:2], picks[1].size))

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


def _constant(constant: Tensor, pick: Array, axis: int = 0) -> Tensor:
    """A constant of the channels that are left; one for all is still that."""
    return constant if constant.shape[axis] == 1 else Tensor(constant.values.take(pick, axis=axis))


def _expression(expression: Expression, pick: Array) -> Expression:
    if isinstance(expression, tuple):
        return (expression[0], *(_expression(operand, pick) for operand in expression[1:]))
    return _constant(expression, pick) if isinstance(expression, Tensor) else expression


BY_RULE: Mapping[Rule, tuple[type[Op], ...]] = {
    Through(): (
        Affine,
        Clip,
        Function,
        Requant,
        FrameRequant,
        Threshold,
        Table,
        Piecewise,
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
