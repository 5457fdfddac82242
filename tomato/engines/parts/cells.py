"""The cells of tom_dot: which ones can multiply a layer's weights, what its words hold, what a cell costs."""

from functools import lru_cache
from math import ceil

import numpy as np

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.forms import Cell, Codebook, Focused, Form, Shift, form_of, forms_of
from tomato.engines.base import Knobs
from tomato.hardware.netlist import Memory, uniform_memory
from tomato.targets import Resources, Target

CONSTANT_BITS = 32
"""Width of each constant of a form in the parameter Constants."""
MULTIPLIERS = (Cell.FIXED, Cell.CODEBOOK)
"""Cells that have a multiplier, in a DSP block or in LUTs; the others add and shift."""


def form(weight: Tensor, knobs: Knobs) -> Form:
    """The form in which the chosen cell wants the weights."""
    return form_of(weight, Cell(knobs["cell"]))


def offers(weight: Tensor, packs: list[int]) -> list[Knobs]:
    """Every setting of `cell` and `pack` worth trying; `packs` are those of a multiplier in two's complement.

    A cell is left out where a simpler one suits as well, and where its codes are wider than two's complement. Where
    weights are signs, multipliers in LUTs are left out: they are larger, see docs/arithmetic.md.
    """
    known = {f.cell: f for f in forms_of(weight)}
    simpler = {
        Cell.TERNARY: {Cell.BINARY},
        Cell.SHIFT: {Cell.BINARY, Cell.TERNARY},
        Cell.FOCUSED: {Cell.BINARY, Cell.TERNARY, Cell.SHIFT},
        Cell.CODEBOOK: {Cell.BINARY, Cell.TERNARY, Cell.SHIFT},
    }
    fixed = known.pop(Cell.FIXED)
    found: list[Knobs] = []
    for cell, other in known.items():
        narrow = other.bits < fixed.bits or (other.bits == fixed.bits and cell not in MULTIPLIERS)
        if narrow and not simpler.get(cell, set()) & set(known):
            found += [{"cell": cell, "pack": pack} for pack in ((0, 1) if cell in MULTIPLIERS else (0,))]
    signs = any(knobs["cell"] in (Cell.BINARY, Cell.TERNARY) for knobs in found)
    return [{"cell": Cell.FIXED, "pack": pack} for pack in packs if pack or not signs] + found


def fills(weight: Tensor, knobs: Knobs, inputs: int, lanes: int) -> bool:
    """Whether `inputs` channels can be spread over `lanes`: lanes without a channel need a weight of 0."""
    return inputs % lanes == 0 or zero(weight, knobs)


def zero(weight: Tensor, knobs: Knobs) -> bool:
    """Whether the cell has a weight of 0, for lanes that have nothing to do."""
    return filler(form(weight, knobs)) == 0


@lru_cache
def filler(chosen: Form) -> int:
    """The weight of places that no weight takes."""
    return chosen.filler


def memory(words: Array, weight: Tensor, knobs: Knobs) -> Memory:
    """Weight words as the memory of a cell that is not packed."""
    chosen = form(weight, knobs)
    return uniform_memory(chosen.encode(words), chosen.bits, ram=knobs["weight_ram"])


def constants(weight: Tensor, knobs: Knobs) -> int:
    """The parameter Constants: the first one in the low bits, two's complement. Tables are full to the end."""
    chosen = form(weight, knobs)
    values = chosen.constants
    if isinstance(chosen, Codebook):
        values = tuple(chosen.decode(np.arange(1 << chosen.bits)).tolist())
    mask = (1 << CONSTANT_BITS) - 1
    return sum((v & mask) << (i * CONSTANT_BITS) for i, v in enumerate(values))


def selects(knobs: Knobs, *, shared: bool) -> bool:
    """Whether tom_dot adds up the inputs that meet a weight of +1 (tom_cells_binary), instead of products."""
    return knobs["cell"] == Cell.BINARY and shared


def terms(inputs: int, x: Codes, knobs: Knobs, *, shared: bool) -> int:
    """Leaves of each adder tree: products, or counts of eighteen bits."""
    return ceil(inputs / 18) if selects(knobs, shared=shared) and x.bits == 1 else inputs


def binary_cost(inputs: int, outputs: int, x: Codes, acc: Codes, target: Target) -> tuple[Resources, int]:
    """Inputs selected by registers that are cleared, or counts of bits; the ends of all sums; the width of a term."""
    sums, operands = outputs + 1, Resources(ff=inputs * outputs)
    ends = Resources(lut=acc.bits, ff=acc.bits) + Resources(lut=acc.bits) * outputs
    if x.bits > 1:
        select = target.luts.selected_terms(x.bits * inputs * sums)
        return operands + ends + Resources(lut=select, ff=x.bits * inputs * (sums + 1)), x.bits
    three, eighteen = ceil(inputs / 3) * sums, ceil(inputs / 18) * sums
    return operands + ends + Resources(lut=target.luts.bit_counts(three, eighteen), ff=2 * three + 5 * eighteen), 5


def cost(
    inputs: int, outputs: int, weight: Tensor, x: Codes, product: int, knobs: Knobs, target: Target, *, shared: bool
) -> Resources:
    """The cells of signs and shifts, from the words of weights and inputs to the terms of the adder tree."""
    products, codes, chosen = inputs * outputs, inputs if shared else inputs * outputs, form(weight, knobs)
    negate = Resources(lut=target.luts.negation(x.bits), ff=2 * x.bits + 2) * codes
    signs = knobs["cell"] in (Cell.BINARY, Cell.TERNARY)
    luts = products * (max(1, product - 3 + chosen.bits) if signs else shifter(chosen, x, product))
    made = Resources(lut=target.luts.multiplexed(luts), ff=products * (0 if signs else product))
    return negate + Resources(ff=products * chosen.bits) * (2 if signs else 1) + made


def shifter(chosen: Form, x: Codes, product: int) -> int:
    """LUTs of one shifter, and of the adder of its mean.

    The sign and one bit of the exponent share LUTs, each further bit takes a row. A register clears what is zero,
    unless a mean is to be added: then selectors of four ways have no input left for it.
    """
    shift = chosen.shift if isinstance(chosen, Focused) else chosen
    assert isinstance(shift, Shift)
    exponent, power = shift.bits - 1, x.bits + shift.exponents
    luts = power + max(0, (x.bits + 1) * (exponent - 1) - 2)
    if not isinstance(chosen, Focused):
        return luts
    full = power if exponent > 2 else 0
    lowest = min(abs(mean) for mean in chosen.means if mean) >> shift.base
    return luts + full + max(0, product - shift.base - lowest.bit_length() + 1)


def least_luts(weight: Tensor, x: Codes) -> float:
    """A bound from below on the LUTs of a product, whatever its cell: those of its adder alone, or of its count."""
    adders = {f.cell for f in forms_of(weight)} & {Cell.BINARY, Cell.TERNARY, Cell.SHIFT, Cell.FOCUSED}
    if not adders:
        return float("inf")
    return 1.0 if Cell.BINARY in adders and x.bits == 1 else float(x.bits)
