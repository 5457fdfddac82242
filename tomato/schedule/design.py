"""The fastest design on a chip of several regions: the chip's interval first, then the least that its regions allow."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tomato.core.ir import Graph
from tomato.engines.base import AnyUnit
from tomato.schedule.floorplan import Floor, Lists, Spare, choose, place, tidy
from tomato.schedule.offers import Offers, Option, fast_enough, intervals
from tomato.schedule.regions import assign
from tomato.schedule.scheduler import PROBE, select, smallest
from tomato.schedule.streams import edges
from tomato.targets import Resources

ROUNDS = 3
"""How often options and regions follow from each other at most."""


@dataclass(frozen=True, slots=True)
class Design:
    """An option and a region for every node.

    interval: the cycles a frame that were allowed. fits: every region holds its nodes. even: none that fits
    was found, this one fills the regions as evenly as they can be.
    """

    chosen: Mapping[str, Option]
    placed: Mapping[str, int]
    interval: int
    fits: bool = True
    even: bool = False

    @property
    def units(self) -> dict[str, AnyUnit]:
        """How every node is built."""
        return {name: option.unit for name, option in self.chosen.items()}


def cut(
    graph: Graph, chosen: Mapping[str, Option], interval: int, floor: Floor, spare: Mapping[str, Resources]
) -> Design:
    """The chosen options in contiguous runs, filling the regions as evenly as they must."""
    if len(floor.rooms) == 1:
        return Design(chosen, dict.fromkeys(chosen, 0), interval)
    costs = {n: o.cost + spare.get(n, Resources()) for n, o in chosen.items()}
    fullest, placed = assign(costs, edges(graph, {n: o.unit for n, o in chosen.items()}), floor.rooms)
    return Design(chosen, placed, interval, fits=fullest <= 1.0)


def fastest_in_regions(
    graph: Graph,
    offers: Offers,
    floor: Floor,
    room: Resources,
    spare: Mapping[str, Resources],
    at_least: int,
    before: Design | None,
) -> Design | None:
    """The design of the smallest interval, from `at_least` on, that fits every region; None where none is found.

    room: what the chip offers. spare: what to leave beside every node. before: a design whose regions are tried first.
    """

    def solve(interval: int) -> Design | None:
        chosen = select(offers, interval, room, PROBE)
        if chosen is None:
            return None
        if not floor.allowed and (simple := cut(graph, chosen, interval, floor, spare)).fits:
            return simple
        lists, ground = fast_enough(offers, interval), replace(floor, interval=interval)
        if before and (again := choose(lists, ground, spare, before.placed)):
            return Design(again, before.placed, interval)
        placed = place(lists, ground, spare)
        return Design({}, placed, interval) if placed else None  # regions that are good for some choice

    steps = intervals(offers, at_least)
    found = smallest(steps, solve)
    if found is None or found.chosen:
        return found
    lists, floor = fast_enough(offers, found.interval), replace(floor, interval=found.interval)
    placed, chosen = found.placed, _chosen(lists, floor, spare, found.placed)
    for _ in range(ROUNDS):
        better = tidy(chosen, floor, spare, placed)
        if better == placed:
            break
        placed, chosen = better, _chosen(lists, floor, spare, better)
    return Design(chosen, placed, found.interval)


def _chosen(lists: Lists, floor: Floor, spare: Spare, placed: Mapping[str, int]) -> dict[str, Option]:
    """The cheapest options for regions that are known to hold some."""
    chosen = choose(lists, floor, spare, placed)
    assert chosen is not None, "the regions were found together with a choice that fits them"
    return chosen
