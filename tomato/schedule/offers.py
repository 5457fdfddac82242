"""The options of every node, and which of them are worth a thought at an interval."""

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import overload

import numpy as np

from tomato.core.formats import Array
from tomato.engines.base import AnyUnit
from tomato.schedule.plan import Choice
from tomato.targets import Resources


@dataclass(frozen=True)
class Option:
    """One way to build a node, with its cost, and its cycles for each frame of the network."""

    unit: AnyUnit
    cycles: int
    cost: Resources

    @classmethod
    def of(cls, unit: AnyUnit, rate: float = 1.0) -> "Option":
        """A unit as an option, where it takes that share of the frames."""
        return cls(unit, ceil(unit.interval.guaranteed * rate), unit.cost)

    @cached_property
    def choice(self) -> Choice:
        """What a plan says of it."""
        return Choice(self.unit.stem, self.unit.knobs)


class Offer(Sequence[Option]):
    """The options of one node, fastest first, without those that another one matches or beats in all respects."""

    def __init__(self, options: Iterable[Option]) -> None:
        every = sorted(options, key=lambda option: option.cycles)
        rows = np.array([(o.cycles, *o.cost) for o in every], dtype=np.int64).reshape(len(every), -1)
        self._options = [every[i] for i in sorted(unbeaten(rows))]
        self._costs = np.array([o.cost for o in self._options], dtype=np.int64).reshape(len(self._options), -1)
        self._cycles = [o.cycles for o in self._options]
        self._within: dict[int, list[Option]] = {}

    def within(self, interval: int) -> list[Option]:
        """Those of at most `interval` cycles, without those that another of them matches or beats in every resource."""
        count = bisect_right(self._cycles, interval)
        if count not in self._within:
            self._within[count] = [self._options[i] for i in unbeaten(self._costs[:count])]
        return self._within[count]

    @overload
    def __getitem__(self, index: int) -> Option: ...
    @overload
    def __getitem__(self, index: slice) -> list[Option]: ...
    def __getitem__(self, index: int | slice) -> Option | list[Option]:
        return self._options[index]

    def __len__(self) -> int:
        return len(self._options)


Offers = Mapping[str, Offer]
"""The options of every node, by its name."""
Kept = dict[Hashable, Offer]
"""Offers by operator, types, rate and board: equal nodes have equal offers, whatever network they are in.

Units of such an offer were made for the first of these nodes: only its name and those of its arguments are another's.
"""


def unbeaten(rows: Array) -> list[int]:
    """The rows that no other one matches or beats in every column, in ascending order; of equal ones the first."""
    order = np.lexsort(rows.T[::-1])
    ascending = rows[order]
    matched = np.ones((len(rows), len(rows)), dtype=bool)  # [i, j]: i matches or beats j
    for column in ascending.T:
        matched &= column[:, None] <= column
    beaten = np.triu(matched, 1).any(axis=0)  # who beats another comes before it
    return [int(i) for i in order[~beaten]]


def fast_enough(offers: Offers, interval: int) -> dict[str, list[Option]]:
    """The options of every node worth a thought at `interval` cycles."""
    return {name: offer.within(interval) for name, offer in offers.items()}


def intervals(offers: Offers, at_least: int = 0) -> list[int]:
    """The intervals, not below `at_least`, at which some node has another option; ascending."""
    floor = max(at_least, *(offer[0].cycles for offer in offers.values()))
    return sorted({o.cycles for offer in offers.values() for o in offer if o.cycles > floor} | {floor})


def total(chosen: Mapping[str, Option]) -> Resources:
    """What the chosen options take together."""
    return sum((o.cost for o in chosen.values()), start=Resources())
