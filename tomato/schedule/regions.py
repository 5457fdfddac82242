"""Super logic regions: what each die of a stacked chip offers, and how layers are cut into runs over them.

Where the choice of engines is given, a dynamic program over where each run of layers ends finds the
contiguous runs that fit with the fewest wires between regions, or, where none fit, those whose fullest
region is least full. Where they do not fit, floorplan.py changes the choice.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from tomato.schedule.streams import OUTPUT, Edge
from tomato.targets import Resources, Target

SLACK = 1.15
"""How much more than its even part of a design a region may take: `fill` holds for the chip, on average.

A region at 1.15 of a fill of 70 % has 80 % of its LUTs in use, and never more than the shell leaves it.
"""
CROSSING = 2
"""Registers on a stream for each border that it crosses: one on either side."""


def rooms(target: Target) -> tuple[Resources, ...]:
    """What a design may use of each region: SLACK times its even part, at most what the shell leaves of it.

    The shell takes the same part of every region. Regions are equal where nothing is published.
    """
    if target.slrs == 1:
        return (target.usable,)
    chip, left, usable = target.budget.counts(), (target.budget - target.shell).counts(), target.usable.counts()
    even = Resources(**{kind: n // target.slrs for kind, n in chip.items()})
    return tuple(
        Resources(**{
            kind: int(min(usable[kind] * SLACK, left[kind]) * n) // max(chip[kind], 1)
            for kind, n in own.counts().items()
        })
        for own in target.slr or (even,) * target.slrs
    )  # fmt: skip


def assign(
    costs: Mapping[str, Resources], links: Sequence[Edge], offered: Sequence[Resources]
) -> tuple[float, dict[str, int]]:
    """How full the fullest region is (1.0: all fit), and the region of every node, 0 first: as few as hold the network.

    costs: what each node takes. offered: what each region has room for.
    """
    names = list(costs)
    wires = _wires(names, links)
    for regions in range(1, len(offered) + 1):
        fullest, placed = _runs(names, costs, wires, offered[:regions])
        if fullest <= 1.0:
            break
    return fullest, placed


def fills(placed: Mapping[str, int], costs: Mapping[str, Resources], offered: Sequence[Resources]) -> list[float]:
    """How full each used region is: the share of its scarcest resource."""
    totals = [
        sum((costs[n] for n, r in placed.items() if r == region), start=Resources())
        for region in range(max(placed.values(), default=0) + 1)
    ]
    return [_fill(cost, room) for cost, room in zip(totals, offered, strict=False)]


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
    names: Sequence[str], costs: Mapping[str, Resources], wires: Sequence[int], offered: Sequence[Resources]
) -> tuple[float, dict[str, int]]:
    """How full the fullest region is, and the region of every node, with the nodes cut into one run per region."""
    sums = np.cumsum([Resources(), *(costs[name] for name in names)], axis=0)
    taken = sums[:, None, :] - sums[None, :, :]  # by the nodes from j up to i
    shares = {room: (taken / np.maximum(room, 1)).max(axis=2).tolist() for room in set(offered)}
    # best[i]: (fullest region, at least 1; wires between regions; where the runs start) of the first i nodes
    best: list[tuple[float, int, tuple[int, ...]]] = [(1.0, 0, ()), *[(float("inf"), 0, ())] * len(names)]
    for room in offered:
        share = shares[room]
        best = [
            min((max(best[j][0], share[i][j]), best[j][1] + wires[j], (*best[j][2], j)) for j in range(i + 1))
            for i in range(len(names) + 1)
        ]
    fullest, _, starts = best[-1]
    return fullest, {name: max(r for r, at in enumerate(starts) if at <= i) for i, name in enumerate(names)}


def _fill(cost: Resources, room: Resources) -> float:
    """Share of the scarcest resource."""
    return max(n / max(most, 1) for n, most in zip(cost, room, strict=True))


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
