"""Two values with different steps, joined: an exact integer that orders as the real result does, and what follows it.

A sum becomes a * A + b * B with small integers A and B, a product (a - zero) * (b - zero). Whatever comes behind
is checked on all pairs of codes, or on a sample where they are too many.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

import numpy as np

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.interface import Said
from tomato.core.ir import Op
from tomato.core.treatment import Line
from tomato.ops.join import Add
from tomato.ops.quantise import Quantise
from tomato.ops.real import Affine, Clip
from tomato.ops.requant import Requant
from tomato.ops.table import Table
from tomato.ops.threshold import Threshold
from tomato.quantise.absorb.fused import fused_pair
from tomato.quantise.absorb.held import Pair, alike, is_straight, one_channel, run_chain, single
from tomato.quantise.absorb.realise import MOST_THRESHOLDS, TABLE_BITS, Allowed, InexactError, is_small, realise

PAIR_BITS = 18
"""Bits of both codes together up to which all pairs are checked."""
SHIFTS = range(4, 31)
"""Shifts that are tried for results of 8 bits, the smallest first; wider ones start with greater shifts."""
FINE = (15, 63, 255, 1023, 4095, 16383, 65535, 1 << 20, 1 << 24)
"""Largest factors of a sum, tried one after the other."""
WIDEST = 40
"""Bits of the widest sum."""
MULTIPLIED = 34
"""Bits of the widest sum that is multiplied: its multiplier keeps 28."""


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """The operators, the pairs that were checked of all there are, how many of them differ and by how much at most."""

    ops: tuple[Op, ...]
    checked: int
    sampled: bool
    differing: int
    largest: int


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """Codes `wanted` (a's, b's, channels) for the codes `a` (n, 1, 1) and `b` (1, m, 1).

    Where all channels are alike, pair, op and wanted are of the first one, of `channels`.
    """

    pair: Pair
    op: Quantise
    kinds: tuple[Codes, Codes]
    channels: int
    a: Array
    b: Array
    wanted: Array
    every: bool

    @property
    def alike(self) -> bool:
        """Whether `wanted` stands for all channels."""
        return bool(self.wanted.shape[2] == 1)

    @staticmethod
    def is_small(ops: tuple[Op, ...]) -> bool:
        """Whether their thresholds, if there are any, take little memory."""
        levels = [op.thresholds for op in ops if isinstance(op, Threshold)]
        return all(is_small(t.shape, t.fmt) for t in levels if isinstance(t.fmt, Codes))

    def outcome(self, ops: tuple[Op, ...]) -> Array:
        """What operators make of the pairs."""
        first, *rest = ops
        got = first.golden([self.a, self.b])[None]
        got = np.broadcast_to(got, (*got.shape[:3], self.wanted.shape[2]))
        for op in rest:
            got = (_first_channel(op) if self.alike else op).golden([got])
        return np.asarray(got[0])

    def judge(self, ops: tuple[Op, ...]) -> Joined:
        """How operators do on the pairs."""
        wrong = np.abs(self.outcome(ops) - self.wanted)
        return Joined(ops, self.wanted.size, not self.every, int(np.count_nonzero(wrong)), int(wrong.max()))


def _first_channel(op: Op) -> Op:
    """An operator that is alike for all channels, for one."""
    match op:
        case Requant(mult, bias):
            nudges = None if op.nudges is None else Tensor(op.nudges.values[:1])
            return replace(op, mult=Tensor(mult.values[:1]), bias=Tensor(bias.values[:1]), nudges=nudges)
        case Threshold(levels):
            return replace(op, thresholds=Tensor(levels.values[:1]))
    return op


def asked_of(pair: Pair, op: Quantise, said: Said) -> Callable[[Array, Array], Array]:
    """Codes of arrays of codes that broadcast, channels last, as the model's runtime computes them."""
    a, b, join = pair.a, pair.b, pair.join
    if op.arithmetic == "qonnx":
        return lambda x, y: op.golden([run_chain(pair.tail, join_reals(join, a.real(x), b.real(y)))])
    kernel = fused_pair(pair, op, said)
    if kernel:
        return kernel
    return lambda x, y: op.golden([single(pair.tail, join_reals(join, a.single(x), b.single(y)))])


def join_reals(join: Op, a: Array, b: Array) -> Array:
    """The sum or product of reals."""
    return np.asarray(a + b if isinstance(join, Add) else a * b)


def lower_pair(pair: Pair, op: Quantise, kinds: tuple[Codes, Codes], said: Said, allowed: Allowed) -> Joined:
    """The operators from both codes to the Quantise's.

    Raises InexactError where more would have to be allowed, ValueError where nothing computes it.
    """
    task, found = _task(pair, op, kinds, said, pair.a.scale.size), []
    for ops in _candidates(task, said, allowed):
        found.append(task.judge(ops))
        good = allowed.takes(found[-1].differing, found[-1].largest, found[-1].checked)
        if task.is_small(ops) and (not found[-1].differing or (good and not task.every)):
            return found[-1]
    if not found:
        raise ValueError("no table or thresholds of the sizes there are compute it")
    taken = [f for f in found if allowed.takes(f.differing, f.largest, f.checked)]
    if not taken:
        best = min(found, key=lambda f: (f.differing, f.largest))
        raise InexactError("what comes nearest", best.differing, best.largest, best.checked)
    return min(taken, key=lambda f: (not task.is_small(f.ops), f.differing, f.largest))


def _task(pair: Pair, op: Quantise, kinds: tuple[Codes, Codes], said: Said, channels: int) -> _Task:
    rows, columns = (_samples(k, PAIR_BITS // 2, held.line) for k, held in zip(kinds, (pair.a, pair.b), strict=True))
    every = rows.size == kinds[0].hi - kinds[0].lo + 1 and columns.size == kinds[1].hi - kinds[1].lo + 1
    a, b = rows[:, None, None], columns[None, :, None]
    uniform = pair.uniform and alike(op)
    if uniform:
        pair, op = pair.first, one_channel(op)
    asked = asked_of(pair, op, said)
    wanted = np.concatenate([asked(part, b) for part in np.array_split(a, -(-a.size * columns.size * channels >> 22))])
    return _Task(pair, op, kinds, channels, a, b, wanted, every)


def _samples(kind: Codes, bits: int, line: Line) -> Array:
    """Every code, or as many as `bits` allow, both ends among them, and those around 0, where comparisons turn."""
    count = kind.hi - kind.lo + 1
    some = np.linspace(kind.lo, kind.hi, min(count, 1 << bits)).astype(np.int64)
    middle = np.rint(-line.zeros[:1]).astype(np.int64) + np.arange(-2, 3)
    return np.unique(np.concatenate([some, middle.clip(kind.lo, kind.hi)]))


def _candidates(task: _Task, said: Said, allowed: Allowed) -> Iterator[tuple[Op, ...]]:
    """Ways to compute it, the cheapest first."""
    sums = isinstance(task.pair.join, Add)
    if task.alike and sums and (slope := _slope(task)):
        yield from _lines(task, *slope)
    elif task.alike and sums and task.every:
        yield from _on_a_line(task, said)
    exact: list[Op] = []
    for join in _joins(task):
        if join in exact:
            continue
        exact.append(join)
        if task.alike and task.every and (tail := _of_all(task, join)):
            yield (join, *tail)
    for join in [j for j in exact if _reach(j, task.kinds).bits <= MULTIPLIED][-1:]:
        yield from _of_the_real(task, join, allowed)


def _slope(task: _Task) -> tuple[float, float] | None:
    """The result's codes per code of a and of b, where the tail is a line with limits; None where it is not."""
    slope = 1 / float(task.op.scale.values[0])
    for step in task.pair.tail:
        if isinstance(step, Affine) and step.scale.values.size == 1:
            slope *= float(step.scale.values[0])
        elif not isinstance(step, Clip):
            return None
    return float(task.pair.a.scale[0]) * slope, float(task.pair.b.scale[0]) * slope


def _on_a_line(task: _Task, said: Said) -> Iterator[tuple[Op, ...]]:
    """A sum in the result's own steps, and a table from there: a magnitude, or whatever turns at a code."""
    op, pair = task.op, task.pair
    reals = [pair.a.real(np.array([[k] for k in (task.kinds[0].lo, task.kinds[0].hi)])),
             pair.b.real(np.array([[k] for k in (task.kinds[1].lo, task.kinds[1].hi)]))]  # fmt: skip
    ends = [sum(float(pick(r)) for r in reals) / float(op.scale.values[0]) for pick in (np.min, np.max)]
    lo, hi = floor(ends[0]) - 1, ceil(ends[1]) + 1
    if Codes(lo, hi).bits > TABLE_BITS:
        return
    plain = replace(op, zero=Tensor(np.zeros(1)), lo=lo, hi=hi, kind=Codes(lo, hi))
    line = _task(replace(pair, tail=()), plain, task.kinds, said, task.channels)
    for ops in _lines(line, *(_slope(line) or (0.0, 0.0))):
        known, codes = _most_wanted(line.outcome(ops), task.wanted)
        every = np.arange(lo, hi + 1)
        yield (*ops, Table(Tensor(codes[np.searchsorted(known, every, side="right").clip(1) - 1][None, :]), lo))


def _lines(task: _Task, by_a: float, by_b: float) -> Iterator[tuple[Op, ...]]:
    """Small factors, an offset and a shift; of those that differ only the nearest."""
    wanted, channels = task.wanted, task.channels
    lo, hi = int(wanted.min()), int(wanted.max())
    best: tuple[int, tuple[Op, ...]] | None = None
    for shift in SHIFTS[max(0, (hi - lo).bit_length() - 8) :]:
        for factor_a in _around(by_a * 2.0**shift):
            for factor_b in _around(by_b * 2.0**shift):
                acc = task.a * factor_a + task.b * factor_b
                bias = _bias(acc, wanted, shift, lo, hi)
                differing = int(np.count_nonzero(np.clip((acc + bias) >> shift, lo, hi) != wanted))
                if best is None or differing < best[0]:
                    best = differing, (Add(factor_a, factor_b), _requant(bias, shift, lo, hi, channels))
                if not differing:
                    yield best[1]
                    return
    assert best is not None
    yield best[1]


def _around(real: float) -> tuple[int, ...]:
    """The integers below and above, the nearer first."""
    near = round(real)
    return near, near + (1 if real > near else -1)


def _bias(acc: Array, wanted: Array, shift: int, lo: int, hi: int) -> int:
    """An offset that suits all pairs, or the middle of what they want: code <= (acc + B) >> shift < code + 1."""
    least = ((wanted << shift) - acc)[wanted > lo]
    most = (((wanted + 1) << shift) - 1 - acc)[wanted < hi]
    if not least.size and not most.size:
        return lo << shift
    low = int(least.max()) if least.size else int(most.min())
    high = int(most.min()) if most.size else low
    return (low + high) >> 1


def _requant(bias: int, shift: int, lo: int, hi: int, channels: int) -> Requant:
    ones = np.ones(channels, dtype=np.int64)
    return Requant(Tensor(ones), Tensor(ones * bias), shift, lo, hi)


def _joins(task: _Task) -> Iterator[Op]:
    """Exact operators whose result orders as the real one: of sums ever finer ones."""
    join, pair = task.pair.join, task.pair
    if not isinstance(join, Add):
        yield join
        return
    ratio, sign = Fraction(float(pair.a.scale[0])) / Fraction(float(pair.b.scale[0])), int(np.sign(pair.b.scale[0]))
    for most in FINE:
        near = _limited(ratio, most)
        found = Add(sign * near.numerator, sign * near.denominator)
        if near and _reach(found, task.kinds).bits <= WIDEST:
            yield found
        if near == ratio:
            return


def _limited(ratio: Fraction, most: int) -> Fraction:
    """The nearest fraction whose numerator and denominator are at most `most`; 0 where there is none."""
    size, sign = abs(ratio), 1 if ratio > 0 else -1
    near = size.limit_denominator(most) if size <= 1 else 1 / (1 / size).limit_denominator(most) if size < most else 0
    return sign * Fraction(near)


def _reach(join: Op, kinds: tuple[Codes, Codes]) -> Codes:
    """The range of an exact result."""
    rows, columns = (np.array([kind.lo, kind.hi]) for kind in kinds)
    ends = join.golden([rows[:, None], columns[None, :]])
    return Codes(int(ends.min()), int(ends.max()))


def _most_wanted(results: Array, wanted: Array) -> tuple[Array, Array]:
    """The different results, ascending, and of each the middle one of the codes that are wanted of it."""
    order = np.lexsort((wanted.reshape(-1), results.reshape(-1)))
    found = results.reshape(-1)[order]
    starts = np.flatnonzero(np.diff(found, prepend=found[0] - 1))
    middle = (starts + np.append(starts[1:], found.size)) // 2
    return found[starts], wanted.reshape(-1)[order][middle]


def _of_all(task: _Task, join: Op) -> tuple[Op, ...] | None:
    """What makes the wanted codes of the exact result, if they depend on it alone; where not, what most pairs want."""
    known, codes = _most_wanted(join.golden([task.a, task.b]), task.wanted)
    channels, low = task.channels, int(known[0])
    kind = Codes(low, int(known[-1]))
    if kind.bits <= TABLE_BITS:
        every = np.arange(low, kind.hi + 1)
        return (Table(Tensor(codes[np.searchsorted(known, every, side="right") - 1][None, :]), low),)
    at = np.flatnonzero(np.diff(codes)) + 1
    if not 0 < at.size <= MOST_THRESHOLDS:
        return None
    rises = bool(np.all(np.diff(codes) >= 0))
    if rises and codes[-1] - codes[0] <= MOST_THRESHOLDS:
        steps = known[np.searchsorted(codes, np.arange(codes[0] + 1, codes[-1] + 1), side="left")]
        return (Threshold(Tensor(np.tile(steps, (channels, 1))), int(codes[0])),)
    levels = Tensor(np.tile(known[at], (channels, 1)))
    return Threshold(levels, 0), Table(Tensor(codes[np.append(0, at)][None, :]), 0)


def _of_the_real(task: _Task, join: Op, allowed: Allowed) -> Iterator[tuple[Op, ...]]:
    """What makes the codes of the real number that an exact result stands for."""
    a, b, op = task.pair.a, task.pair.b, task.op
    if isinstance(join, Add):
        unit, offset = float(b.scale[0]) / join.scale_b, float(a.offset[0] + b.offset[0])
    else:
        unit, offset = float(a.scale[0] * b.scale[0]), 0.0
    chain = run_chain if op.arithmetic == "qonnx" else single
    kind = np.float64 if op.arithmetic == "qonnx" else np.float32
    try:
        found = realise(
            lambda x: op.golden([chain(task.pair.tail, (x * unit + offset).astype(kind))]),
            _reach(join, task.kinds), task.channels, Codes(op.lo, op.hi), allowed, uniform=task.alike,
            straight=all(map(is_straight, task.pair.tail)),
        )  # fmt: skip
    except ValueError:
        return
    yield (join, *found.ops)
