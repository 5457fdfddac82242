"""A function from integers to codes becomes hardware: a wire, a requant, thresholds, a table, or lines.

What equals the function everywhere comes first. Where nothing small does, a requant that is nearly equal is taken
if that is within what the user allows, and counted; before a table of more than TABLE_BITS, lines (`lines.py`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.ir import Op
from tomato.engines.table_stream import WIDEST
from tomato.engines.threshold_stream import MOST_STEPS
from tomato.ops.requant import Requant
from tomato.ops.table import Table
from tomato.ops.threshold import Threshold
from tomato.quantise.requant.constants import BLOCK, differences, fit, nearest
from tomato.quantise.requant.nudges import exact
from tomato.quantise.requant.staircase import Reference, Staircase, find

TABLE_BITS = 12
"""The widest integers that a table is made for while anything else will do."""
MOST_THRESHOLDS = (1 << MOST_STEPS) - 1
"""Thresholds of a channel that the engine can hold."""
SMALL = 1 << 19
"""Bits of thresholds that are stored without looking for a requant that is nearly equal."""
EVERY = 1 << 24
"""Integers, over all channels, that a function which may rise and fall is asked for one by one."""
SAMPLE = 1 << 21
"""How many of more than these."""
BENT = 3
"""Codes that a step may lie off the line through the first and the last one, for a multiplication to be tried."""
LARGE = 1 << 20
"""Entries of the largest table."""
SHARE = 0.01
"""Inputs of a requantisation that may be off by one step, unless the user says otherwise: one in a hundred."""


class InexactError(ValueError):
    """What there is costs more than is allowed. share: what would have to be."""

    def __init__(self, what: str, differing: int, largest: int, checked: int) -> None:
        super().__init__(f"{what} is off by up to {largest} at {differing:,} of {checked:,} inputs")
        self.share = 1.0 if largest > 1 else min(1.0, ceil(1000 * differing / checked) / 1000)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What an inexact requantisation may cost.

    share: of its inputs, that may be off by one step; 0 allows only what is exact, no lines either, 1 allows any error.
    bits: the widest multipliers of requants, None for what exactness takes.
    """

    share: float = SHARE
    bits: int | None = None

    def takes(self, differing: int, largest: int, checked: int) -> bool:
        """Whether so many of `checked` inputs may differ, by `largest` at most."""
        return not differing or self.share >= 1 or (largest <= 1 and differing <= self.share * checked)


MOST_STEPS = 1 << 24
"""Steps of a function, of all channels, that are looked for one by one."""
ORDINARY = Allowed()
"""What is allowed unless the user says otherwise."""


@dataclass(frozen=True, slots=True, eq=False)
class Realised:
    """Operators one behind the other (none: a wire), how they work, and how many inputs differ by how much at most.

    sample: inputs, over all channels, that were compared, where those were not all; else 0.
    """

    ops: tuple[Op, ...]
    how: str
    differing: int = 0
    largest: int = 0
    sample: int = 0


def no_other() -> None:
    """Nothing else."""


def realise(
    asked: Reference, acc: Codes, channels: int, limits: Codes, allowed: Allowed, *, uniform: bool, straight: bool,
    frame: bool = False, other: Callable[[], Realised | None] = no_other,
) -> Realised:  # fmt: skip
    """The operators for codes `asked`, within `limits`, of the integers in `acc`, per channel.

    uniform: all channels are alike. straight: the function is known to rise or to fall all the way; any other is asked
    for every integer. frame: channels are places of a frame, so that plain requants come first, nearly equal ones too:
    whatever else there is would be stored for every place. other: what there is instead of a table of more than
    TABLE_BITS, or of nothing. Raises InexactError where more would have to be allowed,
    ValueError where nothing computes it.
    """
    some = 1 if uniform else channels
    try:
        found = _realise(asked, acc, some, channels, limits, allowed, straight=straight, frame=frame)
    except ValueError:
        if (instead := other()) is None:
            raise
        return instead
    if any(map(_is_large, found.ops)) and (instead := other()):
        return instead
    every = np.zeros(channels, dtype=np.int64)
    return replace(found, ops=tuple(spread(op, every) for op in found.ops)) if uniform else found


def _is_large(op: Op) -> bool:
    return isinstance(op, Table) and op.entries.shape[1] > 1 << TABLE_BITS


def _realise(
    asked: Reference, acc: Codes, channels: int, copies: int, limits: Codes, allowed: Allowed, *, straight: bool,
    frame: bool,
) -> Realised:  # fmt: skip
    entries = _entries(asked, acc, channels) if acc.bits <= TABLE_BITS else None
    if entries is not None and np.all(entries == np.arange(acc.lo, acc.hi + 1)):
        return Realised((), "wire")
    if straight:
        ends = asked(np.array([[acc.lo], [acc.hi]]).repeat(channels, axis=1))
        limits = Codes(int(ends.min()), int(ends.max()))
    elif entries is not None:
        limits = Codes(int(entries.min()), int(entries.max()))
    try:
        if (limits.hi - limits.lo) * channels > MOST_STEPS:
            raise ValueError(f"it has more than {MOST_STEPS:,} steps")
        stair = find(asked, acc, channels, limits.lo, limits.hi).trimmed
        if not straight:
            _confirm(asked, stair)
    except ValueError as reason:
        return _turning(asked, acc, channels, copies, entries, allowed, reason)
    found = _plain(stair, allowed) if frame else None
    found = found or _equal(stair, allowed)
    if found is None and entries is not None and not allowed.bits:
        found = Realised((table(entries, acc.lo),), "table")
    if found is None and not allowed.bits and is_small((copies, stair.hi - stair.lo), acc):
        found = Realised(thresholds(stair), "thresholds")
    if found is None:
        found = _near(stair, allowed.bits or widths(acc)[-1], copies, allowed)
    if found is None and entries is not None:
        found = Realised((table(entries, acc.lo),), "table")
    return found or _stored(asked, stair, copies, allowed)


def _confirm(asked: Reference, stair: Staircase) -> None:
    """Raise ValueError where a staircase is not the function, at any integer or, of very many, at a sample."""
    acc, channels = stair.acc, len(stair.falling)
    count = (acc.hi - acc.lo + 1) * channels
    stride = 1 if count <= EVERY else count // SAMPLE
    for every in _blocks(acc, channels, stride):
        if np.any(asked(every) != stair.codes(every)):
            raise ValueError("the function rises and falls")


def _blocks(acc: Codes, channels: int, stride: int = 1) -> Iterator[Array]:
    """The integers in `acc`, (n, channels), some at a time."""
    block = stride * max(1, BLOCK // channels)
    for start in range(acc.lo, acc.hi + 1, block):
        yield np.arange(start, min(start + block, acc.hi + 1), stride)[:, None].repeat(channels, axis=1)


def _equal(stair: Staircase, allowed: Allowed) -> Realised | None:
    """A requant that equals the staircase; None if there is none so narrow. Many steps are left to `_near`."""
    if stair.hi - stair.lo > MOST_THRESHOLDS:
        return None
    for width in (allowed.bits,) if allowed.bits else widths(stair.acc):
        if (same := exact(stair, width)) is not None:
            return Realised((same,), "requant" if same.nudges is None else "nudged requant")
    return None


def _plain(stair: Staircase, allowed: Allowed) -> Realised | None:
    """A requant without nudges that equals the staircase, or nearly."""
    bits = allowed.bits or widths(stair.acc)[0]
    same = fit(stair, bits)
    return Realised((same,), "requant") if same else _near(stair, bits, len(stair.falling), allowed)


def _near(stair: Staircase, bits: int, copies: int, allowed: Allowed, jump: int = 1) -> Realised | None:
    """A requant that nearly equals the staircase, of so many channels alike; None beyond what is allowed.

    jump: how much a step of the staircase changes the result at most.
    """
    if allowed.share < 1 and _is_bent(stair):
        return None
    close = nearest(stair, bits)
    differing, largest = differences(stair, close)
    differing, largest = differing * (copies // len(stair.falling)), largest * jump
    taken = allowed.takes(differing, largest, (stair.acc.hi - stair.acc.lo + 1) * copies)
    return Realised((close,), "requant", differing, largest) if taken else None


def _is_bent(stair: Staircase) -> bool:
    """Whether the steps of a channel lie so unevenly that no multiplication comes within one code everywhere."""
    inside = (stair.first[:, None] < stair.thresholds) & (stair.thresholds <= stair.last[:, None])
    for levels, used in zip(stair.thresholds, inside, strict=True):
        at = levels[used]
        if at.size > 2:
            line = np.linspace(at[0], at[-1], at.size)
            if np.abs(at - line).max() > BENT * (at[-1] - at[0]) / (at.size - 1):
                return True
    return False


def _stored(asked: Reference, stair: Staircase, copies: int, allowed: Allowed) -> Realised:
    """A staircase that no requant comes near to, in memory: as thresholds, or else in a large table."""
    acc, steps, widest = stair.acc, stair.hi - stair.lo, widths(stair.acc)[-1]
    narrow = allowed.bits is not None and not is_small((copies, steps), acc)
    if narrow and _near(stair, widest, copies, allowed):
        raise _doubt(stair, allowed.bits or widest)
    if steps <= MOST_THRESHOLDS:
        return Realised(thresholds(stair), "thresholds")
    if _is_bent(stair):
        reason = ValueError(f"its {steps:,} steps are no line, and too many for thresholds")
        return _last(asked, acc, len(stair.falling), reason)
    return _last(asked, acc, len(stair.falling), _doubt(stair, widest))


def is_small(levels: tuple[int, ...], acc: Codes) -> bool:
    """Whether thresholds of this shape (channels, steps) take little memory."""
    channels, steps = levels
    return steps <= MOST_THRESHOLDS and channels * steps * (acc.bits + 1) <= SMALL


def _turning(
    asked: Reference, acc: Codes, channels: int, copies: int, entries: Array | None, allowed: Allowed,
    reason: ValueError,
) -> Realised:  # fmt: skip
    """A function that rises and falls: a table, or a rising count of its changes and a table of that."""
    if entries is not None:
        return Realised((table(entries, acc.lo),), "table")
    if (acc.hi - acc.lo + 1) * channels > EVERY:
        raise ValueError(f"{reason}, and {acc.bits} bits are too many for a table")
    rows = _changes(asked, acc, channels)
    most = max(len(at) for at, _ in rows)
    if most >= 1 << TABLE_BITS:
        return _last(asked, acc, channels, ValueError(f"{reason}, and changes {most:,} times, too often for a table"))
    levels = np.stack([np.pad(at, (0, most - len(at)), constant_values=acc.hi + 1) for at, _ in rows])
    codes = np.stack([np.pad(c, (0, most + 1 - len(c)), mode="edge") for _, c in rows])
    stair = Staircase(levels, 0, most, acc, np.zeros(channels, dtype=bool))
    if most <= MOST_THRESHOLDS:
        found = _equal(stair, allowed)
        if found is not None:
            return Realised((*found.ops, table(codes, 0)), f"{found.how} and table")
        return Realised((Threshold(Tensor(levels), 0), table(codes, 0)), "thresholds and table")
    near = _near(stair, widths(acc)[-1], copies, allowed, jump=int(np.abs(np.diff(codes)).max()))
    if near is not None:
        return replace(near, ops=(*near.ops, table(codes, 0)), how="requant and table")
    return _last(asked, acc, channels, ValueError(f"{reason}, and changes {most:,} times, too often for thresholds"))


def _last(asked: Reference, acc: Codes, channels: int, reason: ValueError) -> Realised:
    """A large table: the last thing to try."""
    if acc.bits > WIDEST or (channels << acc.bits) > LARGE:
        raise reason
    return Realised((table(_entries(asked, acc, channels), acc.lo),), "table")


def _doubt(stair: Staircase, bits: int) -> InexactError:
    """Why a requant is not taken."""
    checked = (stair.acc.hi - stair.acc.lo + 1) * len(stair.falling)
    return InexactError(
        f"the nearest multiplication of {bits} bits", *differences(stair, nearest(stair, bits)), checked
    )


def _changes(asked: Reference, acc: Codes, channels: int) -> list[tuple[Array, Array]]:
    """Per channel the integers at which the code changes, and the codes from the lowest integer on."""
    first = before = asked(np.full((1, channels), acc.lo))
    found = []
    for every in _blocks(acc, channels):
        codes = asked(every)
        at, channel = np.nonzero(np.diff(codes, axis=0, prepend=before))
        found.append((every[at, 0], channel, codes[at, channel]))
        before = codes[-1:]
    at, channel, codes = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return [(at[channel == c], np.append(first[0, c], codes[channel == c])) for c in range(channels)]


def widths(acc: Codes) -> tuple[int, ...]:
    """Multipliers worth trying, the cheapest first: one DSP block of 27 x 18 bits, then two."""
    return (26, 34) if acc.bits <= 18 else (17, 26, 34)


def thresholds(stair: Staircase) -> tuple[Op, ...]:
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


def table(entries: Array, lo: int) -> Table:
    """A table of (channels, integers), one row where all channels are alike."""
    same = bool(np.all(entries == entries[:1]))
    return Table(Tensor(np.ascontiguousarray(entries[:1] if same else entries)), lo)


def spread(op: Op, kinds: Array) -> Op:
    """An operator for one channel of each kind, for all channels, whose kinds are given."""
    match op:
        case Requant(mult, bias):
            nudges = None if op.nudges is None else Tensor(op.nudges.values[kinds])
            return replace(op, mult=Tensor(mult.values[kinds]), bias=Tensor(bias.values[kinds]), nudges=nudges)
        case Threshold(levels):
            return replace(op, thresholds=Tensor(levels.values[kinds]))
        case Table(entries) if len(entries.values) > 1:
            return replace(op, entries=Tensor(entries.values[kinds]))
    return op
