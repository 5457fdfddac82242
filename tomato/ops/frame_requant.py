"""FrameRequant: narrow an accumulator by constants that differ from pixel to pixel."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tomato.core.formats import Array, Codes, Tensor, requantise
from tomato.core.ir import Op, TensorType
from tomato.core.treatment import Treatment


@dataclass(frozen=True, slots=True)
class FrameRequant(Op):
    """y = clamp((x * mult + bias) >> shift, lo, hi), mult and bias per place of the frame.

    Both have the shape (height or 1, width or 1, channels or 1). Codes only. Positional embeddings, anchors and
    divisors of windows that lie partly outside are in here.
    """

    treatment: ClassVar = Treatment.CODES

    mult: Tensor
    bias: Tensor
    shift: int
    lo: int
    hi: int

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        if not isinstance(x.fmt, Codes):
            raise ValueError("a requant takes codes, not reals")
        for name, constant in (("mult", self.mult), ("bias", self.bias)):
            shape = constant.shape
            if len(shape) != 3 or any(n not in (1, m) for n, m in zip(shape, x.shape, strict=True)):
                raise ValueError(f"{name} {shape} does not suit a frame of {x.shape}")
        if self.shift < 0:
            raise ValueError(f"shift {self.shift} is negative")
        ends = np.stack([self.scaled(np.array(end)) for end in (x.fmt.lo, x.fmt.hi)])
        lo, hi = int(ends.min()), int(ends.max())
        return TensorType(x.shape, Codes(max(self.lo, min(lo, self.hi)), min(self.hi, max(hi, self.lo))))

    def scaled(self, x: Array) -> Array:
        """The result before clamping, for x broadcast against the frame."""
        return np.asarray((x * self.mult.values + self.bias.values) >> self.shift)

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        return requantise(x, self.mult.values, self.bias.values, self.shift, self.lo, self.hi)

    def __str__(self) -> str:
        return f"framerequant<*{self.mult} +{self.bias} >>{self.shift} in {self.lo}..{self.hi}>"
