"""Sets that are merged two at a time (union-find, Galler and Fischer 1964)."""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from tomato.core.formats import Array


class Unions:
    """The numbers 0 to count - 1, each in a set of its own at first."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def merge(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Put the two numbers of every pair into one set."""
        for a, b in pairs:
            self._parent[self._root(a)] = self._root(b)

    def labels(self) -> Array:
        """For every number its set; sets are counted from 0 in the order of their first members."""
        roots = np.array([self._root(i) for i in range(len(self._parent))], dtype=np.int64)
        _, first, which = np.unique(roots, return_index=True, return_inverse=True)
        return np.asarray(np.argsort(np.argsort(first))[which])

    def _root(self, i: int) -> int:
        parent = self._parent
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i


def joined(*columns: Array) -> tuple[Array, ...]:
    """Labels of what stands in each column, the same for all that some row brings together.

    Columns are numbers counted from 0, one per row; the label of number i is at index i of the answer for its column.
    """
    sizes = [int(column.max()) + 1 for column in columns]
    starts = np.cumsum([0, *sizes])
    unions = Unions(int(starts[-1]))
    for i, column in enumerate(columns[1:], 1):
        both = np.unique(np.stack([columns[0], column + starts[i]]), axis=1)
        unions.merge(zip(*both.tolist(), strict=True))
    labels = unions.labels()
    return tuple(labels[a:b] for a, b in pairwise(starts))
