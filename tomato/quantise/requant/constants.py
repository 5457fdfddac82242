"""Constants of a Requant that equals a staircase at every accumulator, or nearly; and how nearly.

clamp((x * M + B) >> S, lo, hi) equals a rising staircase iff for every threshold t, of code v,

    M * t + B >= v << S   if t is in the range,   and   M * (t - 1) + B < v << S   if t - 1 is.

For a given S these are half-planes of (M, B). B exists iff, over all pairs of a lower bound and an upper bound, the
largest (v << S) - M * t is less than the smallest (v << S) - M * (t - 1): a convex condition on M alone, the
maximum of straight lines. Newton's method on it, started at 0 and rounded up, finds the least M in a few steps.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tomato.core.formats import Array, Tensor, requantise
from tomato.ops.requant import Requant
from tomato.quantise.requant.grid import MOST_SHIFT, PRODUCT_BITS
from tomato.quantise.requant.staircase import Staircase

FAR = 1 << PRODUCT_BITS
"""Farther than any bound on B: products and shifted codes each stay below half of it."""
BLOCK = 1 << 21
"""Thresholds that are looked at together, to bound the memory."""
MANY, FINE = 4096, 64
"""Steps beyond which no search is made for the nearest constants, where each takes so many accumulators."""
NEAR_MULTS = (0, -1, 1, -2)
"""Multipliers that `nearest` tries, counted from the one whose bounds on B contradict each other least."""
NEAR_RANKS = (0, 1, -1, 2, -3, 4, -7, 8)
"""Biases that it tries, by their rank from the median."""


def fit(stair: Staircase, mult_bits: int | None = None, *, shift_most: int = MOST_SHIFT) -> Requant | None:
    """The requant that equals the staircase at every accumulator in its range, or None if there is none.

    Its shift is the smallest, and its multipliers are the least of that shift, so the narrowest.
    All |mult| < 2**mult_bits, if given. Products and biases stay within 62 bits.
    """
    best: Trial | None = None
    least, most = 0, _shift_limit(stair, shift_most)
    while least <= most:
        shift = (least + most) >> 1
        trial = least_mult(stair, shift, mult_bits)
        if np.any(trial.state == OPEN):
            least = shift + 1  # whatever suits a shift, doubled suits the next
        else:
            most = shift - 1
            best = best if np.any(trial.state == WIDE) else trial
    return None if best is None else best.requant(stair)


def nearest(stair: Staircase, mult_bits: int) -> Requant:
    """A requant, all |mult| < 2**mult_bits, that differs at few accumulators; exact where `fit` finds one.

    Of very many steps the line through the outermost ones is taken, without a search.
    """
    if stair.hi - stair.lo > MANY and stair.acc.hi - stair.acc.lo > FINE * (stair.hi - stair.lo):
        return _line(stair, mult_bits)
    exact = fit(stair, mult_bits)
    if exact is not None:
        return exact
    finest = finest_shift(stair, mult_bits)  # one finer, most multipliers may be narrow enough
    ops = [_at_shift(stair, shift, mult_bits) for shift in (finest, finest + 1)]
    return min(ops, key=lambda op: differences(stair, op)[0])


def _line(stair: Staircase, mult_bits: int) -> Requant:
    """The straight line through the first and the last step that each channel reaches, its offset the middle of all."""
    code = np.arange(stair.lo + 1, stair.hi + 1)
    slopes = np.zeros(len(stair.falling))
    inside = (stair.thresholds > stair.first[:, None]) & (stair.thresholds <= stair.last[:, None])
    for c, used in enumerate(map(np.flatnonzero, inside)):
        if used.size > 1:
            ends = stair.thresholds[c, used[[0, -1]]]
            slopes[c] = (used[-1] - used[0]) / max(1, ends[1] - ends[0])
    limit = _mult_limit(stair, mult_bits)
    shift = int(
        np.clip(np.floor(np.log2(limit / max(slopes.max(), 2.0**-MOST_SHIFT))), 0, _shift_limit(stair, MOST_SHIFT))
    )
    mult = np.minimum(np.rint(slopes * 2.0**shift).astype(np.int64), limit)
    bias = np.empty_like(mult)
    for c, used in enumerate(inside):
        low = (code << shift) - mult[c] * stair.thresholds[c]  # the least offset with which a step is reached
        at_first = stair.lo + int((stair.thresholds[c] <= stair.first[c]).sum())
        bias[c] = (
            int(np.median(low[used])) + (int(mult[c]) >> 1)
            if used.any()
            else (at_first << shift) + (1 << shift >> 1) - mult[c] * stair.first[c]
        )
    return Requant(Tensor(mult * stair.sign), Tensor(bias), shift, stair.lo, stair.hi)


def finest_shift(stair: Staircase, mult_bits: int) -> int:
    """The finest shift that asks no channel for a wider multiplier."""
    least, most = 0, _shift_limit(stair, MOST_SHIFT) - 1
    while least < most:
        shift = (least + most + 1) >> 1
        wide = np.any(least_mult(stair, shift, mult_bits).state == WIDE)
        least, most = (least, shift - 1) if wide else (shift, most)
    return least


def differences(stair: Staircase, op: Requant) -> tuple[int, int]:
    """At how many accumulators, all channels together, the code of `op` differs, and by how much at most.

    `op` must have no nudges.
    """
    assert op.nudges is None, "differences of nudged constants are not counted"
    count, largest = _differences(stair, op.mult.values, op.bias.values, op.shift, op.lo, op.hi)
    return int(count.sum()), int(largest.max(initial=0))


OPEN, EXACT, WIDE = range(3)
"""What a shift allows a channel: no multiplier at all, an exact one, or only those too wide."""


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Constants of one shift, for turned accumulators. Where OPEN or WIDE, `mult` is where the search ended.

    clash (channels, 4): the steps whose bounds on B, a lower one and an upper one, asked for the last greater
    multiplier, and those that no multiplier so great reconciles; -1 where there are none. Where OPEN or WIDE, no
    multiplier suits them all.
    """

    mult: Array
    bias: Array
    state: Array
    clash: Array
    shift: int

    def requant(self, stair: Staircase) -> Requant:
        """The operator, with the fewest bits that say the same."""
        mult, bias, shift = self.mult * stair.sign, self.bias, self.shift
        while shift and not np.any(mult & 1):  # floor(floor(v / 2) / 2**k) = floor(v / 2**(k + 1))
            mult, bias, shift = mult >> 1, bias >> 1, shift - 1
        return Requant(Tensor(mult), Tensor(bias), shift, stair.lo, stair.hi)


def _shift_limit(stair: Staircase, most: int) -> int:
    """Keeps shifted codes below 2**61."""
    return min(most, PRODUCT_BITS - 1 - (max(abs(stair.lo), abs(stair.hi)) + 1).bit_length())


def _mult_limit(stair: Staircase, mult_bits: int | None) -> int:
    """Keeps products below 2**61, and multipliers within their width."""
    product = (1 << (PRODUCT_BITS - 1)) // (max(abs(stair.acc.lo), abs(stair.acc.hi)) + 1)
    return product if mult_bits is None else min(product, (1 << mult_bits) - 1)


def _blocks(stair: Staircase) -> Iterator[slice]:
    """Channels that are worked on together."""
    size = max(1, BLOCK // max(1, stair.hi - stair.lo))
    return (slice(start, start + size) for start in range(0, len(stair.falling), size))


def least_mult(stair: Staircase, shift: int, mult_bits: int | None) -> Trial:
    """Per channel the least multiplier of that shift that equals the staircase, and the least bias with it."""
    channels, limit = len(stair.falling), _mult_limit(stair, mult_bits)
    mult, bias = np.zeros((2, channels), dtype=np.int64)
    trial = Trial(mult, bias, np.full(channels, EXACT), np.full((channels, 4), -1), shift)
    if stair.lo == stair.hi:
        trial.bias[:] = stair.lo << shift
        return trial
    code = np.arange(stair.lo + 1, stair.hi + 1) << shift
    for block in _blocks(stair):
        left = np.arange(channels)[block]
        while left.size:
            left = _improve(stair.take(left), code, left, trial, limit)
    return trial


def _improve(stair: Staircase, code: Array, channels: Array, trial: Trial, limit: int) -> Array:
    """One step of Newton's method, in place; the channels that need another one."""
    mult, t, row = trial.mult[channels], stair.thresholds, np.arange(len(channels))
    left, right, low, high = _tightest(stair, code, mult)
    crossed = low >= high + mult  # the bounds on B contradict each other
    run = t[row, left] - t[row, right] + 1
    steeper = crossed & (run > 0)  # and a greater multiplier is the only remedy
    need = -((code[right] - code[left] - 1) // np.maximum(run, 1))
    wide = steeper & (need > limit)
    trial.bias[channels] = np.where(low == -FAR, stair.lo << trial.shift, low)  # no lower bound: always the least code
    trial.state[channels] = np.where(wide, WIDE, np.where(crossed, OPEN, EXACT))
    pair, open_ = np.stack([left, right], axis=1), crossed & ~steeper
    trial.clash[channels[steeper], :2], trial.clash[channels[open_], 2:] = pair[steeper], pair[open_]
    trial.mult[channels] = np.where(steeper, np.minimum(need, limit), mult)
    return np.asarray(channels[steeper & ~wide])


def _tightest(stair: Staircase, code: Array, mult: Array) -> tuple[Array, Array, Array, Array]:
    """The steps of the greatest lower and the least upper bound on B, and these: the upper one plus 1 and less M."""
    t = stair.thresholds
    line = code - mult[:, None] * t
    lower = np.where(t <= stair.last[:, None], line, -FAR)
    upper = np.where(t > stair.first[:, None], line, FAR)
    row, left, right = np.arange(len(t)), lower.argmax(axis=1), upper.argmin(axis=1)
    return left, right, lower[row, left], upper[row, right]


def _balanced_mult(stair: Staircase, most: Array, shift: int) -> Array:
    """Per channel the multiplier, at most `most`, whose bounds on B contradict each other least: a convex function."""
    found = np.empty_like(most)
    code = np.arange(stair.lo + 1, stair.hi + 1) << shift
    for block in _blocks(stair):
        part = stair.take(np.arange(len(most))[block])
        t, row, least, limit = part.thresholds, np.arange(len(part.falling)), np.zeros_like(most[block]), most[block]
        while np.any(least < limit):
            mult = (least + limit) >> 1
            left, right, _, _ = _tightest(part, code, mult)
            steeper = t[row, left] >= t[row, right]  # the contradiction falls with the multiplier
            least, limit = np.where(steeper, np.minimum(mult + 1, limit), least), np.where(steeper, limit, mult)
        found[block] = least
    return found


def _at_shift(stair: Staircase, shift: int, mult_bits: int) -> Requant:
    """Exact constants for the channels that have some of this shift, near ones for the others."""
    trial = least_mult(stair, shift, mult_bits)
    wrong = np.flatnonzero(trial.state != EXACT)
    trial.mult[wrong], trial.bias[wrong] = _least_differing(stair.take(wrong), trial.mult[wrong], shift, mult_bits)
    return trial.requant(stair)


def _least_differing(stair: Staircase, most: Array, shift: int, mult_bits: int) -> tuple[Array, Array]:
    """Per channel a multiplier up to about `most`, and a bias, whose codes differ at the fewest accumulators found.

    A threshold is right for biases in an interval. The sum of the distances to intervals, about what the
    thresholds move, is least at the median of all their ends; so the biases to try have ranks around it.
    """

    def best(tries: list[tuple[Array, Array]]) -> tuple[Array, Array]:
        counts = [_differences(stair, m * stair.sign, b, shift, stair.lo, stair.hi)[0] for m, b in tries]
        chosen = np.argmin(counts, axis=0), np.arange(len(about))
        return np.stack([m for m, _ in tries])[chosen], np.stack([b for _, b in tries])[chosen]

    about = _balanced_mult(stair, most, shift)
    mults = [np.clip(about + near, 0, _mult_limit(stair, mult_bits)) for near in NEAR_MULTS]
    mult, _ = best([(mult, _median_biases(stair, mult, shift)[0]) for mult in mults])
    return best([(mult, bias) for bias in _median_biases(stair, mult, shift)])


def _median_biases(stair: Staircase, mult: Array, shift: int) -> Array:
    """Per channel the biases of the ranks `NEAR_RANKS` from the median, where intervals of right thresholds end."""
    found = np.empty((len(NEAR_RANKS), *mult.shape), dtype=np.int64)
    code = np.arange(stair.lo + 1, stair.hi + 1) << shift
    for block in _blocks(stair):
        part = stair.take(np.arange(len(mult))[block])
        line = code - mult[block, None] * part.thresholds
        lower = np.where(part.thresholds <= part.last[:, None], line, -FAR)
        upper = np.where(part.thresholds > part.first[:, None], line + mult[block, None] - 1, FAR)
        ends = np.sort(np.concatenate([lower, upper], axis=1), axis=1)
        middle = ends[:, len(code) - 1]
        near = [ends[:, np.clip(len(code) - 1 + rank, 0, 2 * len(code) - 1)] for rank in NEAR_RANKS]
        found[:, block] = [np.where(np.abs(bias) == FAR, middle, bias) for bias in near]
    return found


def _differences(stair: Staircase, mult: Array, bias: Array, shift: int, lo: int, hi: int) -> tuple[Array, Array]:
    """Per channel: at how many accumulators the codes differ, and by how much at most.

    Both are constant between neighbouring thresholds of the two, so it suffices to look there.
    """
    count, largest = np.zeros((2, *mult.shape), dtype=np.int64)
    for block in _blocks(stair):
        part = stair.take(np.arange(len(mult))[block])
        first, last, sign = (v[:, None] for v in (part.first, part.last, part.sign))
        m, b = mult[block, None] * sign, bias[block, None]
        reach = (np.arange(lo + 1, hi + 1) << shift) - b
        divisor = np.where(m == 0, 1, m)
        changes = np.where(m > 0, -(-reach // divisor), reach // divisor + 1)  # rising, falling
        points = np.concatenate([first, part.thresholds, np.clip(changes, first, last + 1)], axis=1)
        order = np.argsort(points, axis=1, kind="stable")
        points = np.take_along_axis(points, order, axis=1)
        steps = (order > 0) & (order <= part.hi - part.lo)
        run = np.diff(points, axis=1, append=last + 1)
        wrong = requantise(np.minimum(points, last), m, b, shift, lo, hi) - part.lo - np.cumsum(steps, axis=1)
        wrong = np.where(run > 0, np.abs(wrong), 0)
        count[block], largest[block] = (run * (wrong > 0)).sum(axis=1), wrong.max(axis=1)
    return count, largest
