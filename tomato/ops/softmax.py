"""Softmax: the channels of every pixel as shares of 1, by the exponentials of their values."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import frexp, log2
from typing import ClassVar, Self

import numpy as np

from tomato.core.formats import Array, Codes, Real
from tomato.core.ir import Op, TensorType
from tomato.core.treatment import UNLIKE_CHANNELS, Line, Treatment
from tomato.ops.normalise import leading_one

LEAST_FRACTION, MOST_FRACTION, SHARE_FRACTION = 16, 23, 12
"""Bits behind the point of a result on codes: SHARE_FRACTION behind the leading one of 1 / N, within limits."""
POWER_BITS = 16
"""Bits behind the point of a power of 2, and of an exponent."""
POWER_INDEX_BITS, POWER_REST_BITS = 7, 9
"""Bits of an exponent behind the point that choose a line of the table of powers, and a place on it."""
SUM_BITS = 24
"""Bits behind the point of what is summed."""
FAR = SUM_BITS + 1
"""The exponent from which on a power counts as 0."""
INVERSE_BITS = 17
"""Bits behind the point of the inverse of a sum."""
INVERSE_INDEX_BITS, INVERSE_REST_BITS = 8, 9
"""Bits of a sum behind its leading one that choose a line of the table of inverses, and a place on it."""
MOST_SHIFT = 40
MOST_BITS = 30
"""Bits of the widest codes that the meaning on codes allows."""
MOST_CHANNELS = 1 << 16
"""Channels of the longest run."""


@dataclass(frozen=True, slots=True)
class Softmax(Op):
    """exp(x) / sum(exp(x)) over every one of `groups` equal runs of the channels of a pixel.

    The runs are what attention needs: channel = head * tokens + token.

    On codes results are integers in steps of 2^-F, F = `fraction` for the N channels of a run. With m the code of the
    run that stands for the greatest real, the greatest or (mult < 0) the least, and depths d = |m - x|:

        u = (d |mult| + half) >> shift        exp(x - m) = 2^-(u 2^-POWER_BITS), u = 2^POWER_BITS whole + rest
        p = 2^POWER_BITS 2^-rest              by a table of lines; whole is FAR at most
        S = sum((p << (SUM_BITS - POWER_BITS)) >> whole)
        r = 2^(k + INVERSE_BITS) 2^SUM_BITS / S, k the place of the leading one of S less SUM_BITS, by a table of lines
        y = (p r + half) >> (INVERSE_BITS + POWER_BITS - F + k + whole)

    A depth of exponent FAR or more gives 0, and a run of nothing else but its greatest entry 1 exactly. Results are off
    the real ones of the codes by half a step, and by 2^-14 and N 2^-SUM_BITS of their own size at most. So those of a
    run add up to 1 within N / 2 steps and as much, which is 2^-12 up to N = 2048.
    """

    treatment: ClassVar = Treatment.EXACT

    groups: int = 1
    mult: int = 0
    shift: int = 0

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        if x.channels % self.groups:
            raise ValueError(f"{x.channels} channels are no {self.groups} equal runs")
        if isinstance(x.fmt, Real):
            return x
        if x.codes.bits > MOST_BITS:
            raise ValueError(f"its input has {x.codes.bits} bits, a softmax takes up to {MOST_BITS}")
        if x.channels // self.groups > MOST_CHANNELS:
            raise ValueError(f"runs of {x.channels // self.groups} channels exceed {MOST_CHANNELS}")
        return TensorType(x.shape, Codes(0, 1 << self.fraction(x.channels)))

    def golden(self, args: Sequence[Array]) -> Array:
        (given,) = args
        x = given.reshape(*given.shape[:-1], self.groups, -1)
        if not np.issubdtype(x.dtype, np.integer):
            power = np.exp(x - x.max(axis=-1, keepdims=True))
            return np.asarray((power / power.sum(axis=-1, keepdims=True)).reshape(given.shape))
        x = x.astype(np.int64)
        depth = x - x.min(axis=-1, keepdims=True) if self.mult < 0 else x.max(axis=-1, keepdims=True) - x
        power, whole = self.power(depth)
        total = ((power << (SUM_BITS - POWER_BITS)) >> whole).sum(axis=-1, keepdims=True)
        inverse, places = inverse_sum(total)
        shift = INVERSE_BITS + POWER_BITS - self.fraction(given.shape[-1]) + places + whole
        y = (power * inverse + (np.int64(1) << (shift - 1))) >> shift
        return np.asarray(y.reshape(given.shape))

    def fraction(self, channels: int) -> int:
        """Bits behind the point of a result, of so many channels a pixel.

        Results are about 1 / N, so that longer runs have more of them; 12 bits of each remain.
        """
        run = channels // self.groups
        return min(MOST_FRACTION, max(LEAST_FRACTION, SHARE_FRACTION + (run - 1).bit_length()))

    def power(self, depth: Array) -> tuple[Array, Array]:
        """Of depths: 2^POWER_BITS 2^-rest, and whole, at most FAR."""
        exponent = (depth * abs(self.mult) + ((1 << self.shift) >> 1)) >> self.shift
        begin, fall = powers()
        line, rest = exponent >> POWER_REST_BITS, exponent & ((1 << POWER_REST_BITS) - 1)
        line &= (1 << POWER_INDEX_BITS) - 1
        return begin[line] - ((fall[line] * rest) >> POWER_REST_BITS), np.minimum(exponent >> POWER_BITS, FAR)

    def far(self, codes: Codes) -> int:
        """The least depth whose power counts as 0; one more than these codes have where none does."""
        most = codes.hi - codes.lo + 1
        if not self.mult:
            return most
        return min(most, -(-((FAR << (POWER_BITS + self.shift)) - ((1 << self.shift) >> 1)) // abs(self.mult)))

    def on_codes(self, args: Sequence[Line], types: Sequence[TensorType]) -> Self:
        scale = float(args[0].scale[0])
        factor = abs(scale) * log2(np.e)
        shift = min(MOST_SHIFT, max(0, 1 - frexp(factor)[1]))
        mult = round(min(factor * (1 << (POWER_BITS + shift)), FAR << POWER_BITS))
        return replace(self, mult=-mult if scale < 0 else mult, shift=shift)

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        (x,) = args
        if not x.is_uniform:
            return UNLIKE_CHANNELS
        if x.slack:
            return "its inputs are not exact"
        channels = types[0].channels
        return Line(np.full(channels, 2.0 ** -self.fraction(channels)), np.zeros(channels), 0.0)


@cache
def powers() -> tuple[Array, Array]:
    """Where lines of 2^-x begin and how far they fall, each (2^POWER_INDEX_BITS).

    Rounded down, as chords lie above the curve and what falls is rounded down too.
    """
    share = np.arange((1 << POWER_INDEX_BITS) + 1) / (1 << POWER_INDEX_BITS)
    points = np.floor((1 << POWER_BITS) * np.exp2(-share)).astype(np.int64)
    return points[:-1], points[:-1] - points[1:]


@cache
def inverses() -> tuple[Array, Array]:
    """Where lines of 1 / x begin and how far they fall between 1 and 2, each (2^INVERSE_INDEX_BITS); rounded down."""
    share = (1 << INVERSE_INDEX_BITS) + np.arange((1 << INVERSE_INDEX_BITS) + 1)
    points = (1 << (INVERSE_BITS + INVERSE_INDEX_BITS)) // share
    return points[:-1], points[:-1] - points[1:]


def inverse_sum(total: Array) -> tuple[Array, Array]:
    """2^(k + INVERSE_BITS) 2^SUM_BITS / total for totals of at least 2^SUM_BITS, and k.

    Off by less than 2^-15 of the result.
    """
    place, behind = leading_one(total, INVERSE_INDEX_BITS + INVERSE_REST_BITS)
    begin, fall = inverses()
    line, rest = behind >> INVERSE_REST_BITS, behind & ((1 << INVERSE_REST_BITS) - 1)
    return begin[line] - ((fall[line] * rest) >> INVERSE_REST_BITS), place - SUM_BITS
