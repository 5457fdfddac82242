"""From an integer value to the codes that a Quantise behind it gives: a requant, thresholds, or a table."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tomato.formats import Array, Codes, Tensor
from tomato.ir import Op
from tomato.ops.quantise import Quantise
from tomato.ops.table import Table
from tomato.ops.threshold import Threshold
from tomato.passes.absorb.held import Held
from tomato.passes.absorb.reference import reference
from tomato.passes.constants import differences, nearest
from tomato.passes.nudges import exact
from tomato.passes.staircase import Staircase, find

TABLE_BITS = 12
"""The widest integers that a table is made for."""


@dataclass(frozen=True, slots=True)
class Proof:
    """How the constants of one requantisation compare with the reference.

    differing: inputs, over all channels, whose code differs, of `checked`. largest: the greatest difference of codes.
    how: "requant", "nudged requant", "thresholds", "table" or "sum". sampled: more inputs can occur than were
    checked, so that nothing is proved.
    """

    value: str
    how: str
    checked: int
    differing: int = 0
    largest: int = 0
    sampled: bool = False

    def __str__(self) -> str:
        if self.sampled and not self.differing:
            return f"{self.how}: equal for a sample of {self.checked:,} inputs"
        if not self.differing:
            return f"{self.how}: proved equal for all {self.checked:,} inputs"
        return f"{self.how}: {self.differing:,} of {self.checked:,} inputs differ, by at most {self.largest}"


def narrow(held: Held, op: Quantise, acc: Codes, bits: int | None) -> tuple[tuple[Op, ...], str, tuple[int, int]]:
    """The operators (none: a wire), how they work, and how many accumulators differ and by how much at most.

    `acc` are the integers that can occur; `bits` limits the width of multipliers. ValueError if the function is
    not monotone and has too many inputs for a table.
    """
    asked = reference(held, op)
    channels = held.scale.size
    small = acc.bits <= TABLE_BITS
    entries = _entries(asked, acc, channels) if small else None
    if entries is not None and np.all(entries == np.arange(acc.lo, acc.hi + 1)):
        return (), "wire", (0, 0)
    try:
        stair = find(asked, acc, channels, op.lo, op.hi)
    except ValueError as reason:
        if entries is None:
            raise ValueError(f"{reason}, and {acc.bits} bits are too many for a table") from reason
        return (_table(entries, acc.lo),), "table", (0, 0)
    for width in (bits,) if bits else widths(acc):
        same = exact(stair, width)
        if same is not None:
            return (same,), "requant" if same.nudges is None else "nudged requant", (0, 0)
    if bits:
        close = nearest(stair, bits)
        return (close,), "requant", differences(stair, close)
    if entries is not None:
        return (_table(entries, acc.lo),), "table", (0, 0)
    return _thresholds(stair), "thresholds", (0, 0)


def widths(acc: Codes) -> tuple[int, ...]:
    """Multipliers worth trying, the cheapest first: one DSP block of 27 x 18 bits, then two."""
    return (26, 34) if acc.bits <= 18 else (17, 26, 34)


def _thresholds(stair: Staircase) -> tuple[Op, ...]:
    """The thresholds as they are; channels whose code falls count downwards through a small table."""
    falling = stair.falling[:, None]
    rising = np.sort(np.where(falling, 1 - stair.thresholds, stair.thresholds), axis=1)
    op = Threshold(Tensor(rising), stair.lo)
    if not falling.any():
        return (op,)
    up = np.arange(stair.lo, stair.hi + 1)
    return op, Table(Tensor(np.where(falling, up[::-1], up)), stair.lo)


def _entries(asked: Callable[[Array], Array], acc: Codes, channels: int) -> Array:
    """The codes of every integer, (channels, integers)."""
    return asked(np.arange(acc.lo, acc.hi + 1)[:, None].repeat(channels, axis=1)).T


def _table(entries: Array, lo: int) -> Table:
    same = bool(np.all(entries == entries[:1]))
    return Table(Tensor(np.ascontiguousarray(entries[:1] if same else entries)), lo)


def steps_of_table(acc: Array, codes: Array, channels: int) -> tuple[Op, ...] | None:
    """The operator from integers to codes, both given for all that can occur, the same for all channels.

    None where an integer has two codes, or where they are too many for a table and fall.
    """
    order = np.argsort(acc, axis=None, kind="stable")
    sums, found = acc.reshape(-1)[order], codes.reshape(-1)[order]
    if np.any((np.diff(sums) == 0) & (np.diff(found) != 0)):
        return None
    low, high = int(sums[0]), int(sums[-1])
    every = np.arange(low, high + 1)
    entries = found[np.searchsorted(sums, every, side="right") - 1]
    if Codes(low, high).bits <= TABLE_BITS:
        return (Table(Tensor(entries[None, :]), low),)
    if np.any(np.diff(entries) < 0):
        return None
    lo, hi = int(entries[0]), int(entries[-1])
    steps = low + np.searchsorted(entries, np.arange(lo + 1, hi + 1), side="left")
    return (Threshold(Tensor(np.tile(steps, (channels, 1))), lo),)
