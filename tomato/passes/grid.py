"""Multipliers and shifts of a requant."""

from dataclasses import dataclass

import numpy as np

from tomato.formats import Array, Codes, Tensor
from tomato.ops.requant import Requant

MOST_SHIFT = 40
"""Keeps every product and bias of 16-bit results within 62 bits."""
PRODUCT_BITS = 62


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Output codes per accumulator unit, mult / 2**shift, per channel."""

    mult: Array
    shift: int

    @property
    def real(self) -> Array:
        """The factors as real numbers."""
        return self.mult / 2.0**self.shift


def fit_grid(factors: Array, mult_bits: int, *, upwards: bool = False) -> Grid:
    """The grid nearest to real factors (or nearest above), its largest multiplier `mult_bits` wide."""
    top = float(np.abs(factors).max(initial=0.0))
    if top == 0.0:
        return Grid(np.ones(factors.shape, dtype=np.int64), mult_bits)
    shift = int(np.clip(mult_bits - 1 - np.floor(np.log2(top)), 0, MOST_SHIFT))
    step = np.ceil if upwards else np.rint
    if shift and step(top * 2.0**shift) >= 1 << mult_bits:
        shift -= 1
    return Grid(step(factors * 2.0**shift).astype(np.int64), shift)


def make_requant(grid: Grid, *, zero: Array, target: Array, acc: Codes, clamp: Codes) -> Requant:
    """round((acc - zero) * grid + target) in `clamp`, halves upwards, for accumulators in `acc`.

    zero: the accumulator (per channel) of a real 0. target: the output code (a real number, per channel) there.
    """
    mult, shift = grid.mult, grid.shift
    half = (1 << shift) >> 1
    wide = np.rint(target * 2.0**shift)
    assert np.all(np.abs(wide) < 2.0**PRODUCT_BITS), "a requant's bias exceeds 62 bits"
    bias = wide.astype(np.int64) - zero * mult + half
    reach = [int(m) * end + int(b) for m, b in zip(mult, bias, strict=True) for end in (acc.lo, acc.hi)]
    assert max(map(abs, reach)) < 1 << PRODUCT_BITS, "a requant's product exceeds 62 bits"
    while shift and not np.any(mult & 1):  # floor(floor(v / 2) / 2**k) = floor(v / 2**(k + 1))
        mult, bias, shift = mult >> 1, bias >> 1, shift - 1
    return Requant(Tensor(mult), Tensor(bias), shift, clamp.lo, clamp.hi)
