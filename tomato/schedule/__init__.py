"""From a quantised graph to a plan for a target."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from tomato.core.errors import TomatoError
from tomato.core.ir import Graph
from tomato.engines.parts.shared_unit import FetchedMember
from tomato.schedule.border import NOTHING, Around, border
from tomato.schedule.design import Design, cut, fastest_in_regions
from tomato.schedule.early import depths
from tomato.schedule.fetching import Weights, fetching
from tomato.schedule.floorplan import floor_of
from tomato.schedule.mixing import TIMES, held_up, mixed
from tomato.schedule.offers import Kept, Option, cycles_of, total
from tomato.schedule.plan import NO_WISHES, Choice, Plan, Wishes
from tomato.schedule.rates import rates_of
from tomato.schedule.regions import fills, rooms
from tomato.schedule.route import routes, routes_of
from tomato.schedule.scheduler import (
    SHORT_WORDS,
    ULTRA_WORDS,
    DoesNotFitError,
    OutOfReachError,
    fastest,
    leans,
    options,
    select,
    way_out,
)
from tomato.schedule.sharing import joined
from tomato.schedule.spilling import spilled
from tomato.schedule.streams import edges, interval_cycles
from tomato.schedule.suited import left, suited
from tomato.schedule.units import bind
from tomato.targets import Resources, Target

ROUNDS = 6
"""Attempts at leaving enough room for the parts between the engines."""
AGAIN = 4
"""Times that a design may be planned again, with the room for parts that the one before it needs."""
FULL, IDLE = 0.85, 0.1
"""Shares of block RAM (and LUTs) from which on, and of UltraRAM up to which, short memories are worth an UltraRAM."""

Found = tuple[int, Plan, Resources]
"""A design: its interval, its plan, and what it takes."""


def schedule(
    graph: Graph,
    target: Target,
    *,
    clock_mhz: float | None = None,
    fps: float | None = None,
    wishes: Wishes = NO_WISHES,
    model: str = "",
    given: bool = False,
    around: Around = NOTHING,
    weights: Weights = "auto",
    kept: Kept | None = None,
    mix: bool = False,
) -> Plan:
    """The fastest plan that fits the target and each of its regions; with `fps` the smallest that reaches that rate.

    given: the model's formats are its own, which no option changes. around: what stands around the design, at its
    first layer. kept: offers of other networks, see `options`.
    mix: with fps, layers may have multipliers of both kinds, see mixing.py, whatever holds the design up, and lanes
    that suit their neighbours, see suited.py.
    weights: "chip" has them all on the chip, "memory" also in memory beside it where that is better, "auto" does so
    where the network does not fit otherwise.
    Where no plan fits the regions (a layer is larger than one), they are filled as evenly as possible.
    Raises TomatoError when a layer has no engine, the network does not fit, or the rate is out of reach.
    """
    if weights == "memory" and target.off_chip is None:
        raise TomatoError(
            f"{target.name} has no memory beside the chip that weights could be read from",
            where=model or graph.name,
            hint="leave out --weights memory, or choose another board",
        )
    if weights == "auto" and target.off_chip and not wishes.layers:
        planned = partial(
            schedule, graph, target, clock_mhz=clock_mhz, fps=fps, wishes=wishes, model=model, given=given, kept=kept,
            mix=mix,
        )  # fmt: skip
        try:
            return planned(around=around, weights="chip")
        except DoesNotFitError as refused:
            try:
                return planned(around=around, weights="memory")
            except TomatoError as reason:
                more = "" if reason.what == refused.what else f". With weights in memory beside the chip: {reason.what}"
                raise DoesNotFitError(f"{refused.what}{more}", where=refused.where, hint=refused.hint) from reason
    kept = Kept() if kept is None else kept
    fitted = partial(
        _fitted, graph, target, clock_mhz=clock_mhz, fps=fps, wishes=wishes, model=model, given=given,
        fetch=weights == "memory", kept=kept, mix=mix,
    )  # fmt: skip
    fitting = partial(_fitting, graph, target, fitted)
    try:
        interval, plan, used = fitting(around=around)
    except TomatoError as refused:
        pixels = max(kind.pixels for kind in graph.types.values())
        if fps and (mix or fps * pixels > (clock_mhz or target.clock_mhz) * 1e6):
            with suppress(TomatoError):  # parts of layers, or several columns at once: their streams are wide
                return fitting(around=around, suit=True)[1]
        if around is NOTHING:
            raise
        _, alone, _ = fitting(around=NOTHING)
        if not around.needed:
            return alone
        raise TomatoError(
            f"{refused.what}; without the shell around it, it can be built", where=refused.where,
            hint="compile with --shell none, and connect the streams yourself, or choose a larger board",
        ) from refused  # fmt: skip
    if not fps and _held_by_converters(graph, plan, used, target):
        with suppress(TomatoError):  # what was found stays
            again = fitting(around=around, suit=True)
            interval, plan, used = again if again[0] < interval else (interval, plan, used)
    if target.slrs == 1 and not fps:
        interval, plan, used = _again(graph, target, (interval, plan, used), partial(fitted, around=around))
    if target.slrs > 1 and not fps and _short_of_blocks(used, target.usable):
        with suppress(TomatoError):  # what was found stays
            other, short, _ = fitting(around=around, ultra_words=SHORT_WORDS)
            plan = short if other < interval else plan
    return plan


def _again(graph: Graph, target: Target, found: Found, fitted: Callable[..., Found]) -> Found:
    """The design, or a faster one that leaves as much room for the parts between its engines as this one takes.

    The first choice has the widest streams, so a slower one is often left more room for its parts than it takes. Lean
    engines are offered where block RAM holds the design up, multipliers of both kinds where these do.
    """
    for mix in (False, True):
        for _ in range(AGAIN):
            interval, plan, used = found
            if mix and not held_up(used, target):
                break
            lean = used.bram18 >= FULL * target.usable.bram18 and leans(graph, target)
            try:
                other = fitted(faster_than=(interval, _between(graph, plan, used, target)), mix=mix, lean=lean)
            except TomatoError:  # what was found stays
                break
            if other[0] >= interval:
                break
            found = other
    return found


def _fitting(graph: Graph, target: Target, fitted: Callable[..., Found], **asked: Any) -> Found:
    """A design as `fitted` finds it; with lean engines where nothing fits without."""
    try:
        return fitted(**asked)
    except DoesNotFitError:
        if not leans(graph, target):
            raise
        return fitted(lean=True, **asked)


def _fitted(
    graph: Graph,
    target: Target,
    *,
    clock_mhz: float | None,
    fps: float | None,
    wishes: Wishes,
    model: str,
    given: bool,
    around: Around,
    kept: Kept,
    ultra_words: int = ULTRA_WORDS,
    fetch: bool = False,
    suit: bool = False,
    lean: bool = False,
    faster_than: tuple[int, Resources] | None = None,
    mix: bool = False,
) -> Found:
    """Interval, plan and use, as `schedule` wants the plan, that leave room for what stands around it.

    suit: options are exchanged for others whose lanes suit their neighbours, see suited.py. lean: see `options`.
    faster_than: a design's interval, and what is between its engines: what is left for that at first. mix: layers may
    have multipliers of both kinds, see mixing.py.
    """
    clock = clock_mhz or target.clock_mhz
    offers = options(graph, target, wishes, model=model, ultra_words=ultra_words, fetch=fetch, lean=lean, kept=kept)
    if not offers:
        raise TomatoError(
            "the network computes nothing: its outputs are its inputs",
            where=model or graph.name,
            hint="there is nothing to build; check how the model was exported",
        )
    wanted = least = int(clock * 1e6 / fps) if fps else 0
    hint = way_out(graph, target, given=given)
    _check_places(graph, target, wishes)
    floor = floor_of(graph, rooms(target), target.usable).fix(_fixed(wishes))
    tight = replace(floor, rooms=[left(room) for room in floor.rooms], chip=left(floor.chip)) if suit else floor
    spare: dict[str, Resources] = {}
    before: Design | None = None
    if faster_than:
        least, spare = faster_than[0] // TIMES, {next(iter(offers)): faster_than[1]}
    if mix and (slower := faster_than[0] if faster_than else wanted + 1 if fps else 0):
        offers = mixed(graph, target, offers, slower, wishes, kept)
    for attempt in range(ROUNDS):
        room = _less(left(target.usable) if suit else target.usable, sum(spare.values(), start=Resources()))
        interval, chosen = fastest(offers, target, room, at_least=least, model=model or graph.name, way_out=hint)
        least = max(least, interval if not attempt else 0)  # no later attempt has more room than the first
        if faster_than and interval >= faster_than[0]:
            raise DoesNotFitError("no mix of multipliers is faster")
        design = cut(graph, chosen, interval, tight, spare)
        if attempt and (floor.allowed or not design.fits):
            start = max(interval, before.interval if before else 0)
            found = before = fastest_in_regions(graph, offers, tight, room, spare, start, before)
            design = found or replace(design, even=True)
        if suit:
            design = replace(design, chosen=suited(graph, offers, design, rooms(target), target))
        design = replace(design, chosen=joined(design.chosen))
        interval = cycles_of(design.chosen)
        if fps and interval > wanted:
            raise OutOfReachError(fps, target, clock, interval, where=model or graph.name)
        units, links = design.units, edges(graph, design.units)
        reader = fetching(units, target, interval_cycles(units, links))
        for plan in _plans(graph, target, clock, design, wishes, spill=fetch):
            parts = routes_of(plan, links, target)
            beside = parts.costs(list(plan.layers), target)
            beside[next(iter(beside))] += around.cost(border(graph, units, parts, reader))
            if reader:
                beside[reader.clients[0].layer] += reader.left(units, target)
            between = sum(beside.values(), start=Resources())
            costs = {n: o.cost + beside[n] for n, o in design.chosen.items()}
            if (used := sum(costs.values(), start=Resources())).fits(target.usable):
                placed = {n: plan.regions.get(n, 0) for n in plan.layers}
                if design.even or max(fills(placed, costs, floor.rooms)) <= 1.0:
                    return interval, plan, used
        spare = {n: _with_margin(cost, attempt) for n, cost in beside.items()}
    raise DoesNotFitError(
        f"the network does not fit {target.name}: no room is left for FIFOs, width converters and a shell ({between})",
        where=model or graph.name,
        hint="choose a larger board, or a lower rate with --fps",
    )


def _between(graph: Graph, plan: Plan, used: Resources, target: Target) -> Resources:
    """What a design takes beside its engines."""
    engines = (unit.cost for unit in bind(graph, plan.layers, target).values())
    return used - sum(engines, start=Resources())


def _held_by_converters(graph: Graph, plan: Plan, used: Resources, target: Target) -> bool:
    """Whether a design with columns side by side, whose streams are wide, has too few LUTs."""
    units = bind(graph, plan.layers, target).values()
    return used.lut >= FULL * target.usable.lut and any(unit.columns > 1 for unit in units)


def _short_of_blocks(used: Resources, usable: Resources) -> bool:
    """Whether block RAM is what a design has too little of, while UltraRAM is left."""
    return used.bram18 >= FULL * usable.bram18 and used.uram < IDLE * usable.uram


def _with_margin(cost: Resources, attempt: int) -> Resources:
    """What to leave for parts that took `cost`: a quarter more with every attempt, as they follow from the choice."""
    return Resources(**{kind: n * (4 + attempt) // 4 for kind, n in cost.counts().items()})


def _check_places(graph: Graph, target: Target, wishes: Wishes) -> None:
    """Raise TomatoError unless the regions that a plan file asks for are there, and so are their layers."""
    for name, region in wishes.regions.items():
        if name not in {node.name for node in graph}:
            raise TomatoError(f"the model has no layer {name}", where=f"{wishes.file}: [regions]")
        if region >= target.slrs:
            raise TomatoError(
                f"{name} is in region {region}, but the regions of {target.name} are 0 to {target.slrs - 1}",
                where=f"{wishes.file}: [regions]",
            )


def _fixed(wishes: Wishes) -> dict[str, int]:
    """The regions that a plan file asks for: a plan that knows regions names only layers that are not in region 0."""
    return dict.fromkeys(wishes.layers, 0) | dict(wishes.regions) if wishes.regions else {}


def _plans(
    graph: Graph, target: Target, clock: float, design: Design, wishes: Wishes, *, spill: bool
) -> Iterator[Plan]:
    """A plan with its FIFOs: what follows from engines and regions. spill: long ones may be in memory.

    Where layers share an engine that reads the memory, there is one without them first.
    """
    plan = Plan(
        target.name, clock, {n: o.choice for n, o in design.chosen.items()}, reordered=wishes.reordered,
        double_clock=wishes.double_clock,
    )  # fmt: skip
    units = design.units
    links = edges(graph, units)
    placed = {**design.placed, **_fixed(wishes)}
    regions = {n: placed[n] for n in plan.layers if placed[n]}
    fifos = depths(graph, units, routes(links, target, regions), rates_of(graph), target, regions)
    if unknown := sorted(set(wishes.fifos) - {name for e in links for name in (e.name, e.wide)}):
        raise TomatoError(
            f"the plan names a FIFO that no stream has: {unknown[0]}", where=f"{wishes.file}: [fifos]",
            hint="it is called <layer>.<argument>, such as add.1",
        )  # fmt: skip
    plan = replace(plan, regions=regions, fifos=fifos | dict(wishes.fifos))
    if spill and any(isinstance(unit, FetchedMember) for unit in units.values()):
        yield replace(plan, spilled=spilled(graph, units, plan, target, wishes, allowed=False))
    yield replace(plan, spilled=spilled(graph, units, plan, target, wishes, allowed=spill))


def _less(usable: Resources, taken: Resources) -> Resources:
    left = (usable - taken).counts()
    return Resources(**{kind: max(n, 0) for kind, n in left.items()})


__all__ = ["Choice", "Kept", "Option", "Plan", "Wishes", "options", "schedule", "select", "total"]
