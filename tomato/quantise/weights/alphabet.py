"""The integers that a layer's weights may become, and how real weights find theirs."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from tomato.core.formats import Array


@dataclass(frozen=True, slots=True, eq=False)
class Alphabet:
    """A weight becomes `level * scale`: one of a few integers, the same for the layer, times its channel's scale.

    levels: distinct, ascending. scale: per channel, 0 where a channel has no weights.
    """

    levels: Array
    scale: Array

    @property
    def has_zero(self) -> bool:
        """Whether a weight can be 0."""
        return 0 in self.levels

    def nearest(self, values: Array) -> Array:
        """The level nearest to each value, both in units of the scale; a tie may go either way."""
        lo, hi = int(self.levels[0]), int(self.levels[-1])
        if hi - lo + 1 == self.levels.size:
            return np.clip(np.rint(values), lo, hi).astype(np.int64)
        middles = (self.levels[1:] + self.levels[:-1]) / 2.0
        return np.asarray(self.levels[np.searchsorted(middles, values)])

    def error(self, flat: Array) -> Array:
        """Squared error of every channel of `flat` (weights per channel, channels) when all go to the nearest."""
        step = np.where(self.scale > 0.0, self.scale, 1.0)
        return np.asarray(((self.nearest(flat / step) * self.scale - flat) ** 2).sum(axis=0))

    def best_of(self, flat: Array, scales: Iterable[Array]) -> Self:
        """With the scale, per channel, that has the least squared error; the first of equals."""
        best, least = self.scale, np.full(self.scale.shape, np.inf)
        for scale in scales:
            error = replace(self, scale=scale).error(flat)
            best = np.where(error < least, scale, best)
            least = np.minimum(error, least)
        return replace(self, scale=best)

    def refined(self, flat: Array, rounds: int = 3) -> Self:
        """With scales moved to the least squares of the levels chosen, in turns; never worse (Lloyd's iteration)."""
        result = self
        for _ in range(rounds):
            codes = result.nearest(flat / np.where(result.scale > 0.0, result.scale, 1.0))
            power = (codes * codes).sum(axis=0)
            fitted = (codes * flat).sum(axis=0) / np.maximum(power, 1)
            result = replace(result, scale=np.where((power > 0) & (fitted > 0.0), fitted, result.scale))
        return result.best_of(flat, (self.scale, result.scale))


def rms(flat: Array) -> Array:
    """Root mean square of the weights that are not 0, per channel; 0 where there are none."""
    return np.asarray(np.sqrt((flat**2).sum(axis=0) / np.maximum(np.count_nonzero(flat, axis=0), 1)))
