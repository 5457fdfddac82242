"""A Requant that equals a staircase which no constants equal: a few of its inputs are nudged.

Where a float32 product is a tie or rounds to one, a step of the reference is off the straight line by one
accumulator. Constants are sought for the staircase with such a step moved onto the line, t to t + 1 or t - 1; the
one accumulator between the two then gives the wrong code, and its neighbour, to which it is nudged, the right one.

Which steps: if no constants suit a channel, then neither do they suit the four bounds in `Trial.clash`. So in any
solution one of these bounds is given up, and trying each in turn finds the fewest moves there are at that shift.
"""

from dataclasses import dataclass, replace

import numpy as np

from tomato.core.formats import Array, Tensor
from tomato.ops.requant import Requant
from tomato.quantise.requant.constants import BLOCK, EXACT, Trial, finest_shift, fit, least_mult
from tomato.quantise.requant.staircase import Staircase

AROUND = np.arange(-2, 3)
"""Accumulators around a threshold at which the result is compared: no step moves farther."""
CLASH_DIRECTIONS = np.array([1, 0, 1, 0])
"""Giving up a lower bound moves its step up (1), an upper bound down (0)."""


def exact(stair: Staircase, mult_bits: int, most: int = 4) -> Requant | None:
    """The requant that equals the staircase at every accumulator in its range, or None if none was found.

    All |mult| < 2**mult_bits. At most `most` nudges per channel, and the fewest at the finest shift that the
    multipliers allow: the fewest of all, for constants that suit a shift suit, doubled, the next.
    """
    plain = fit(stair, mult_bits)
    if plain is not None:
        return plain
    shift = finest_shift(stair, mult_bits)
    trial = least_mult(stair, shift, mult_bits)
    nudges = np.zeros((len(trial.mult), most, 2), dtype=np.int64)
    wrong = np.flatnonzero(trial.state != EXACT)
    size = max(1, BLOCK // (max(1, stair.hi - stair.lo) << 2 * most))
    for channels in np.array_split(wrong, -(-len(wrong) // size)):
        found = _search(stair.take(channels), shift, mult_bits, most)
        if found is None:
            return None
        trial.mult[channels], trial.bias[channels], nudges[channels] = found
    used = int(np.count_nonzero(nudges[:, :, 1], axis=1).max())
    op = replace(trial.requant(stair), nudges=Tensor(nudges[:, :used] * stair.sign[:, None, None]))
    assert agrees(stair, op), "nudged constants differ from their staircase"
    return op


def agrees(stair: Staircase, op: Requant) -> bool:
    """Whether the codes are equal at the ends of the range and around every threshold."""
    ends = np.column_stack([stair.first, stair.thresholds, stair.last])
    near = np.clip(ends[:, :, None] + AROUND, stair.first[:, None, None], stair.last[:, None, None])
    acc = near.reshape(len(ends), -1).T * stair.sign
    return bool(np.all(op.golden([acc]) == stair.codes(acc)))


@dataclass(frozen=True, slots=True, eq=False)
class _Moves:
    """Ways to move steps: a row each. owner: its channel. steps (rows, moves): 2 * step + 1 if it moves up."""

    owner: Array
    steps: Array

    def thresholds(self, stair: Staircase) -> Array:
        """The thresholds of each row, moved."""
        moved = stair.thresholds[self.owner]
        np.put_along_axis(moved, self.steps >> 1, self._before(stair) + self._directions, axis=1)
        return moved

    @property
    def _directions(self) -> Array:
        return np.where(self.steps & 1, 1, -1)

    def _before(self, stair: Staircase) -> Array:
        return np.take_along_axis(stair.thresholds[self.owner], self.steps >> 1, axis=1)

    def nudges(self, stair: Staircase) -> tuple[Array, Array]:
        """Nudges (rows, moves, 2) of turned accumulators, and in which rows they give the right codes."""
        d, before = self._directions, self._before(stair)
        at = np.minimum(before, before + d)
        there = at + d
        first, last = (end[self.owner][:, None] for end in (stair.first, stair.last))
        wanted = (stair.thresholds[self.owner][:, None] <= at[..., None]).sum(axis=2)
        given = (self.thresholds(stair)[:, None] <= there[..., None]).sum(axis=2)
        right = (given == wanted) & (there >= first) & (there <= last)
        again = np.tril(at[:, :, None] == at[:, None, :], -1).any(axis=2)  # steps at one accumulator: one nudge
        found = np.stack([np.where(again, 0, at), np.where(again, 0, d)], axis=2)
        order = np.argsort(again, axis=1, kind="stable")[..., None]
        return np.take_along_axis(found, order, axis=1), right.all(axis=1)

    def take(self, rows: Array) -> "_Moves":
        """Some of the ways."""
        return _Moves(self.owner[rows], self.steps[rows])

    def branch(self, clash: Array) -> "_Moves":
        """One move more: each of the bounds that clash given up, each way once."""
        row, which = np.nonzero((clash >= 0) & ~(clash[..., None] == self.steps[:, None] >> 1).any(axis=2))
        step = 2 * clash[row, which] + CLASH_DIRECTIONS[which]
        steps = np.sort(np.column_stack([self.steps[row], step]), axis=1)
        ways = np.unique(np.column_stack([self.owner[row], steps]), axis=0)
        return _Moves(ways[:, 0], ways[:, 1:])


def _search(stair: Staircase, shift: int, mult_bits: int, most: int) -> tuple[Array, Array, Array] | None:
    """Multipliers, biases and nudges (channels, most, 2) of turned accumulators; None if a channel needs more."""
    channels = len(stair.falling)
    mult, bias = np.zeros((2, channels), dtype=np.int64)
    nudges = np.zeros((channels, most, 2), dtype=np.int64)
    left = np.ones(channels, dtype=bool)
    ways = _Moves(np.arange(channels), np.empty((channels, 0), dtype=np.int64))
    for moves in range(most + 1):
        moved = replace(stair.take(ways.owner), thresholds=ways.thresholds(stair))
        trial = least_mult(moved, shift, mult_bits)
        solved = np.flatnonzero(trial.state == EXACT)
        found, right = ways.take(solved).nudges(stair)
        solved, found = solved[right], found[right]
        owner, one = np.unique(ways.owner[solved], return_index=True)
        mult[owner], bias[owner] = trial.mult[solved[one]], trial.bias[solved[one]]
        nudges[owner, :moves] = found[one]
        left[owner] = False
        if not np.any(left):
            return mult, bias, nudges
        ways = _next(ways, trial, left)
    return None


def _next(ways: _Moves, trial: Trial, left: Array) -> _Moves:
    """The ways to try next, of the channels that are left."""
    rows = np.flatnonzero((trial.state != EXACT) & left[ways.owner])
    return ways.take(rows).branch(trial.clash[rows])
