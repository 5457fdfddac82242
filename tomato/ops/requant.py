"""Requant: narrow an accumulator to an activation. The only operator that loses information."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import ClassVar, Self

import numpy as np

from tomato.core.formats import Array, Codes, Tensor, requantise
from tomato.core.ir import Op, TensorType
from tomato.core.treatment import Treatment


@dataclass(frozen=True, slots=True)
class Requant(Op):
    """y = clamp((x * mult + bias) >> shift, lo, hi), mult and bias per channel.

    Bias, zero points, batch-norm, rounding half and ReLU (as lo and hi) are all in here.
    Codes only.

    nudges (channels, n, 2): before all this, an x that equals a nudge [x, d] of its channel moves by d = +1
    or -1; entries with d = 0 are unused. So it equals a rounding that is off this staircase at a few x, as
    ONNX Runtime's is where its float32 product rounds to a tie. None: no x moves.
    """

    treatment: ClassVar = Treatment.CODES

    mult: Tensor
    bias: Tensor
    shift: int
    lo: int
    hi: int
    nudges: Tensor | None = None

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        if not isinstance(x.fmt, Codes):
            raise ValueError("requant takes codes, not reals")
        if self.mult.shape != (x.channels,) or self.bias.shape != (x.channels,):
            raise ValueError(
                f"mult {self.mult.shape} and bias {self.bias.shape} must have one entry per channel ({x.channels})"
            )
        if self.shift < 0:
            raise ValueError(f"shift {self.shift} is negative")
        self._check_nudges(x.channels, x.fmt)
        return TensorType(x.shape, self.reach(x.fmt))

    def beside(self, columns: int) -> Self:
        nudges = self.nudges and self.nudges.repeated(columns)
        return replace(self, mult=self.mult.repeated(columns), bias=self.bias.repeated(columns), nudges=nudges)

    def reach(self, x: Codes) -> Codes:
        """The results that inputs in `x` can give: [lo, hi], or less where the inputs do not reach.

        Nudged inputs stay in `x`, so they give no others.
        """
        ends = np.stack([self.scaled(np.array(x.lo)), self.scaled(np.array(x.hi))])
        lo, hi = int(ends.min()), int(ends.max())
        return Codes(max(self.lo, min(lo, self.hi)), min(self.hi, max(hi, self.lo)))

    def scaled(self, x: Array) -> Array:
        """The result before clamping, for x broadcast against the channels."""
        return np.asarray((x * self.mult.values + self.bias.values) >> self.shift)

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        return requantise(self.nudged(x), self.mult.values, self.bias.values, self.shift, self.lo, self.hi)

    def nudged(self, x: Array) -> Array:
        """x of shape (..., channels), its neighbour where it equals a nudge."""
        if self.nudges is None:
            return x
        used = np.flatnonzero(self.nudges.values[:, :, 1].any(axis=1))
        few = x[..., used]
        step = np.zeros_like(few)
        for at, d in np.moveaxis(self.nudges.values[used], (1, 2), (0, 1)):
            step += d * (few == at)
        moved = x.copy()
        moved[..., used] += step
        return moved

    @property
    def nudged_sums(self) -> tuple[tuple[int, int], ...] | None:
        """The nudges as sums x * mult + bias, each with the step by which its shifted value moves.

        None where they are not the same sums in all channels. They are where channels have one scale: then a runtime
        rounds the same products to a tie, whatever was added to their accumulators.
        """
        if self.nudges is None:
            return ()
        at, steps = np.moveaxis(self.nudges.values, 2, 0)
        mult = self.mult.values[:, None]
        sums = at * mult + self.bias.values[:, None]
        moved = ((sums + steps * mult) >> self.shift) - (sums >> self.shift)
        of = {
            tuple(sorted((int(s), int(d)) for s, d in zip(*row, strict=True) if d))
            for row in zip(sums, steps, strict=True)
        }
        return of.pop() if len(of) == 1 and np.array_equal(moved, steps) else None

    def _check_nudges(self, channels: int, fmt: Codes) -> None:
        if self.nudges is None:
            return
        shape = self.nudges.shape
        if len(shape) != 3 or shape[0] != channels or shape[1] < 1 or shape[2] != 2:
            raise ValueError(f"nudges {shape} must be [x, d] pairs per channel ({channels})")
        at, d = np.moveaxis(self.nudges.values, 2, 0)
        if np.any(np.abs(d) > 1):
            raise ValueError("a nudge moves its input by more than 1")
        if np.any((d != 0) & ((np.minimum(at, at + d) < fmt.lo) | (np.maximum(at, at + d) > fmt.hi))):
            raise ValueError(f"a nudge leads out of {fmt}")
        if any(np.any((at[:, i] == at[:, j]) & (d[:, i] & d[:, j] != 0)) for i, j in combinations(range(shape[1]), 2)):
            raise ValueError("two nudges of a channel share an input")

    def __str__(self) -> str:
        nudges = "" if self.nudges is None else f" {np.count_nonzero(self.nudges.values[:, :, 1])} nudges"
        return f"requant<*{self.mult} +{self.bias} >>{self.shift} in {self.lo}..{self.hi}{nudges}>"
