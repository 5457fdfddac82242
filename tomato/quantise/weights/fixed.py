"""Two's complement integers, symmetric around 0."""

import numpy as np

from tomato.core.formats import Array
from tomato.quantise.weights.alphabet import Alphabet

CLIP_SEARCH_BITS = 8
"""Weights narrower than this clip their largest values where that lowers the squared error."""
FACTORS = np.linspace(1.0, 0.2, 41)
"""Shares of a channel's range that the search tries."""


def fixed(flat: Array, bits: int) -> Alphabet:
    """-limit to limit; the largest weight of a channel is at the limit, or beyond it at few bits."""
    limit = (1 << (bits - 1)) - 1
    scale = np.abs(flat).max(axis=0, initial=0.0) / limit
    whole = Alphabet(np.arange(-limit, limit + 1), scale)
    return whole.best_of(flat, (scale * f for f in FACTORS)) if bits < CLIP_SEARCH_BITS else whole
