"""Super logic regions: which die of a stacked chip each layer goes to.

Streams follow the graph, so regions take contiguous runs of it: a dynamic program over where each run
ends finds the assignment that fits with the fewest wires between regions, or, where none fits, the one
whose fullest region is least full.
"""

from collections.abc import Mapping, Sequence

from tomato.schedule.streams import OUTPUT, Edge
from tomato.targets import Resources, Target

CROSSING = 2
"""Registers on a stream for each border that it crosses: one on either side."""


def assign(costs: Mapping[str, Resources], links: Sequence[Edge], target: Target) -> dict[str, int]:
    """Region of every node that has hardware, 0 first: as few regions as hold the network.

    costs: what each node takes.
    """
    names = list(costs)
    for regions in range(1, target.slrs + 1):
        fullest, placed = _runs(names, costs, _wires(names, links), _room(target), regions)
        if fullest <= 1.0 or regions == target.slrs:
            break
    return placed


def fills(placed: Mapping[str, int], costs: Mapping[str, Resources], target: Target) -> list[float]:
    """How full each used region is: the share of its scarcest resource."""
    totals = [
        sum((costs[n] for n, r in placed.items() if r == region), start=Resources())
        for region in range(max(placed.values(), default=0) + 1)
    ]
    return [_fill(cost, _room(target)) for cost in totals]


def crossings(links: Sequence[Edge], placed: Mapping[str, int]) -> dict[str, int]:
    """Registers that every edge needs on its way between regions, by edge name.

    Layers that `placed` leaves out, and the inputs, are in region 0; outputs leave where they are made.
    """
    hops = {
        e.name: CROSSING * abs(placed.get(e.value, 0) - placed.get(e.consumer, 0))
        for e in links
        if e.consumer != OUTPUT
    }
    return {name: n for name, n in hops.items() if n}


def _runs(
    names: Sequence[str], costs: Mapping[str, Resources], wires: Sequence[int], room: Resources, regions: int
) -> tuple[float, dict[str, int]]:
    """How full the fullest region is, and the region of every node, with the nodes cut into `regions` runs."""
    prefix = [Resources()]
    for name in names:
        prefix.append(prefix[-1] + costs[name])
    share = [[_fill(prefix[i] - prefix[j], room) for j in range(i + 1)] for i in range(len(names) + 1)]
    # best[i]: (fullest region, at least 1; wires between regions; where the runs start) of the first i nodes
    best: list[tuple[float, int, tuple[int, ...]]] = [(1.0, 0, ()), *[(float("inf"), 0, ())] * len(names)]
    for _ in range(regions):
        best = [
            min((max(best[j][0], share[i][j]), best[j][1] + wires[j], (*best[j][2], j)) for j in range(i + 1))
            for i in range(len(names) + 1)
        ]
    fullest, _, starts = best[-1]
    return fullest, {name: max(r for r, at in enumerate(starts) if at <= i) for i, name in enumerate(names)}


def _fill(cost: Resources, room: Resources) -> float:
    """Share of the scarcest resource."""
    limits = room.counts()
    return max((n / max(limits[kind], 1) for kind, n in cost.counts().items()), default=0.0)


def _room(target: Target) -> Resources:
    """What one region offers: an equal part of what a design may use."""
    return Resources(**{kind: n // target.slrs for kind, n in target.usable.counts().items()})


def _wires(names: Sequence[str], links: Sequence[Edge]) -> list[int]:
    """Wires that a cut in front of each node would cross."""
    place = {name: i for i, name in enumerate(names)}
    cuts = [0] * (len(names) + 1)
    for edge in links:
        source, sink = place.get(edge.value, -1), place.get(edge.consumer, len(names))
        for i in range(source + 1, min(sink, len(names) - 1) + 1):
            cuts[i] += edge.from_lanes * edge.from_type.codes.bits + 2
    cuts[0] = 0  # no border in front of the first node
    return cuts
