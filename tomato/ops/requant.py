"""Requant: narrow an accumulator to an activation. The only operator that loses information."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tomato.formats import Array, Codes, Tensor, requantise
from tomato.ir import Op, TensorType


@dataclass(frozen=True, slots=True)
class Requant(Op):
    """y = clamp((x * mult + bias) >> shift, lo, hi), mult and bias per channel.

    Bias, zero points, batch-norm, rounding half and ReLU (as lo and hi) are all in here.
    Codes only.
    """

    mult: Tensor
    bias: Tensor
    shift: int
    lo: int
    hi: int

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
        return TensorType(x.shape, self.reach(x.fmt))

    def reach(self, x: Codes) -> Codes:
        """The results that inputs in `x` can give: [lo, hi], or less where the inputs do not reach."""
        ends = np.stack([self.scaled(np.array(x.lo)), self.scaled(np.array(x.hi))])
        lo, hi = int(ends.min()), int(ends.max())
        return Codes(max(self.lo, min(lo, self.hi)), min(self.hi, max(hi, self.lo)))

    def scaled(self, x: Array) -> Array:
        """The result before clamping, for x broadcast against the channels."""
        return np.asarray((x * self.mult.values + self.bias.values) >> self.shift)

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        return requantise(x, self.mult.values, self.bias.values, self.shift, self.lo, self.hi)

    def __str__(self) -> str:
        return f"requant<*{self.mult} +{self.bias} >>{self.shift} in {self.lo}..{self.hi}>"
