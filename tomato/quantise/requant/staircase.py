"""A requantisation as a staircase: the accumulators at which its code changes, found from any reference."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isqrt

import numpy as np

from tomato.core.formats import Array, Codes
from tomato.ops.threshold import count_reached

Reference = Callable[[Array], Array]
"""Accumulators (n, channels) to codes (n, channels), int64, monotone in every channel."""

NEAR = 2
"""Accumulators around an interpolated threshold that are tried before the whole bracket is bisected."""
BLOCK = 1 << 20
"""Steps of all channels that are searched for together, to bound the memory."""
SAMPLES = 257
"""Accumulators of each channel at which the staircase is compared with its reference."""


@dataclass(frozen=True, slots=True, eq=False)
class Staircase:
    """A monotone function from accumulators in `acc` to codes in [lo, hi], per channel.

    thresholds[c, k] is the least accumulator whose code is at least lo + 1 + k: acc.lo if all are, acc.hi + 1
    if none is. Where falling[c], the code falls with the accumulator, and the thresholds are those of the
    negated accumulator, which lies in [-acc.hi, -acc.lo].
    """

    thresholds: Array
    lo: int
    hi: int
    acc: Codes
    falling: Array

    @property
    def sign(self) -> Array:
        """What turns accumulators of a channel so that the code rises: -1 where it falls."""
        return np.where(self.falling, -1, 1)

    @property
    def first(self) -> Array:
        """The least turned accumulator, per channel."""
        return np.where(self.falling, -self.acc.hi, self.acc.lo)

    @property
    def last(self) -> Array:
        """The greatest turned accumulator, per channel."""
        return np.where(self.falling, -self.acc.lo, self.acc.hi)

    def codes(self, acc: Array) -> Array:
        """The codes of accumulators (n, channels)."""
        return self.lo + count_reached(self.thresholds, acc * self.sign)

    @property
    def trimmed(self) -> "Staircase":
        """The same without the codes at either end that no channel reaches."""
        never = np.flatnonzero(np.any(self.thresholds > self.first[:, None], axis=0))
        always = np.flatnonzero(np.any(self.thresholds <= self.last[:, None], axis=0))
        start = int(never[0]) if never.size else self.hi - self.lo
        end = int(always[-1]) + 1 if always.size else 0
        start = min(start, end) if never.size else start
        end = max(start, end)
        return Staircase(self.thresholds[:, start:end], self.lo + start, self.lo + end, self.acc, self.falling)

    def take(self, channels: Array) -> "Staircase":
        """Some of the channels."""
        return Staircase(self.thresholds[channels], self.lo, self.hi, self.acc, self.falling[channels])


def find(reference: Reference, acc: Codes, channels: int, lo: int, hi: int) -> Staircase:
    """The staircase of a reference whose codes saturate at lo and hi.

    ValueError where the reference is found not to be monotone, which is checked at every threshold and at
    a sample of other accumulators.
    """
    ends = np.clip(reference(np.array([[acc.lo], [acc.hi]]).repeat(channels, axis=1)), lo, hi)
    empty = Staircase(np.empty((channels, hi - lo), dtype=np.int64), lo, hi, acc, ends[0] > ends[1])
    search = _Search(reference, empty, np.minimum(*ends), np.maximum(*ends))
    for rows, thresholds in search.run():
        empty.thresholds[:, rows] = thresholds.T
    search.check()
    return empty


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """Fills the thresholds of `stair`. least, most: the codes at both ends of the range, per channel."""

    reference: Reference
    stair: Staircase
    least: Array
    most: Array

    def ask(self, turned: Array) -> Array:
        """Codes of turned accumulators (n, channels)."""
        return np.clip(self.reference(turned * self.stair.sign), self.stair.lo, self.stair.hi)

    def run(self) -> Iterator[tuple[Array, Array]]:
        """Indices of steps, and their thresholds (steps, channels): some by bisection, those between by interpolation.

        Codes are nearly linear in the accumulator between saturations, so most guesses are right within `NEAR`.
        """
        steps = self.stair.hi - self.stair.lo
        if not steps:
            return
        first, last = self.stair.first, self.stair.last
        knots = np.unique(np.append(np.arange(0, steps, max(1, isqrt(steps))), steps - 1))
        found = self._bisect(knots, first - 1, last + 1)
        yield knots, found
        between = np.setdiff1d(np.arange(steps), knots, assume_unique=True)
        for rows in np.array_split(between, -(-between.size * len(self.least) // BLOCK) or 1):
            i = np.searchsorted(knots, rows) - 1
            left, right = (np.clip(found[j], first, last) for j in (i, i + 1))
            low, high = (np.clip(self._code(knots[j]), self.least, self.most) for j in (i, i + 1))
            slope = (right - left) / np.maximum(high - low, 1)
            guess = np.rint(left + (self._code(rows) - low) * slope).astype(np.int64)
            yield rows, self._bisect(rows, found[i] - 1, found[i + 1], guess)

    def _code(self, step: Array) -> Array:
        """The code that a step reaches, shaped to be compared with every channel."""
        return self.stair.lo + 1 + np.asarray(step)[..., None]

    def _bisect(self, rows: Array, below: Array, above: Array, guess: Array | None = None) -> Array:
        """Thresholds of steps, given accumulators that do not reach them, `below`, and that do, `above`."""
        code = self._code(rows)
        below = np.where(code > self.most, self.stair.last, below)
        above = np.where(code <= self.least, self.stair.first, above)
        if guess is not None:
            for near in (-NEAR, NEAR):
                below, above = self._narrow(code, below, above, guess + near)
        while np.any(above - below > 1):
            below, above = self._narrow(code, below, above, (below + above) >> 1)
        return above

    def _narrow(self, code: Array, below: Array, above: Array, at: Array) -> tuple[Array, Array]:
        at = np.clip(at, self.stair.first, self.stair.last)
        reached = self.ask(at) >= code
        return np.where(reached, below, np.maximum(below, at)), np.where(reached, np.minimum(above, at), above)

    def check(self) -> None:
        """Compare the filled staircase with the reference."""
        found, first, last = self.stair.thresholds, self.stair.first, self.stair.last
        self._refuse(np.any(np.diff(found, axis=1) < 0, axis=1))
        ends = np.column_stack([first, found, last + 1])
        block = max(1, isqrt(ends.shape[1]))
        for start in range(0, ends.shape[1] - 1, block):  # both ends of every tread, the levels of the staircase
            near, far = ends[:, start : start + block], ends[:, start + 1 : start + 1 + block]
            near = near[:, : far.shape[1]]
            code = self.stair.lo + start + np.arange(far.shape[1])
            codes = self.ask(near.T).T, self.ask(far.T - 1).T
            self._refuse(np.any((near < far) & ((codes[0] != code) | (codes[1] != code)), axis=1))
        sample = np.linspace(self.stair.first, self.stair.last, SAMPLES).astype(np.int64)
        self._refuse(np.any(self.ask(sample) != self.stair.codes(sample * self.stair.sign), axis=0))

    def _refuse(self, wrong: Array) -> None:
        if np.any(wrong):
            raise ValueError(f"the requantisation of channel {int(wrong.argmax())} is not monotone in the accumulator")
