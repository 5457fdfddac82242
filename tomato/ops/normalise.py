"""Normalise: the channels of every pixel brought to mean 0 and deviation 1."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import isqrt
from typing import ClassVar, Self

import numpy as np

from tomato.core.formats import Array, Codes, Real
from tomato.core.ir import Op, TensorType
from tomato.core.treatment import UNLIKE_CHANNELS, Line, Treatment

FRACTION = 12
"""Bits behind the point of a result on codes."""
ROOT_BITS = 16
"""Bits behind the point of the inverse of a root."""
INDEX_BITS, REST_BITS = 7, 9
"""Bits of a number behind its leading one that choose a line of the table of inverse roots, and a place on it."""
ACCURATE = 14
"""Bits to which the inverse of a root is right."""
MOST_BITS = 62
"""Bits of the largest sum that the meaning on codes allows."""


@dataclass(frozen=True, slots=True)
class Normalise(Op):
    """(x - mean) / sqrt(variance + epsilon), over the channels of a pixel; or x / sqrt(mean of x^2 + epsilon).

    Layer normalisation (Ba et al., 2016) and root mean square normalisation (Zhang and Sennrich, 2019), without the
    factors and offsets behind them.

    On codes of N channels, of which `zero` stands for 0, results are integers in steps of 2^-FRACTION:

        d = N x - sum(x), or N (x - zero) if not centred
        v = N sum((x - zero)^2) - (sum(x - zero))^2 + epsilon, the last square only if centred
        y = (d r(v) + half) >> s

    with epsilon as an integer, at least 1, in the unit of v: N^2 times what is added to the variance of codes. With p
    the place of the leading one of v, r is 2^(p // 2 + ROOT_BITS) / sqrt(v), by a table of lines, and s is
    p // 2 + ROOT_BITS - FRACTION. Off the real result by half a step, and by 2^-14 of the result.
    """

    treatment: ClassVar = Treatment.EXACT

    epsilon: float | int
    centred: bool = True
    zero: int = 0

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        if isinstance(x.fmt, Real):
            return x
        if widest(x, self) >= 1 << MOST_BITS:
            raise ValueError(f"the variance of {x.channels} channels of {x.codes.bits} bits exceeds {MOST_BITS} bits")
        most = isqrt(x.channels << 2 * FRACTION)  # one channel alone is not 0
        most += (most >> ACCURATE) + 2
        return TensorType(x.shape, Codes(-most, most))

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        if not np.issubdtype(x.dtype, np.integer):
            middle = x.mean(axis=-1, keepdims=True) if self.centred else 0.0
            return np.asarray((x - middle) / np.sqrt(((x - middle) ** 2).mean(axis=-1, keepdims=True) + self.epsilon))
        count, x = x.shape[-1], x.astype(np.int64) - self.zero
        total = x.sum(axis=-1, keepdims=True) if self.centred else np.int64(0)
        spread = count * (x * x).sum(axis=-1, keepdims=True) - total * total + self.epsilon
        root, place = inverse_root(spread)
        shift = (place >> 1) + (ROOT_BITS - FRACTION)
        return np.asarray(((count * x - total) * root + (np.int64(1) << (shift - 1))) >> shift)

    def on_codes(self, args: Sequence[Line], types: Sequence[TensorType]) -> Self:
        (x,), count = args, types[0].channels
        unit = float(x.scale[0]) / count
        zero = 0 if self.centred else x.code_of(0.0)
        assert zero is not None, "line refuses it"
        return replace(self, epsilon=max(1, round(self.epsilon / (unit * unit))), zero=zero)

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        (x,) = args
        if not x.is_uniform:
            return UNLIKE_CHANNELS
        if not self.centred and x.code_of(0.0) is None:
            return "no code of its input stands for 0"
        if x.slack:
            return "its inputs are not exact"
        channels = types[0].channels
        sign = float(np.sign(x.scale[0]))
        return Line(np.full(channels, sign * 2.0**-FRACTION), np.zeros(channels), 0.0)


def widest(x: TensorType, op: Normalise) -> int:
    """A number that no sum of the meaning on codes exceeds."""
    reach = max(abs(x.codes.lo - op.zero), abs(x.codes.hi - op.zero))
    return x.channels * x.channels * reach * reach + int(op.epsilon)


@cache
def table() -> tuple[Array, Array]:
    """Where lines begin and how far they fall, each (2, 2^INDEX_BITS): for even and odd places of the leading one."""
    share = np.arange((1 << INDEX_BITS) + 1) / (1 << INDEX_BITS)
    ends = (1 << ROOT_BITS) / np.sqrt(np.outer([1.0, 2.0], 1.0 + share))
    points = np.rint(ends).astype(np.int64)
    return points[:, :-1], points[:, :-1] - points[:, 1:]


def inverse_root(v: Array) -> tuple[Array, Array]:
    """2^(place // 2 + ROOT_BITS) / sqrt(v) for integers v of at least 1, and the places of their leading ones.

    Off by less than 2^-14 of the result.
    """
    place, behind = leading_one(v, INDEX_BITS + REST_BITS)
    begin, fall = table()
    line = place & 1, behind >> REST_BITS
    return begin[line] - ((fall[line] * (behind & ((1 << REST_BITS) - 1))) >> REST_BITS), place


def leading_one(v: Array, bits: int) -> tuple[Array, Array]:
    """The place of the leading one of integers of at least 1, and the `bits` bits behind it."""
    place, rest = np.zeros_like(v), v
    for step in (32, 16, 8, 4, 2, 1):
        large = rest >> step > 0
        place += np.where(large, step, 0)
        rest = np.where(large, rest >> step, rest)
    aligned = np.where(place >= bits, v >> np.maximum(place - bits, 0), v << np.maximum(bits - place, 0))
    return place, aligned & ((1 << bits) - 1)
