"""Weight words that are not zero: how many of them an unrolling leaves, and what a list of their reads needs."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tomato.core.formats import Array, Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Zeros:
    """Where weights are zero, in groups of filters that see the same inputs.

    sums: (kernel rows, kernel columns, inputs + 1, groups, filters + 1), how many of the inputs and filters before
    are not zero.
    """

    sums: Array

    def within(self, taps: tuple[bool, bool]) -> Array:
        """The sums of words that hold all kernel rows, all kernel columns: (steps, inputs + 1, groups, filters + 1)."""
        axes = tuple(axis for axis, together in enumerate(taps) if together)
        sums = self.sums.sum(axis=axes, keepdims=True) if axes else self.sums
        return np.asarray(sums.reshape(-1, *sums.shape[2:]))


def of_filters(sums: Array, lanes_out: int) -> Array:
    """Those of `within` for each fold of filters: (steps, inputs + 1, passes)."""
    filters = sums.shape[3] - 1
    folded = np.diff(sums[..., np.append(np.arange(0, filters, lanes_out), filters)], axis=3)
    return np.asarray(folded.reshape(*folded.shape[:2], -1))


def passes(folded: Array, lanes_in: int) -> Array:
    """Reads of every pass of an output pixel, in order: words that are not zero, or one. folded: see `of_filters`."""
    inputs = folded.shape[1] - 1
    ends = np.append(np.arange(0, inputs, lanes_in), inputs)
    return np.asarray(np.maximum((np.diff(folded[:, ends], axis=1) > 0).sum(axis=(0, 1)), 1))


def of_inputs(folded: Array) -> Array:
    """Reads of every input where it is read on its own: (inputs, passes)."""
    return np.asarray((np.diff(folded, axis=1) > 0).sum(axis=0, dtype=np.int32))


def passes_apart(reads: Array, lanes_in: int) -> Array:
    """As `passes`, where every lane has its own list; input n is of lane n % lanes_in. reads: see `of_inputs`."""
    whole = len(reads) // lanes_in * lanes_in
    lanes = reads[:whole].reshape(-1, lanes_in, reads.shape[1]).sum(axis=0, dtype=np.int64)
    lanes[: len(reads) - whole] += reads[whole:]
    return np.asarray(np.maximum(lanes.max(axis=0), 1))


@lru_cache(maxsize=8)
def zeros(weight: Tensor, groups: int, *, depthwise: bool) -> Zeros:
    """Those of weights (kernel rows, kernel columns, inputs of a group, filters), or (inputs, filters).

    In a depthwise layer channels take the place of filters.
    """
    rows, columns, inputs, filters = (1, 1, *weight.shape)[-4:]
    groups = 1 if depthwise else groups
    there = (weight.values != 0).reshape(rows, columns, inputs, groups, filters // groups)
    sums = np.zeros((rows, columns, inputs + 1, groups, filters // groups + 1), dtype=np.int32)
    sums[:, :, 1:, :, 1:] = there.cumsum(axis=2, dtype=np.int32).cumsum(axis=4, dtype=np.int32)
    return Zeros(sums)


def fewest(weight: Tensor) -> int:
    """Reads of an output pixel where a word is a single weight (.., filters): no unrolling leaves a lesser share."""
    left = np.count_nonzero(weight.values, axis=tuple(range(weight.values.ndim - 1)))
    return int(np.maximum(left, 1).sum())


def queue_places(passes: Array, pipeline: int) -> int:
    """Places of the queue behind passes of so many reads, again and again: under way or waiting.

    pipeline: cycles from the last read of a pass to its result. Between passes that are short and long the queue
    evens out what leaves: whoever takes results as slowly as they come on the mean never makes the engine wait.
    """
    count, period = len(passes), int(passes.sum())
    lengths = np.tile(passes, 2 + (pipeline + 4) // period)
    ends = np.cumsum(lengths)
    under_way = np.searchsorted(ends - lengths, ends[:count] + pipeline) - np.arange(count)
    early = np.arange(len(ends)) * period - ends * count  # times the period: how far results are ahead of the mean
    ahead = int((early - np.minimum.accumulate(early)).max())
    return int(under_way.max()) + -(-ahead // period) + 4


def gathered(table: Array, lanes: int) -> tuple[Array, Array]:
    """The reads of lanes that have a list each.

    table: (passes, steps of the kernel, inputs, codes of an input). Returns, for every read, the pass (reads), and for
    every lane the step and the input that it is about, -1 where the lane has nothing left (reads, lanes, 2).
    """
    passes, _, inputs, _ = table.shape
    there = np.asarray(table.any(axis=3))
    lane = np.arange(inputs) % lanes
    turns, places = [], []
    for turn in range(passes):
        lists = [np.argwhere(there[turn][:, lane == n]) for n in range(lanes)]
        length = max(1, *(len(found) for found in lists))
        chosen = np.full((length, lanes, 2), -1)
        for n, found in enumerate(lists):
            chosen[: len(found), n, 0] = found[:, 0]
            chosen[: len(found), n, 1] = np.flatnonzero(lane == n)[found[:, 1]]
        turns.append(np.full(length, turn))
        places.append(chosen)
    return np.concatenate(turns), np.concatenate(places)
