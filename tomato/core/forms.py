"""Forms of weights: how integer weights are stored and multiplied, derived from the values alone.

A form represents integers exactly in few bits, and says which cell of hw/rtl multiplies them by an input.
The codes of a form are 0 .. 2**bits - 1; `decode` defines their values, everything else follows from it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import ClassVar

import numpy as np

from tomato.core.formats import Array, Codes, Tensor

CODEBOOK_VALUES = 16
"""The longest table: its index is one input short of a LUT's."""
EXPONENTS = 16
"""Exponents that are looked for: weights have up to 16 bits."""
FOCUSED_VALUES = 2 * (2 * EXPONENTS + 1)
"""Different values that two means with signed powers of two around them can make."""


class Cell(IntEnum):
    """What multiplies a weight by an input; the numbers are those of the parameter Cell in hw/rtl."""

    FIXED = 0
    BINARY = 1
    TERNARY = 2
    SHIFT = 3
    FOCUSED = 4
    CODEBOOK = 5

    @property
    def label(self) -> str:
        """The name that plan.toml and the tables show."""
        return self.name.lower()


class Form(ABC):
    """A code for weights. `constants`: what the cell needs to know besides the codes, see hw/rtl/parts/tom_dot.sv."""

    cell: ClassVar[Cell]

    @property
    def name(self) -> str:
        """What plan.toml calls it."""
        return self.cell.label

    @property
    @abstractmethod
    def bits(self) -> int:
        """Bits stored per weight."""

    @property
    def constants(self) -> tuple[int, ...]:
        """Integers that are the same for all weights of the layer."""
        return ()

    @abstractmethod
    def decode(self, fields: Array) -> Array:
        """The values of codes. Two codes may have the same value."""

    def encode(self, values: Array) -> Array:
        """The least code of each value, non-negative. Raises ValueError for a value that has none."""
        table = self.decode(np.arange(1 << self.bits))
        codes = np.argsort(table, kind="stable")
        found = codes[np.minimum(np.searchsorted(table[codes], values), len(codes) - 1)]
        if (wrong := values[table[found] != values]).size:
            raise ValueError(f"{wrong.flat[0]} has no code in {self}")
        return np.asarray(found)

    @property
    def filler(self) -> int:
        """A value for places that no weight takes: 0 if it has a code."""
        table = self.decode(np.arange(1 << self.bits))
        return 0 if (table == 0).any() else int(table[0])


@dataclass(frozen=True)
class Fixed(Form):
    """Two's complement."""

    width: int
    cell: ClassVar[Cell] = Cell.FIXED

    @property
    def bits(self) -> int:
        return self.width

    def decode(self, fields: Array) -> Array:
        return np.asarray(fields - (fields >> (self.bits - 1) << self.bits))

    def encode(self, values: Array) -> Array:
        fields = values & ((1 << self.bits) - 1)
        if (wrong := values[self.decode(fields) != values]).size:
            raise ValueError(f"{wrong.flat[0]} has no code in {self}")
        return np.asarray(fields)


@dataclass(frozen=True)
class Binary(Form):
    """-1 or +1: the bit says plus."""

    bits: ClassVar[int] = 1
    cell: ClassVar[Cell] = Cell.BINARY

    def decode(self, fields: Array) -> Array:
        return np.asarray(2 * fields - 1)


@dataclass(frozen=True)
class Ternary(Form):
    """-1, 0 or +1: the low bit says not zero, the high one minus. Two's complement where it matters."""

    bits: ClassVar[int] = 2
    cell: ClassVar[Cell] = Cell.TERNARY

    def decode(self, fields: Array) -> Array:
        return np.where(fields & 1, 1 - (fields & 2), 0)


@dataclass(frozen=True)
class Shift(Form):
    """0 or +-2**(base + e), 0 <= e < exponents: a sign bit above the exponent, whose highest code means zero."""

    base: int
    exponents: int
    cell: ClassVar[Cell] = Cell.SHIFT

    @property
    def bits(self) -> int:
        return 1 + self.exponents.bit_length()

    @property
    def constants(self) -> tuple[int, ...]:
        return (self.base,)

    def decode(self, fields: Array) -> Array:
        zero = (1 << (self.bits - 1)) - 1
        exponent = fields & zero
        return np.where(exponent == zero, 0, (1 - (fields >> (self.bits - 1) << 1)) << (self.base + exponent))


@dataclass(frozen=True)
class Focused(Form):
    """A mean plus 0 or +-2**(base + e): a bit above the code of the shift selects one of two means.

    Recentralised weights (Zhao et al., "Focused Quantization for Sparse CNNs", NeurIPS 2019). A mean is 0 or a
    power of two with a sign.
    """

    shift: Shift
    means: tuple[int, int]
    cell: ClassVar[Cell] = Cell.FOCUSED

    @property
    def bits(self) -> int:
        return 1 + self.shift.bits

    @property
    def constants(self) -> tuple[int, ...]:
        return (*self.shift.constants, *self.means)

    def decode(self, fields: Array) -> Array:
        below = self.shift.decode(fields & ((1 << self.shift.bits) - 1))
        return np.asarray(below + np.array(self.means)[fields >> self.shift.bits])


@dataclass(frozen=True)
class Codebook(Form):
    """An index into a table of few values."""

    values: tuple[int, ...]
    cell: ClassVar[Cell] = Cell.CODEBOOK

    @property
    def bits(self) -> int:
        return max(1, (len(self.values) - 1).bit_length())

    @property
    def constants(self) -> tuple[int, ...]:
        return self.values

    def decode(self, fields: Array) -> Array:
        return np.array(self.values)[np.minimum(fields, len(self.values) - 1)]


def forms(values: Array) -> tuple[Form, ...]:
    """Every form that represents all the integers exactly, two's complement first."""
    return tuple(_forms(np.unique(values)))


@lru_cache(maxsize=1024)
def forms_of(weight: Tensor) -> tuple[Form, ...]:
    """The forms of a constant."""
    return forms(weight.values)


def form_of(weight: Tensor, cell: Cell) -> Form:
    """The form of a constant that suits a cell; there must be one."""
    (found,) = (form for form in forms_of(weight) if form.cell == cell)
    return found


def _forms(distinct: Array) -> Iterator[Form]:
    """The forms of sorted, different values."""
    yield Fixed(Codes(min(-1, int(distinct[0])), max(0, int(distinct[-1]))).bits)
    if np.isin(distinct, (-1, 1)).all():
        yield Binary()
    if np.isin(distinct, (-1, 0, 1)).all():
        yield Ternary()
    if shift := _shift(distinct):
        yield shift
    if focused := _focused(distinct):
        yield focused
    if len(distinct) <= CODEBOOK_VALUES:
        yield Codebook(tuple(distinct.tolist()))


def _shift(distinct: Array) -> Shift | None:
    sizes = np.abs(distinct[distinct != 0])
    if not sizes.size or (sizes & (sizes - 1)).any():
        return None
    least, most = int(sizes.min()).bit_length() - 1, int(sizes.max()).bit_length() - 1
    return Shift(least, most - least + 1)


def _focused(distinct: Array) -> Focused | None:
    """The means and the base that need the fewest exponents; of several the first, small means before large ones."""
    if len(distinct) > FOCUSED_VALUES:
        return None
    powers = 1 << np.arange(int(np.abs(distinct).max()).bit_length() + 1)
    means = np.array([0, *np.stack([-powers, powers], axis=1).ravel()])
    first, second = np.triu_indices(len(means), 1)
    exponent = _exponents(distinct[None, :] - means[:, None])
    best: tuple[int, int, int] | None = None
    for base in range(EXPONENTS):
        fit = np.where((0 <= exponent) & (exponent < base), EXPONENTS + 1, exponent)
        last = np.minimum(fit[first], fit[second]).max(axis=1)
        pair = int(last.argmin())
        count = max(1, int(last[pair]) - base + 1)
        if last[pair] <= EXPONENTS and (best is None or count < best[0]):
            best = count, base, pair
    if best is None:
        return None
    low, high = sorted((int(means[first[best[2]]]), int(means[second[best[2]]])))
    return Focused(Shift(best[1], best[0]), (low, high))


def _exponents(residues: Array) -> Array:
    """Logarithms of magnitudes; -1 for zero, more than EXPONENTS for what is no power of two."""
    sizes = np.abs(residues)
    exact = np.log2(np.maximum(sizes, 1)).astype(np.int64)
    return np.where(sizes == 0, -1, np.where(sizes & (sizes - 1), EXPONENTS + 1, exact))
