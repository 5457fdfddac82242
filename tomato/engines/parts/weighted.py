"""Engines that multiply by one tensor of weights, most of them kept in one memory."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from functools import cached_property
from typing import ClassVar, Self, TypeVar

from tomato.core.formats import Codes, Tensor
from tomato.core.forms import Cell
from tomato.core.ir import Op
from tomato.engines.base import Knobs, Site, Unit
from tomato.engines.parts import dot
from tomato.hardware.memory import Ram, Source, Store, rom_cost
from tomato.targets import Resources

OpT = TypeVar("OpT", bound=Op)
WEIGHTS = "MemFile"
"""The parameter that names the file of the weights."""


class ArrayUnit(Unit[OpT]):
    """An array of multipliers, wherever its weights come from."""

    @classmethod
    @abstractmethod
    def factors(cls, site: Site[OpT]) -> Codes:
        """The codes that the weights are multiplied by."""

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


class WeightedUnit(ArrayUnit[OpT]):
    """Its knob `weight_ram` says in which memory the weights are; the bitstream cannot fill UltraRAM.

    loads: whether the loader fills it, so that they may be there.
    """

    loads: ClassVar[bool] = True

    @classmethod
    def shares(cls, site: Site[OpT]) -> bool:
        """Whether filters see the same inputs, so that they may share multipliers."""
        return True

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
    @abstractmethod
    def bare(self) -> Resources:
        """What one instance takes without the memory of its weights, by a formula."""

    @property
    def formula(self) -> Resources:
        return self.bare + rom_cost(self.stores[WEIGHTS], self.target)

    @classmethod
    @abstractmethod
    def shapes(cls, site: Site[OpT], offers: Iterable[Knobs]) -> Iterator[Self]:
        """Every sensible unrolling with each setting of `cell` and `pack`, before the kind of memory is chosen."""

    @classmethod
    def units(cls, site: Site[OpT]) -> Iterator[Self]:
        (weight,) = site.op.weights.values()
        return cls._stored(site, dot.offers(weight, cls.factors(site), site.target, shared=cls.shares(site)))

    @classmethod
    def _stored(cls, site: Site[OpT], offers: Iterable[Knobs]) -> Iterator[Self]:
        for shape in cls.shapes(site, offers):
            for kind in dot.rams(shape.words):
                if cls.loads or kind != Ram.ULTRA:
                    yield shape.stored(kind)

    @classmethod
    def portable(cls, site: Site[OpT], knobs: Knobs) -> Iterator[Knobs]:
        """Filters may share a multiplier as they do on other boards."""
        (weight,), pack = site.op.weights.values(), knobs["pack"]
        known = dot.packs(weight, cls.factors(site), site.target)
        if not cls.shares(site) or pack in known or not 1 < pack <= dot.most_packed(weight, cls.factors(site)):
            return iter(())
        return (unit.knobs for unit in cls._stored(site, [{"cell": Cell.FIXED, "pack": pack}]))

    @classmethod
    def choices(cls, site: Site[OpT]) -> Iterator[Knobs]:
        return (unit.knobs for unit in cls.units(site))

    def stored(self, kind: Ram) -> Self:
        """The same unit with its weights in a kind of memory; what was found out about it stays known."""
        stored = copy(self)
        stored.__dict__["bare"] = self.bare  # found out once for all kinds
        stored.knobs = {**self.knobs, "weight_ram": kind}
        return stored
