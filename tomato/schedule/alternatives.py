"""The best of several plans, for graphs that compute the same."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from math import ceil

from tomato.core.errors import TomatoError
from tomato.core.ir import Graph
from tomato.passes.narrow_sums import narrow_sums
from tomato.schedule.balance import aims, balanced
from tomato.schedule.plan import Plan, Wishes
from tomato.schedule.route import routes_of
from tomato.schedule.scheduler import weight
from tomato.schedule.sharing import asked, sharable
from tomato.schedule.streams import edges, interval_cycles
from tomato.schedule.units import bind
from tomato.targets import Resources, Target

LITTLE = 0.98
"""The price of a plan that makes another order of channels worth it by itself, in that of another plan."""
ROUNDS = 2
"""Times that channels are put into another order, the second time for the lanes that the first plan has."""
PARTS = 1.0, 0.75, 0.5, 0.25
"""Parts of the layers that can share an engine, which are tried."""
ALONE = 1, 2, 4
"""Of layers whose weights are fetched those that are tried with engines of their own: so many, with the most pixels."""
Scheduler = Callable[[Graph, Wishes], Plan]
"""Makes a plan, or raises TomatoError."""


def ordered(graph: Graph, target: Target, wishes: Wishes) -> Graph:
    """The graph that a plan file asks for: channels in its order, and what shares an engine as one operator."""
    try:
        graph = balanced(graph, wishes.reordered) if wishes.reordered else graph
    except TomatoError as reason:
        raise TomatoError(reason.what, where=f"{wishes.file}: [reordered]", hint=reason.hint) from reason
    return asked(graph, target, wishes)


def reordered(
    planned: Sequence[tuple[Graph, Plan]], schedule: Scheduler, target: Target, wishes: Wishes, *, fps: float | None
) -> list[tuple[Graph, Plan]]:
    """Plans of the same graphs with their channels in other orders, each better than that of the graph before it.

    Channels stay where they are if a plan file says how layers are built: it says their order, too.
    """
    if wishes.layers or wishes.reordered:
        return []
    return [other for one in planned for other in _others(*one, schedule, target, wishes, fps=fps)]


def _others(graph: Graph, plain: Plan, schedule: Scheduler, target: Target, wishes: Wishes, *,
            fps: float | None) -> list[tuple[Graph, Plan]]:  # fmt: skip
    """Plans of a graph in other orders, for the words of the plan before each.

    Each is made once freely, and once with the units of the plan before it: these have what the order gains at least.
    """
    found = [(graph, plain)]
    for _ in range(ROUNDS):
        _, last = found[-1]
        wanted = aims(graph, last, target)
        other = balanced(graph, wanted) if wanted else graph
        if other is graph or wanted == last.reordered:
            break
        made: list[tuple[Graph, Plan]] = []
        for layers in ({}, last.layers):
            with suppress(TomatoError):  # not in this way
                made.append((other, schedule(other, replace(wishes, layers=layers, reordered=wanted))))
        if not made or not _better(one := best(made, target, fps=fps), found[-1], target, fps=fps):
            break
        found.append(one)
    return found[1:]


def or_shared(
    planned: Sequence[tuple[Graph, Plan]], graphs: Sequence[Graph], schedule: Scheduler, target: Target,
    wishes: Wishes, *, fps: float | None,
) -> list[tuple[Graph, Plan]]:  # fmt: skip
    """What is planned; or plans of the same graphs with layers that share engines, better by more than a little.

    Those count where nothing is planned, too. They are tried with `fps`, and where weights are fetched or nothing
    fits, but not if a plan file says how layers are built.
    """
    fetched = any(fetches(*one, target) for one in planned)
    if wishes.layers or not (fps or fetched or not planned):
        return list(planned)
    others = [one for graph in graphs for one in _shared(graph, schedule, target, wishes, fps=fps)]
    if not planned or not others:
        return others or list(planned)
    before = best(planned, target, fps=fps)
    return [other for other in others if _better(other, before, target, fps=fps)] or list(planned)


def fetches(graph: Graph, plan: Plan, target: Target) -> bool:
    """Whether a plan has weights in memory beside the chip."""
    return any(unit.fetches for unit in bind(graph, plan.layers, target).values())


def _shared(
    graph: Graph, schedule: Scheduler, target: Target, wishes: Wishes, *, fps: float | None
) -> list[tuple[Graph, Plan]]:
    """The best plan found in which layers of the graph share engines; none where none is.

    Tried: all layers that can, then all but those that have the most pixels for their weights; if no weights have to be
    fetched then, parts of them, those with the fewest products first.
    """
    found: list[tuple[Graph, Plan]] = []
    alike = sharable(graph, target)
    nodes = {node.name: node for node in graph}

    def attempt(chosen: Sequence[Sequence[str]]) -> None:
        together = {name for names in chosen if len(names) > 1 for name in names}
        if together:
            other = narrow_sums(graph, together)
            with suppress(TomatoError):  # not in this way
                found.append((other, schedule(other, wishes)))

    attempt(alike)
    if not found or fetches(*found[0], target):
        for count in ALONE:
            attempt([sorted(names, key=lambda name: nodes[name].type.pixels)[: len(names) - count] for names in alike])
    if not any(fetches(*one, target) for one in found):
        for part in PARTS[1:]:
            attempt([names[: ceil(len(names) * part)] for names in alike])
    return [best(found, target, fps=fps)] if found else []


def _better(one: tuple[Graph, Plan], other: tuple[Graph, Plan], target: Target, *, fps: float | None) -> bool:
    """Whether a plan is faster, or cheaper by more than a little, with `fps` cheaper."""
    (faster, cheaper), (interval, price) = _judged(*one, target), _judged(*other, target)
    return cheaper < LITTLE * price if fps or faster == interval else faster < interval


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
    plain = [_judged(*one, target) for one in planned if not one[1].reordered]
    if not built.reordered or not plain:
        return ()
    (before, price), ((after, less),) = min(plain), (_judged(*one, target) for one in planned if one[1] is built)
    saved = f"{after:,} cycles a frame instead of {before:,}" if after < before else f"{less / price:.0%} of the price"
    return (f"channels are in another order, in which the lists of sparse layers are shorter: {saved}",)


def _judged(graph: Graph, plan: Plan, target: Target) -> tuple[int, float]:
    """Cycles per frame, and the price of engines and what is between them."""
    units = bind(graph, plan.layers, target)
    links = edges(graph, units)
    between = routes_of(plan, links, target).costs(list(plan.layers), target)
    used = Resources()
    for cost in (*(unit.cost for unit in units.values()), *between.values()):
        used += cost
    return interval_cycles(units, links), weight(used, target.usable)
