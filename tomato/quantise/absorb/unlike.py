"""Inputs of a layer whose channels have scales and zero points of their own: both go into the layer's integers.

A channel's scale becomes an integer times a unit that all channels share, and the weights of the channel are multiplied
by it. Where no unit suits all exactly, the result may lie off its integer by `slack` steps, and codes next to a tie may
be others: those are counted.
"""

from dataclasses import replace
from math import ceil

import numpy as np

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.treatment import NEAR, Line
from tomato.ops.requant import Requant
from tomato.ops.weighted import Weighted
from tomato.quantise.requant.staircase import Reference, find

MOST_RATIO = 1 << 14
"""The greatest integer that stands for a scale."""
FINE = 2.0**-24
"""Of the greatest scale: how far another one may be off its integer at best, as near as float32 holds it."""


def ratios(scale: Array, groups: int) -> tuple[Array, Array]:
    """Integers per channel, and a unit per group of channels, whose product is nearly the scale.

    The smallest integers that are as near as float32 can tell, else the nearest up to `MOST_RATIO`.
    """
    found = [_ratios(part) for part in scale.reshape(groups, -1)]
    return np.concatenate([whole for whole, _ in found]), np.array([unit for _, unit in found])


def _ratios(scale: Array) -> tuple[Array, float]:
    every, which = np.unique(scale, return_inverse=True)
    top = every[np.abs(every).argmax()]
    if top == 0:
        return np.ones(scale.shape, dtype=np.int64), 0.0
    most = np.arange(1, MOST_RATIO + 1)
    wanted = (every / top)[:, np.newaxis] * most
    error = (np.abs(wanted - np.rint(wanted)) / most).max(axis=0)
    fits = np.flatnonzero(error <= FINE)
    best = int(fits[0] if fits.size else error.argmin())
    return np.rint(wanted[:, best]).astype(np.int64)[which.reshape(scale.shape)], float(top / most[best])


def weighted(op: Weighted, x: Line, kind: Codes) -> tuple[Weighted, Line]:
    """A layer of integer weights on codes of `kind`, as integers that have one unit, and what those stand for."""
    whole, units = ratios(x.scale, op.groups)
    unit = np.repeat(units, x.scale.size // op.groups)
    weight, factor = op.weight.values, op.per_weight(whole)
    line = op.line([replace(x, scale=unit)], ())
    assert isinstance(line, Line), "every group of channels has one scale by now"
    loose = slack(weight, factor, x, kind, op.per_weight(x.scale / unit - whole))
    return replace(op, weight=Tensor(weight * factor)), replace(line, slack=loose)


def slack(weight: Array, per_channel: Array, x: Line, kind: Codes, off: Array) -> float:
    """Steps that a weighted sum may lie off what it stands for.

    weight: as the layer's, times `per_channel`, what it was multiplied by. off: per channel, how far that is from what
    it stands for. Both are arranged as `Weighted.per_weight` does.
    """
    farthest = max(float(np.abs(end + x.zeros).max()) for end in (kind.lo, kind.hi))
    axes = tuple(range(weight.ndim - 1))
    own = np.abs(weight * off).sum(axis=axes) * farthest
    return float((own + np.abs(weight * per_channel).sum(axis=axes) * x.slack).max())


def levelled(x: Line, kind: Codes) -> tuple[Requant, Line] | None:
    """What makes codes of each channel so that all have one zero point, and their line then.

    A channel that is constant, of scale 0, becomes one step of its value. None where nothing has to move, or a zero
    point is no integer.
    """
    zero, still = -x.zeros, (x.scale == 0) & (x.offset != 0)
    moving = np.flatnonzero(x.scale)
    target = float(zero[moving[0]]) if moving.size else 0.0
    moved = np.where(still, 1 + np.rint(target), np.rint(target - zero)).astype(np.int64)
    off = np.where(still, target - np.rint(target), target - zero - moved)
    if (not moved.any() and not still.any()) or np.any(np.abs(off) > NEAR * np.maximum(1.0, np.abs(zero))):
        return None
    mult = np.where(still, 0, 1)
    ends = np.stack([kind.lo * mult + moved, kind.hi * mult + moved])
    op = Requant(Tensor(mult), Tensor(moved), 0, int(ends.min()), int(ends.max()))
    scale = np.where(still, x.offset, x.scale)
    return op, Line(scale, -target * scale, x.slack)


def near_ties(asked: Reference, off: float, acc: Codes, channels: int, limits: Codes) -> tuple[int, int]:
    """How many integers lie so near to a step that `off` may lead over it, at most, and by how many codes.

    Those of functions that rise and fall are not counted: none are found.
    """
    try:
        stair = find(asked, acc, channels, limits.lo, limits.hi)
    except ValueError:
        return 0, 0
    first, last = stair.first[:, None], stair.last[:, None]
    inside = (stair.thresholds > first) & (stair.thresholds <= last)
    if not inside.any():
        return 0, 0
    sign = stair.sign
    at = np.clip(stair.thresholds, first, last).T
    above = np.abs(asked((at - off) * sign) - asked(at * sign))
    below = np.abs(asked((at - 1 + off) * sign) - asked((at - 1) * sign))
    near = ((above > 0).astype(np.int64) + (below > 0)) * ceil(2 * off) * inside.T
    return int(near.sum()), int(max((above * inside.T).max(), (below * inside.T).max()))
