"""Weight words that are not zero: how many of them an unrolling leaves, and what a list of their reads needs."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tomato.core.formats import Array, Tensor


@dataclass(frozen=True, slots=True)
class Shape:
    """What a word holds, and what is read for it.

    taps: whether all rows, all columns of the kernel are in a word. apart: every lane has its own list; lane l reads
    the inputs n with n // parts % lanes_in == l.
    """

    lanes_in: int
    lanes_out: int
    taps: tuple[bool, bool] = (False, False)
    apart: bool = False
    parts: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Zeros:
    """Where weights are zero, in groups of filters that see the same inputs.

    sums: (kernel rows, kernel columns, inputs + 1, groups, filters + 1), how many of the inputs and filters before
    are not zero.
    """

    sums: Array

    def passes(self, shape: Shape) -> Array:
        """Reads of every pass of an output pixel, in order: words that are not zero, or one."""
        axes = tuple(axis for axis, together in enumerate(shape.taps) if together)
        inputs, filters = self.sums.shape[2] - 1, self.sums.shape[4] - 1
        ends_in = np.append(np.arange(0, inputs, 1 if shape.apart else shape.lanes_in), inputs)
        ends_out = np.append(np.arange(0, filters, shape.lanes_out), filters)
        corners = self.sums.sum(axis=axes, keepdims=True)[:, :, ends_in][..., ends_out]
        reads = (np.diff(np.diff(corners, axis=2), axis=4) > 0).sum(axis=(0, 1))
        if shape.apart:
            padding = -inputs % (shape.lanes_in * shape.parts)
            split = np.pad(reads, ((0, padding), (0, 0), (0, 0))).reshape(
                -1, shape.lanes_in, shape.parts, *reads.shape[1:]
            )
            longest = split.sum(axis=(0, 2)).max(axis=0)
        else:
            longest = reads.sum(axis=0)
        return np.asarray(np.maximum(longest, 1).reshape(-1))


@lru_cache(maxsize=256)
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


def gathered(table: Array, lanes: int, parts: int) -> tuple[Array, Array]:
    """The reads of lanes that have a list each.

    table: (passes, steps of the kernel, inputs, codes of an input). Returns, for every read, the pass (reads), and for
    every lane the step and the input that it is about, -1 where the lane has nothing left (reads, lanes, 2).
    """
    passes, _, inputs, _ = table.shape
    there = np.asarray(table.any(axis=3))
    lane = np.arange(inputs) // parts % lanes
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
