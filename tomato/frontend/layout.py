"""Index maps: how an ONNX tensor lies in a stream. Pure functions on integer arrays."""

from functools import lru_cache
from math import prod

import numpy as np
from numpy.typing import NDArray

from tomato.core.formats import Array
from tomato.core.ir import Shape

Index = NDArray[np.int64]

REMEMBERED = 4
"""Neighbouring layers mostly have the same shape: this many maps are kept, see `forget`."""


def axes(rank: int, channel: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The ONNX axes that become height (all but one of the rest, merged) and width (the last of the rest)."""
    rest = tuple(a for a in range(rank) if a != channel)
    return rest[:-1], rest[-1:]


@lru_cache(maxsize=REMEMBERED)
def standard(shape: tuple[int, ...], channel: int) -> tuple[Shape, Index]:
    """Stream shape of an ONNX tensor whose axis `channel` holds the channels, and the flat ONNX index at each place.

    (1, C, H, W) with channel 1 is streamed as (H, W, C); (1, T, C) with channel 2 as (1, T, C); a vector
    (1, N) with channel 1 as (1, 1, N).
    """
    index = np.arange(prod(shape), dtype=np.int64).reshape(shape)
    if not shape:
        return (1, 1, 1), _frozen(index.reshape(1, 1, 1))
    tall, wide = axes(len(shape), channel % len(shape))
    stream = (prod(shape[a] for a in tall), prod(shape[a] for a in wide), shape[channel])
    return stream, _frozen(np.moveaxis(index, channel, -1).reshape(stream))


def _frozen(index: Index) -> Index:
    """The map made read-only: it is shared."""
    index.setflags(write=False)
    return index


def inverse(permutation: Index) -> Index:
    """The permutation that undoes a permutation, both flattened."""
    flat = permutation.reshape(-1)
    undone = np.empty_like(flat)
    undone[flat] = np.arange(flat.size)
    return undone


@lru_cache(maxsize=REMEMBERED)
def order(shape: tuple[int, ...], channel: int) -> Index:
    """Flat stream index of every ONNX element when the tensor is streamed as `standard` says."""
    return _frozen(inverse(standard(shape, channel)[1]).reshape(shape))


def forget() -> None:
    """Free the index maps that are remembered: each is as large as a frame."""
    standard.cache_clear()
    order.cache_clear()


def is_identity(source: Index) -> bool:
    """Whether a permutation leaves everything in place."""
    return bool(np.array_equal(source.reshape(-1), np.arange(source.size)))


def exchange(source: Index, shape: Shape) -> Index | None:
    """The channel of the stream that each channel takes, the same in every pixel; None if more than that moves."""
    rows = source.reshape(-1, shape[2])
    same = np.array_equal(rows, rows[0] + np.arange(len(rows))[:, np.newaxis] * shape[2])
    return rows[0] if same and rows[0].max() < shape[2] else None


SIDES = ((True, False), (False, True), (True, True))
"""What may be in the opposite order: rows, columns, both."""


def backwards(shape: Shape, rows: bool, columns: bool) -> Index:
    """The place that takes each place where rows, or columns, come in the opposite order; flat."""
    place = np.arange(prod(shape)).reshape(shape)
    return place[:: -1 if rows else 1, :: -1 if columns else 1].reshape(-1)


def repeated(index: Index, shape: Shape) -> tuple[Index, Index] | None:
    """Channels that every pixel of a stream takes, so that it has the places `index`, and where these lie then.

    Some places perhaps several times, or not at all. None where pixels differ in what they take.
    """
    pixels, places = shape[0] * shape[1], index.reshape(-1)
    if np.any(np.bincount(places // shape[2], minlength=pixels) * pixels != places.size):
        return None
    by_pixel = np.argsort(places // shape[2], kind="stable").reshape(pixels, -1)
    taken = places[by_pixel] % shape[2]
    if np.any(taken != taken[0]):
        return None
    return taken[0], inverse(by_pixel).reshape(index.shape)


def runs(chosen: Index) -> list[tuple[int, int]]:
    """Indices as ranges [begin, end) one behind the other."""
    parts = np.split(chosen, np.flatnonzero(np.diff(chosen) != 1) + 1)
    return [(int(part[0]), int(part[-1]) + 1) for part in parts]


def box(chosen: Index, shape: Shape) -> tuple[tuple[range, range, range], Index] | None:
    """Rows, columns and channels of a stream that are all of the places `chosen`, and where those lie among them.

    None where there is no such part, or its channels are not neighbours.
    """
    places = np.unravel_index(chosen.reshape(-1), shape)
    ranges, where = [], np.zeros(chosen.size, np.int64)
    for found in places:
        first, last = int(found.min()), int(found.max())
        distinct = np.flatnonzero(np.bincount(found - first))
        step = int(distinct[1]) if distinct.size > 1 else 1
        if distinct.size != (last - first) // step + 1 or np.any(distinct % step):
            return None
        ranges.append(range(first, last + 1, step))
        where = where * distinct.size + (found - first) // step
    rows, columns, channels = ranges
    whole = len(rows) * len(columns) * len(channels) == chosen.size == np.unique(where).size
    return ((rows, columns, channels), where.reshape(chosen.shape)) if whole and channels.step == 1 else None


def factor(source: Index) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """(view, perm) with arange(n).reshape(view).transpose(perm) == source, flattened; None if there is none.

    Walks the permutation from its innermost axis outwards: as long as the elements are equally spaced they
    belong to one axis. Neighbouring axes that stay neighbours are merged, so that the answer is the shortest.
    """
    flat = source.reshape(-1)
    if flat.size == 1:
        return ((1,), (0,)) if flat[0] == 0 else None
    runs: list[tuple[int, int]] = []  # (length, stride in the input), innermost first
    rest = flat
    while rest.size > 1:
        stride = int(rest[1] - rest[0])
        steps = rest == np.arange(rest.size) * stride
        length = rest.size if steps.all() else int(np.argmin(steps))
        if stride <= 0 or length < 2 or rest.size % length:
            return None
        runs.append((length, stride))
        rest = rest[::length]
    outer_first = runs[::-1]
    by_stride = sorted(range(len(outer_first)), key=lambda i: -outer_first[i][1])
    view = tuple(outer_first[i][0] for i in by_stride)
    perm = tuple(by_stride.index(i) for i in range(len(outer_first)))
    rebuilt = np.arange(flat.size).reshape(view).transpose(perm).reshape(-1)
    return (view, perm) if np.array_equal(rebuilt, flat) else None


def placed(constant: Array, where: Index, shape: Shape) -> Array:
    """A constant, broadcast to the ONNX tensor laid out by `where`, as it meets the stream."""
    grid = np.empty(prod(shape), dtype=np.float64)
    grid[where.reshape(-1)] = np.broadcast_to(constant, where.shape).reshape(-1)
    return grid.reshape(shape)


def vector(constant: Array, where: Index, shape: Shape) -> Array | None:
    """A constant as one value per channel of the stream (or one for all), or None if it varies between pixels."""
    if constant.size == 1:
        return constant.reshape(1).astype(np.float64)
    grid = placed(constant, where, shape)
    return grid[0, 0] if np.array_equal(grid, np.broadcast_to(grid[0, 0], shape), equal_nan=True) else None
