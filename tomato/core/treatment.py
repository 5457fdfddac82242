"""How quantisation treats an operator, and what the codes of a value stand for, channel by channel."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Self

import numpy as np

from tomato.core.formats import Array

NEAR = 1e-6
"""Relative distance from an integer that the rounding of scales explains."""
UNLIKE_CHANNELS = "its input has another scale or zero point in every channel"
"""Why no line is left where values change their channels."""


class Treatment(Enum):
    """What an operator is to quantisation. Every operator says one.

    MOVES: the result's values are values of the arguments, so codes move as reals do. EXACT: integers in, exact
    integers out, which a requantisation behind narrows. REAL: of reals alone; the requantisation in front or a table
    computes it. CODES: of codes alone. CROSSES: from reals to codes or back.
    """

    MOVES = "moves"
    EXACT = "exact"
    REAL = "real"
    CODES = "codes"
    CROSSES = "crosses"


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """What codes stand for: code * scale + offset, scale and offset per channel.

    slack: steps that a code may lie off the one that stands for the real value exactly.
    """

    scale: Array
    offset: Array
    slack: float

    @classmethod
    def of(cls, scale: Array | float, zero: Array | float, channels: int) -> Self:
        """What codes stand for by scale and zero point, one number or one per channel."""
        step = np.broadcast_to(np.asarray(scale, dtype=np.float64), channels)
        return cls(step, -zero * step, 0.0)

    @property
    def is_uniform(self) -> bool:
        """Whether all channels are alike."""
        return not (np.any(self.scale != self.scale[0]) or np.any(self.offset != self.offset[0]))

    @property
    def zeros(self) -> Array:
        """What has to be added to the codes so that 0 stands for 0, per channel, a real number."""
        return self.offset / np.where(self.scale == 0, 1.0, self.scale)

    def code_of(self, real: float) -> int | None:
        """The code that stands for a real number, the same in all channels; None if there is none."""
        still = self.scale == 0
        codes = ((real - self.offset) / np.where(still, 1.0, self.scale))[~still]
        code = np.rint(codes[0]) if codes.size else 0.0
        if np.any(self.offset[still] != real) or np.any(np.abs(codes - code) > NEAR * max(1.0, abs(code))):
            return None
        return int(code)

    def picked(self, channels: Callable[[Array], Array]) -> Self:
        """The line of a value whose channels are some of this one's: `channels` picks them from an array of all."""
        return replace(self, scale=channels(self.scale), offset=channels(self.offset))

    def times(self, count: int) -> Self:
        """The line of a sum of `count` codes of each channel."""
        return replace(self, offset=self.offset * count, slack=self.slack * count)

    def shuffled(self, channels: int) -> Self | str:
        """The line where values change their channels, of which there are `channels` then; a reason if none is."""
        if not self.is_uniform:
            return UNLIKE_CHANNELS
        return self.picked(lambda v: np.full(channels, v[0]))

    @property
    def rising(self) -> "Line | str":
        """This line if codes are in the order of the reals, which choosing the greatest needs; else a reason."""
        return "its input has a negative scale" if np.any(self.scale <= 0) else self
