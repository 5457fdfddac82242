"""Engines that multiply by one tensor of weights, kept in one memory."""

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import TypeVar

from tomato.core.formats import Codes, Tensor
from tomato.core.forms import Cell
from tomato.core.ir import Op
from tomato.engines.base import Unit
from tomato.engines.parts import dot
from tomato.hardware.memory import Ram, Source, Store, rom_cost
from tomato.targets import Resources

OpT = TypeVar("OpT", bound=Op)
WEIGHTS = "MemFile"
"""The parameter that names the file of the weights."""


class WeightedUnit(Unit[OpT]):
    """Its knob `weight_ram` says in which memory the weights are; the bitstream cannot fill UltraRAM."""

    @property
    def weight(self) -> Tensor:
        """The weights."""
        (weight,) = self.op.weights.values()
        return weight

    @property
    def field(self) -> int:
        """Bits of a weight as it is stored."""
        return dot.field_bits(self.weight, self.knobs)

    @property
    def weight_format(self) -> str:
        cell = Cell(self.knobs["cell"])
        assert isinstance(self.weight.fmt, Codes)
        return str(self.weight.fmt.full) if cell == Cell.FIXED else f"{cell.label}{self.field}"

    @property
    def weight_bits(self) -> int:
        return self.weight.values.size * self.field

    @property
    @abstractmethod
    def words(self) -> int:
        """Words that hold the weights, one a cycle."""

    @cached_property
    def stores(self) -> Mapping[str, Store]:
        kind = Ram(self.knobs["weight_ram"])
        bits = self.multipliers * self.field
        return {WEIGHTS: Store(kind, self.words, bits, Source.LOADER if kind == Ram.ULTRA else Source.BITSTREAM)}

    @property
    def store_cost(self) -> Resources:
        """What the memory of the weights takes."""
        return rom_cost(self.stores[WEIGHTS], self.target)
