"""The best of several plans, for graphs that compute the same."""

from collections.abc import Sequence

from tomato.core.ir import Graph
from tomato.schedule.plan import Plan
from tomato.schedule.route import routes
from tomato.schedule.scheduler import weight
from tomato.schedule.streams import edges, interval_cycles
from tomato.schedule.units import bind
from tomato.targets import Resources, Target


def best(planned: Sequence[tuple[Graph, Plan]], target: Target, *, fps: float | None) -> tuple[Graph, Plan]:
    """The fastest, or with `fps`, which all plans reach, the smallest; of equals the first."""
    if len(planned) == 1:
        return planned[0]

    def order(one: tuple[Graph, Plan]) -> tuple[float, float]:
        interval, price = _judged(*one, target)
        return (price, interval) if fps else (interval, price)

    return min(planned, key=order)


def _judged(graph: Graph, plan: Plan, target: Target) -> tuple[int, float]:
    """Cycles per frame, and the price of engines and what is between them."""
    units = bind(graph, plan.layers, target)
    links = edges(graph, units)
    between = routes(links, target, plan.regions, plan.fifos).costs(list(plan.layers), target)
    used = Resources()
    for cost in (*(unit.cost for unit in units.values()), *between.values()):
        used += cost
    return interval_cycles(units, links), weight(used, target.usable)
