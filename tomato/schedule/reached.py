"""A plan whose rate holds where layers that share an engine wait for each other: it is played, and asked for again."""

from contextlib import suppress
from typing import Any

from tomato.core.ir import Graph
from tomato.schedule import schedule
from tomato.schedule.plan import Plan
from tomato.schedule.play import StuckError, shares, steady
from tomato.schedule.route import routes_of
from tomato.schedule.scheduler import OutOfReachError
from tomato.schedule.streams import edges, interval_cycles
from tomato.schedule.units import bind
from tomato.targets import Target

ROUNDS = 4
"""Plans that are asked for at a rate, each for a shorter interval than the one before it."""


def reached(graph: Graph, target: Target, *, fps: float | None = None, model: str = "", **asked: Any) -> Plan:
    """A plan as `schedule` makes it, with the same arguments; with `fps` it has that rate when it is played, too.

    The closed form of an engine that layers share does not say how long turns wait for each other. Where frames come
    too late for that, the closed form is asked for an interval as much shorter. A rate that holds on average, as few
    frames pass an early exit, is taken as it is.
    Raises TomatoError as `schedule` does, and OutOfReachError where none of a few plans has the rate.
    """
    plan = schedule(graph, target, fps=fps, model=model, **asked)
    if not fps:
        return plan
    hertz, played = plan.clock_mhz * 1e6, list[int]()
    wanted = int(hertz / fps)

    def within(cycles: float) -> Plan:
        return schedule(graph, target, fps=hertz / (int(cycles) + 0.5), model=model, **asked)

    while True:
        closed, interval = _intervals(graph, plan, target)
        if interval <= wanted or closed > wanted:
            return plan
        played.append(interval)
        if len(played) == ROUNDS:
            break
        try:
            plan = within(closed * wanted / interval)
        except OutOfReachError as nearest:
            if nearest.interval >= closed:
                break
            plan = within(nearest.interval)
    raise OutOfReachError(fps, target, plan.clock_mhz, min(played), where=model or graph.name)


def _intervals(graph: Graph, plan: Plan, target: Target) -> tuple[int, int]:
    """Cycles a frame in closed form, and as they are played: the same where no layers share an engine."""
    units = bind(graph, plan.layers, target)
    links = edges(graph, units)
    closed = interval_cycles(units, links)
    if shares(units):
        with suppress(StuckError):  # the closed form is known
            return closed, steady(units, graph, routes_of(plan, links, target)).interval
    return closed, closed
