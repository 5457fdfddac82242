"""From a quantised graph to a plan for a target."""

from collections.abc import Mapping
from dataclasses import replace

from tomato.errors import TomatoError
from tomato.ir import Graph
from tomato.schedule.plan import NO_WISHES, Choice, Plan, Wishes
from tomato.schedule.plumb import plumbing_cost
from tomato.schedule.regions import assign, crossings
from tomato.schedule.scheduler import Option, fastest, options, select, total, way_out
from tomato.schedule.streams import edges
from tomato.schedule.timing import fifo_depths
from tomato.targets import Resources, Target

ROUNDS = 6
"""Attempts at leaving enough room for the parts between the engines."""


def schedule(
    graph: Graph,
    target: Target,
    *,
    clock_mhz: float | None = None,
    fps: float | None = None,
    wishes: Wishes = NO_WISHES,
    model: str = "",
) -> Plan:
    """The fastest plan that fits the target; with `fps` the smallest that reaches that rate.

    Raises TomatoError when a layer has no engine, the network does not fit, or the rate is out of reach.
    """
    clock = clock_mhz or target.clock_mhz
    offers = options(graph, target, wishes, model=model)
    if not offers:
        raise TomatoError(
            "the network computes nothing: its outputs are its inputs",
            where=model or graph.name,
            hint="there is nothing to build; check how the model was exported",
        )
    wanted = int(clock * 1e6 / fps) if fps else 0
    room, hint = target.usable, way_out(graph, target)
    for attempt in range(ROUNDS):
        interval, chosen = fastest(offers, target, room, at_least=wanted, model=model or graph.name, way_out=hint)
        if fps and interval > wanted:
            raise TomatoError(
                f"{fps:g} frames/s is out of reach on {target.name} at {clock:g} MHz: "
                f"the fastest that fits makes {clock * 1e6 / interval:,.0f} frames/s ({interval:,} cycles a frame)",
                where=model or graph.name,
                hint="ask for less, raise --clock, or choose a larger board",
            )
        plan = _complete(
            graph, target, Plan(target.name, clock, {n: o.choice for n, o in chosen.items()}), chosen, wishes
        )
        between = plumbing_cost(graph, plan, target)
        if (total(chosen) + between).fits(target.usable):
            return plan
        room = _less(target.usable, between * (1 + attempt))
    raise TomatoError(
        f"the network does not fit {target.name}: no room is left for FIFOs and width converters ({between})",
        where=model or graph.name,
        hint="choose a larger board, or a lower rate with --fps",
    )


def _complete(graph: Graph, target: Target, plan: Plan, chosen: Mapping[str, Option], wishes: Wishes) -> Plan:
    """A plan with its regions and FIFOs: what follows from the choice of engines."""
    links = edges(graph, plan.layers)
    placed = assign({n: o.cost for n, o in chosen.items()}, links, target)
    regions = {n: wishes.regions.get(n, r) for n, r in placed.items() if wishes.regions.get(n, r)}
    interval = max(*(o.cycles for o in chosen.values()), *(e.from_type.pixels for e in links))
    fifos = fifo_depths(graph, plan.layers, interval, crossings(links, regions))
    return replace(plan, regions=regions, fifos=fifos | dict(wishes.fifos))


def _less(usable: Resources, taken: Resources) -> Resources:
    left = (usable - taken).counts()
    return Resources(**{kind: max(n, 0) for kind, n in left.items()})


__all__ = ["Choice", "Option", "Plan", "Wishes", "options", "schedule", "select"]
