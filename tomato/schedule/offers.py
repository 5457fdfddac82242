"""The options of every node, and which of them are worth a thought at an interval."""

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil
from typing import overload

import numpy as np

from tomato.core.formats import Array
from tomato.engines.base import AnyUnit
from tomato.schedule.plan import Choice
from tomato.targets import Resources

BLOCK = 256
"""Rows that are compared with each other at once."""


@dataclass(frozen=True)
class Option:
    """One way to build a node, with its cost, and its cycles for each frame of the network.

    fetching: of those of the memory beside the chip, from which it has its weights; what brings them is in the cost.
    """

    unit: AnyUnit
    cycles: int
    cost: Resources
    fetching: int = 0

    @classmethod
    def of(cls, unit: AnyUnit, rate: float = 1.0) -> "Option":
        """A unit as an option, where it takes that share of the frames."""
        fetching = ceil(unit.target.fetch_cycles(unit.fetched_bytes) * rate) if unit.fetches else 0
        cost = unit.cost + unit.brought if unit.fetches else unit.cost
        return cls(unit, ceil(unit.interval.guaranteed * rate), cost, fetching)

    @cached_property
    def choice(self) -> Choice:
        """What a plan says of it."""
        return Choice(self.unit.stem, self.unit.knobs)


class Offer(Sequence[Option]):
    """The options of one node, fastest first, without those that another one matches or beats in all respects."""

    def __init__(self, options: Iterable[Option]) -> None:
        every = sorted(options, key=lambda option: option.cycles)
        rows = np.array([(o.cycles, o.fetching, *o.cost) for o in every], dtype=np.int64).reshape(len(every), -1)
        self._options = [every[i] for i in sorted(unbeaten(rows))]
        costs = [(o.fetching, *o.cost) for o in self._options]
        self._costs = np.array(costs, dtype=np.int64).reshape(len(self._options), -1)
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


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of nodes by operator, types and board: equal nodes have equal offers, whatever network they are in.

    offers: by the rate and what else is asked, too. mixing: units of multipliers of both kinds, see mixing.py. Units
    were made for the first of these nodes: only its name and those of its arguments are another's.
    """

    offers: dict[Hashable, Offer] = field(default_factory=dict)
    mixing: dict[Hashable, list[AnyUnit]] = field(default_factory=dict)


def unbeaten(rows: Array) -> list[int]:
    """The rows that no other one matches or beats in every column, in ascending order; of equal ones the first."""
    order = np.lexsort(rows.T[::-1])  # who beats another comes before it
    kept, found = rows[:0], []
    for start in range(0, len(rows), BLOCK):
        block = order[start : start + BLOCK]
        block = block[~_matched(kept, rows[block]).any(axis=0)]
        block = block[~np.triu(_matched(rows[block], rows[block]), 1).any(axis=0)]
        kept = np.concatenate([kept, rows[block]])
        found += block.tolist()
    return found


def _matched(some: Array, others: Array) -> Array:
    """[i, j]: whether the row i of some matches or beats the row j of others."""
    matched = np.ones((len(some), len(others)), dtype=bool)
    for mine, theirs in zip(some.T, others.T, strict=True):
        matched &= mine[:, None] <= theirs
    return matched


def fast_enough(offers: Offers, interval: int) -> dict[str, list[Option]]:
    """The options of every node worth a thought at `interval` cycles."""
    return {name: offer.within(interval) for name, offer in offers.items()}


def intervals(offers: Offers, at_least: int = 0) -> list[int]:
    """The intervals, not below `at_least`, at which some node has another option; ascending.

    Among them the one at which the memory beside the chip has time for whatever is chosen.
    """
    floor = max(at_least, *(offer[0].cycles for offer in offers.values()))
    most = sum(max(o.fetching for o in offer) for offer in offers.values())
    steps = {o.cycles for offer in offers.values() for o in offer if o.cycles > floor}
    return sorted(steps | {floor, max(floor, most)})


def fetching(chosen: Mapping[str, Option]) -> int:
    """Cycles a frame in which the memory beside the chip gives weights to the chosen options."""
    return sum(o.fetching for o in chosen.values())


def cycles_of(chosen: Mapping[str, Option]) -> int:
    """Cycles a frame of the chosen options: of the slowest, or of the memory that weights come from."""
    return max(fetching(chosen), *(o.cycles for o in chosen.values()))


def total(chosen: Mapping[str, Option]) -> Resources:
    """What the chosen options take together."""
    return sum((o.cost for o in chosen.values()), start=Resources())
