"""Options whose lanes suit those of their neighbours, so that less is spent on lane converters."""

from collections.abc import Sequence
from functools import cache

from tomato.core.ir import Graph
from tomato.engines.base import AnyUnit
from tomato.engines.parts.shared_unit import Member
from tomato.hardware.parts import Converter
from tomato.hardware.plumbing import Width
from tomato.schedule.design import Design
from tomato.schedule.offers import Offers, Option, total
from tomato.schedule.scheduler import weight
from tomato.schedule.streams import source_of
from tomato.targets import Resources, Target

ROUNDS = 4
"""Times that every node is asked, at most."""
SPARE = 0.02
"""The share of the DSP blocks that is left for lanes that suit better: those of a Requant take one each."""
LANES = ("lanes", "lanes_in", "lanes_out")
"""The knobs in which an option may differ from the one that was chosen."""


def suited(
    graph: Graph, offers: Offers, design: Design, rooms: Sequence[Resources], target: Target
) -> dict[str, Option]:
    """The options of a design, or others as fast whose lanes differ, and that are cheaper with the converters around.

    Converters are no part of the choice of engines, which sees one node at a time: streams of 11 and of 128 lanes meet.
    Nodes are asked one after the other. Nothing is taken that the chip or a region has too little of: `rooms`.
    """
    chosen, placed = design.chosen, design.placed
    found = dict(chosen)
    sources = {name: [source_of(graph, value) for value in graph.producers[name].args] for name in chosen}
    readers: dict[str, list[tuple[str, int]]] = {name: [] for name in chosen}
    for name, values in sources.items():
        for index, value in enumerate(values):
            if value in readers:
                readers[value].append((name, index))

    @cache
    def converter(bits: int, width: Width) -> Resources:
        return Converter(bits, width).cost(target) if width.needed else Resources()

    def between(maker: AnyUnit, reader: AnyUnit, index: int) -> Resources:
        view = reader.views[index]
        width = Width(maker.out.channels, maker.lanes[1], view.channels, reader.lanes[0][index])
        return converter(maker.out.codes.bits, width)

    def cost(name: str, option: Option) -> Resources:
        """Of a node and of the converters around it."""
        taken, unit = option.cost, option.unit
        for index, value in enumerate(sources[name]):
            taken += between(found[value].unit, unit, index) if value in found else Resources()
        return sum((between(unit, found[r].unit, i) for r, i in readers[name]), start=taken)

    used, all_used = [Resources()] * len(rooms), total(chosen)
    for name, option in chosen.items():
        used[placed[name]] += option.cost
    for _ in range(ROUNDS):
        before = dict(found)
        for name, now in before.items():
            best, have, region = now, cost(name, now), placed[name]
            least, least_price = have, weight(have, target.usable)
            for other in _alike(offers[name], now, design.interval):
                need = cost(name, other)
                price, more = weight(need, target.usable), need - have
                if (
                    price < least_price
                    and _room(more, used[region], rooms[region])
                    and _room(more, all_used, target.usable)
                ):
                    best, least, least_price = other, need, price
            found[name] = best
            used[region], all_used = used[region] + least - have, all_used + least - have
        if found == before:
            break
    return found


def left(room: Resources) -> Resources:
    """What options are first chosen from."""
    return room._replace(dsp=int(room.dsp * (1 - SPARE)))


def _alike(offer: Sequence[Option], now: Option, interval: int) -> list[Option]:
    """Options of the same engine that are fast enough and differ in lanes alone."""
    if isinstance(now.unit, Member):
        return []
    rest = {knob: n for knob, n in now.unit.knobs.items() if knob not in LANES}
    return [
        option
        for option in offer
        if option.cycles <= interval
        and option.unit.stem == now.unit.stem
        and {knob: n for knob, n in option.unit.knobs.items() if knob not in LANES} == rest
    ]


def _room(more: Resources, used: Resources, room: Resources) -> bool:
    """Whether there is enough of whatever would be taken more of."""
    return all(m <= 0 or m + before <= most for m, before, most in zip(more, used, room, strict=True))
