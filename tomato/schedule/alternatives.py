"""The best of several plans, for graphs that compute the same."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from tomato.core.errors import TomatoError
from tomato.core.ir import Graph
from tomato.schedule.balance import aims, balanced
from tomato.schedule.plan import Plan, Wishes
from tomato.schedule.route import routes
from tomato.schedule.scheduler import weight
from tomato.schedule.streams import edges, interval_cycles
from tomato.schedule.units import bind
from tomato.targets import Resources, Target


ROUNDS = 2
"""Times that channels are put into another order, the second time for the lanes that the first plan has."""
Scheduler = Callable[[Graph], Plan]
"""Makes a plan, or raises TomatoError."""


def plans(graphs: Iterable[Graph], schedule: Scheduler, target: Target, wishes: Wishes, *,
          fps: float | None) -> list[tuple[Graph, Plan]]:  # fmt: skip
    """Plans of some of the graphs, and of the same with their channels in another order.

    Channels stay where they are if a plan file says of layers how they are built, and of no order.
    Raises TomatoError if there is no plan of any.
    """
    found: list[tuple[Graph, Plan]] = []
    refused: list[TomatoError] = []
    for graph in graphs:
        try:
            found += _of(graph, schedule, target, wishes, fps=fps)
        except TomatoError as reason:
            refused.append(reason)
    if not found:
        raise refused[0]
    return found


def _of(graph: Graph, schedule: Scheduler, target: Target, wishes: Wishes, *,
        fps: float | None) -> list[tuple[Graph, Plan]]:  # fmt: skip
    """The plans of a graph, that of the order which it has first."""
    if wishes.reordered:
        try:
            other = balanced(graph, wishes.reordered)
        except TomatoError as reason:
            raise TomatoError(reason.what, where=f"{wishes.file}: [reordered]", hint=reason.hint) from reason
        return [(other, replace(schedule(other), reordered=wishes.reordered))]
    found = [(graph, schedule(graph))]
    if wishes.layers:
        return found
    for _ in range(ROUNDS):
        wanted = aims(graph, best(found, target, fps=fps)[1], target)
        if not wanted or any(plan.reordered == wanted for _, plan in found):
            break
        other = balanced(graph, wanted)
        if other is graph:
            break
        with suppress(TomatoError):  # what was found stays
            found.append((other, replace(schedule(other), reordered=wanted)))
    return found


def best(planned: Sequence[tuple[Graph, Plan]], target: Target, *, fps: float | None) -> tuple[Graph, Plan]:
    """The fastest, or with `fps`, which all plans reach, the smallest; of equals the first."""
    if len(planned) == 1:
        return planned[0]

    def order(one: tuple[Graph, Plan]) -> tuple[float, float]:
        interval, price = _judged(*one, target)
        return (price, interval) if fps else (interval, price)

    return min(planned, key=order)


def gained(planned: Sequence[tuple[Graph, Plan]], built: Plan, target: Target) -> tuple[str, ...]:
    """A note on what another order of channels gained, if that is built."""
    plain = [one for one in planned if not one[1].reordered]
    if not built.reordered or not plain:
        return ()
    (before, price), (after, less) = (
        _judged(*min(some, key=lambda one: _judged(*one, target)), target)
        for some in (plain, [one for one in planned if one[1] is built])
    )
    saved = f"{after:,} cycles a frame instead of {before:,}" if after < before else f"{less / price:.0%} of the price"
    return (f"channels are in another order, for which lists of words that are not zero are shorter: {saved}",)


def _judged(graph: Graph, plan: Plan, target: Target) -> tuple[int, float]:
    """Cycles per frame, and the price of engines and what is between them."""
    units = bind(graph, plan.layers, target)
    links = edges(graph, units)
    between = routes(links, target, plan.regions, plan.fifos).costs(list(plan.layers), target)
    used = Resources()
    for cost in (*(unit.cost for unit in units.values()), *between.values()):
        used += cost
    return interval_cycles(units, links), weight(used, target.usable)
