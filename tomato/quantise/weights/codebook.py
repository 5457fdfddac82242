"""A few shared integers per layer, placed where the weights are."""

import numpy as np

from tomato.core.formats import Array
from tomato.quantise.weights.alphabet import Alphabet

LIMIT = 127
"""Entries have 8 bits: the multiplier behind the table stays narrow."""
BINS = 4096
ROUNDS = 200


def codebook(flat: Array, bits: int) -> Alphabet:
    """At most 2**bits integers up to +-LIMIT: k-means in one dimension, centres rounded.

    Weights are pooled over the channels, each over the largest of its channel; a weight counts with the
    square of that largest, as it does in the squared error of the layer.
    """
    top = np.abs(flat).max(axis=0, initial=0.0)
    if not top.any():
        return Alphabet(np.array([0]), top)
    values = (flat / np.where(top > 0.0, top, 1.0)).ravel()
    importance = np.broadcast_to(top**2, flat.shape).ravel()
    index = np.clip((values + 1.0) * (BINS / 2.0), 0, BINS - 1).astype(np.int64)
    mass = np.bincount(index, importance, BINS)
    used = mass > 0.0
    x, mass = np.bincount(index, importance * values, BINS)[used] / mass[used], mass[used]
    size = min(1 << bits, x.size)
    ranks = (np.arange(size) + 0.5) / size
    quantiles = x[np.searchsorted(mass.cumsum() / mass.sum(), ranks).clip(0, x.size - 1)]
    starts = (quantiles, np.linspace(x[0], x[-1], size), x[np.linspace(0, x.size - 1, size).astype(np.int64)])
    tables = [_integers(_means(x, mass, np.sort(start))) for start in starts]
    books = [Alphabet(levels, top / LIMIT).refined(flat) for levels in tables]
    return min(books, key=lambda book: float(book.error(flat).sum()))


def _means(x: Array, mass: Array, centres: Array) -> Array:
    """Lloyd's iteration on weighted points; a centre that nothing is nearest to stays."""
    for _ in range(ROUNDS):
        owner = np.searchsorted((centres[1:] + centres[:-1]) / 2.0, x)
        weight = np.bincount(owner, mass, centres.size)
        total = np.bincount(owner, mass * x, centres.size)
        moved = np.where(weight > 0.0, total / np.where(weight > 0.0, weight, 1.0), centres)
        if np.array_equal(moved, centres):
            break
        centres = np.sort(moved)
    return centres


def _integers(centres: Array) -> Array:
    return np.unique(np.rint(centres * LIMIT).astype(np.int64))
