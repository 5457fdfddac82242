"""Multipliers and shifts of a requant."""

from dataclasses import dataclass

import numpy as np

from tomato.core.formats import Array, Codes, Tensor
from tomato.ops.requant import Requant

MOST_SHIFT = 40
"""Keeps every product and bias of 16-bit results within 62 bits."""
PRODUCT_BITS = 62


class WideError(ValueError):
    """A requantisation whose products or biases do not fit: what they would take."""


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
    """The grid nearest to real factors (or nearest above), its largest multiplier `mult_bits` wide.

    WideError if there are no such bits.
    """
    if mult_bits < 1:
        raise WideError(f"its sums leave no bit of {PRODUCT_BITS} for a multiplier")
    top = float(np.abs(factors).max(initial=0.0))
    if top == 0.0:
        return Grid(np.ones(factors.shape, dtype=np.int64), mult_bits)
    shift = int(np.clip(mult_bits - 1 - np.floor(np.log2(top)), 0, MOST_SHIFT))
    if np.log2(top) + shift >= PRODUCT_BITS:
        raise WideError(f"a step of its sums is {top:.3g} steps of its result")
    step = np.ceil if upwards else np.rint
    if shift and step(top * 2.0**shift) >= 1 << mult_bits:
        shift -= 1
    return Grid(step(factors * 2.0**shift).astype(np.int64), shift)


def make_requant(grid: Grid, *, zero: Array, target: Array, acc: Codes, clamp: Codes) -> Requant:
    """round((acc - zero) * grid + target) in `clamp`, halves upwards, for accumulators in `acc`.

    zero: the accumulator (per channel) of a real 0. target: the output code (a real number, per channel) there; it
    counts only as far as some accumulator leads from it into `clamp`. WideError if that exceeds 62 bits.
    """
    mult, shift = grid.mult, grid.shift
    half = (1 << shift) >> 1
    spans = [max(abs(acc.lo - int(z)), abs(acc.hi - int(z))) for z in zero]
    reach = np.abs(mult) * np.array(spans, dtype=np.float64) / 2.0**shift + 1
    wide = np.rint(np.clip(target, clamp.lo - reach, clamp.hi + reach) * 2.0**shift)
    most = float((np.abs(wide) + reach * 2.0**shift).max()) + half
    if most >= 2.0**PRODUCT_BITS:
        raise WideError(f"its products take {int(np.log2(most)) + 1} bits, {PRODUCT_BITS} are the most")
    bias = wide.astype(np.int64) - zero * mult + half
    while shift and not np.any(mult & 1):  # floor(floor(v / 2) / 2**k) = floor(v / 2**(k + 1))
        mult, bias, shift = mult >> 1, bias >> 1, shift - 1
    return Requant(Tensor(mult), Tensor(bias), shift, clamp.lo, clamp.hi)
