"""The cells of tom_dot: which ones can multiply a layer's weights, what its words hold, what a cell costs."""

from math import ceil

import numpy as np

from tomato.engines.base import Knobs
from tomato.formats import Array, Codes, Tensor
from tomato.forms import Cell, Codebook, Focused, Form, Shift, form_of, forms_of
from tomato.netlist import Memory, uniform_memory
from tomato.targets import Resources

CONSTANT_BITS = 32
"""Width of each constant of a form in the parameter Constants."""
MULTIPLIERS = (Cell.FIXED, Cell.CODEBOOK)
"""Cells that have a multiplier, in a DSP block or in LUTs; the others add and shift."""


def form(weight: Tensor, knobs: Knobs) -> Form:
    """The form in which the chosen cell wants the weights."""
    return form_of(weight, Cell(knobs["cell"]))


def offers(weight: Tensor, packs: list[int]) -> list[Knobs]:
    """Every setting of `cell` and `pack` worth trying; `packs` are those of a multiplier in two's complement.

    A cell is left out where a simpler one suits as well, and where its codes are wider than two's complement.
    """
    known = {f.cell: f for f in forms_of(weight)}
    simpler = {
        Cell.TERNARY: {Cell.BINARY},
        Cell.SHIFT: {Cell.BINARY, Cell.TERNARY},
        Cell.FOCUSED: {Cell.BINARY, Cell.TERNARY, Cell.SHIFT},
        Cell.CODEBOOK: {Cell.BINARY, Cell.TERNARY, Cell.SHIFT},
    }
    fixed = known.pop(Cell.FIXED)
    found: list[Knobs] = [{"cell": Cell.FIXED, "pack": pack} for pack in packs]
    for cell, other in known.items():
        narrow = other.bits < fixed.bits or (other.bits == fixed.bits and cell not in MULTIPLIERS)
        if narrow and not simpler.get(cell, set()) & set(known):
            found += [{"cell": cell, "pack": pack} for pack in ((0, 1) if cell in MULTIPLIERS else (0,))]
    return found


def fills(weight: Tensor, knobs: Knobs, inputs: int, lanes: int) -> bool:
    """Whether `inputs` channels can be spread over `lanes`: lanes without a channel need a weight of 0."""
    return inputs % lanes == 0 or form(weight, knobs).filler == 0


def memory(words: Array, weight: Tensor, knobs: Knobs) -> Memory:
    """Weight words as the memory of a cell that is not packed."""
    chosen = form(weight, knobs)
    return uniform_memory(chosen.encode(words), chosen.bits)


def constants(weight: Tensor, knobs: Knobs) -> int:
    """The parameter Constants: the first one in the low bits, two's complement. Tables are full to the end."""
    values = form(weight, knobs).constants
    if isinstance(form(weight, knobs), Codebook):
        values = tuple(form(weight, knobs).decode(np.arange(1 << form(weight, knobs).bits)).tolist())
    mask = (1 << CONSTANT_BITS) - 1
    return sum((v & mask) << (i * CONSTANT_BITS) for i, v in enumerate(values))


def selects(knobs: Knobs, *, shared: bool) -> bool:
    """Whether tom_dot adds up the inputs that meet a weight of +1 (tom_cells_binary), instead of products."""
    return knobs["cell"] == Cell.BINARY and shared


def terms(inputs: int, x: Codes, knobs: Knobs, *, shared: bool) -> int:
    """Leaves of each adder tree: products, or counts of eighteen bits."""
    return ceil(inputs / 18) if selects(knobs, shared=shared) and x.bits == 1 else inputs


def binary_cost(inputs: int, outputs: int, x: Codes, acc: Codes) -> tuple[Resources, int]:
    """Selected inputs, or their counts, and the end of all sums; and how wide the terms are."""
    sums, operands = outputs + 1, Resources(ff=inputs * outputs)
    ends = Resources(lut=acc.bits, ff=acc.bits) + Resources(lut=acc.bits) * outputs
    if x.bits > 1:
        return operands + ends + Resources(ff=x.bits) * (inputs * sums) + Resources(ff=x.bits * inputs), x.bits
    counts = Resources(lut=2, ff=2) * (ceil(inputs / 3) * sums) + Resources(lut=10, ff=5) * (ceil(inputs / 18) * sums)
    return operands + ends + counts, 5


def cost(inputs: int, outputs: int, weight: Tensor, x: Codes, product: int, knobs: Knobs, *, shared: bool) -> Resources:
    """The cells of signs and shifts, from the words of weights and inputs to the terms of the adder tree."""
    products, codes, bits = inputs * outputs, inputs if shared else inputs * outputs, form(weight, knobs).bits
    negate = Resources(lut=x.bits + 1, ff=2 * x.bits + 2) * codes
    operands = Resources(ff=products * bits)
    if knobs["cell"] in (Cell.BINARY, Cell.TERNARY):
        return negate + operands * 2 + Resources(lut=product) * products
    return negate + operands + Resources(lut=shifter(form(weight, knobs), product), ff=product) * products


def shifter(chosen: Form, product: int) -> int:
    """LUTs of one shifter, and of the adder of its mean."""
    shift = chosen.shift if isinstance(chosen, Focused) else chosen
    assert isinstance(shift, Shift)
    steps = ceil((shift.bits - 1) / 2)
    return steps * product + (product if isinstance(chosen, Focused) else 0)


def least_luts(weight: Tensor, x: Codes) -> float:
    """A bound from below on the LUTs of a product, whatever its cell: those of its adder alone, or of its count."""
    adders = {f.cell for f in forms_of(weight)} & {Cell.BINARY, Cell.TERNARY, Cell.SHIFT, Cell.FOCUSED}
    if not adders:
        return float("inf")
    return 1.0 if Cell.BINARY in adders and x.bits == 1 else float(x.bits)
