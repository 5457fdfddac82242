"""Multipliers of both kinds within a layer, where one kind holds a design up."""

from collections.abc import Iterator
from math import ceil
from typing import Any

from tomato.core.ir import Graph
from tomato.engines import CATALOGUE
from tomato.engines.base import AnyUnit, Site
from tomato.schedule.offers import Kept, Offer, Offers, Option
from tomato.schedule.plan import Wishes
from tomato.schedule.rates import rates_of
from tomato.schedule.units import sites
from tomato.targets import Resources, Target

FULL = 0.85
"""The share of the DSP blocks, or of the LUTs, from which on a design is held up by them."""
LITTLE = 32
"""Multipliers that take less than this part of a chip's DSP blocks are not worth dividing."""
TIMES = 2
"""How many times as fast as it is a design is hoped to get, at most."""


def held_up(used: Resources, target: Target) -> bool:
    """Whether a design takes so much of one kind of multiplier that others of the other kind may make it faster.

    Not on chips of several regions: there every option is a variable per region for floorplan.py. Who asks for a rate
    may have them nonetheless: few options are just fast enough.
    """
    usable = target.usable
    return target.slrs == 1 and (used.dsp >= FULL * usable.dsp or used.lut >= FULL * usable.lut)


def mixed(graph: Graph, target: Target, offers: Offers, interval: int, wishes: Wishes, kept: Kept) -> dict[str, Offer]:
    """The offers, and units of both kinds of multipliers that are faster than `interval` cycles a frame."""
    places, rates = sites(graph, target), rates_of(graph).planned
    found = dict(offers)
    for name, place in places.items():
        if name in offers and name not in wishes.layers:
            more = list(_of_both_kinds(place, rates[name], interval, kept))
            found[name] = Offer([*offers[name], *more]) if more else found[name]
    return found


def _of_both_kinds(place: Site[Any], rate: float, interval: int, kept: Kept) -> Iterator[Option]:
    """The options of a layer that are faster, but not by more than a design may get."""
    target = place.target
    for unit in _units(place, kept):
        near = interval <= TIMES * ceil(unit.cycles * rate) < TIMES * interval
        if near and unit.cost.dsp * LITTLE >= target.usable.dsp:
            yield Option.of(unit, rate)


def _units(place: Site[Any], kept: Kept) -> list[AnyUnit]:
    """All units of both kinds that there are for a layer; those that are known already."""
    key = place.op, place.args, place.out, place.target.name, place.target.clock_mhz
    if key not in kept.mixing:
        mixing = (e for e in CATALOGUE.values() if e.mixes and isinstance(place.op, e.ops) and not e.refuses(place))
        kept.mixing[key] = [unit for engine in mixing for unit in engine.units(place)]
    return kept.mixing[key]
