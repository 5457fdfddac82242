"""Channels that change places: what is computed stays the same, in an order that suits the hardware better."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tomato.core.formats import Array, Tensor
from tomato.core.ir import Graph
from tomato.passes.coupling import Coupling, picked
from tomato.passes.ties import RULES


def reorder_channels(graph: Graph, coupling: Coupling, taken: Array) -> Graph:
    """The graph in which the channels of set `taken[s]` stand where those of set s stood.

    Sets change places with others of a family of `exchangeable` only, so inputs and outputs stay as they are, and all
    else is what it was, in the order that the graph's `orders` say.
    """
    picks = {name: placed(labels, taken) for name, labels in coupling.sets.items()}
    moved = picked(graph, picks)
    orders = {name: _after(graph.orders.get(name), pick) for name, pick in picks.items() if np.any(np.diff(pick) < 0)}
    return replace(moved, orders={**graph.orders, **orders})


def exchangeable(graph: Graph, coupling: Coupling) -> tuple[Array, ...]:
    """The families whose sets may change places in any way.

    Those of `coupling`, but for some that a concatenation, a slice and the like together tie to their places.
    """
    return tuple(family for family in coupling.families if _free(graph, coupling, family))


def placed(labels: Array, taken: Array) -> Array:
    """Which channel stands at each place when sets change places: the first of a set where the other's first stood."""
    pick = np.empty(labels.size, dtype=np.int64)
    pick[np.argsort(taken[labels], kind="stable")] = np.argsort(labels, kind="stable")
    return pick


def _after(before: Tensor | None, pick: Array) -> Tensor:
    """The order behind two changes of it."""
    return Tensor(pick if before is None else before.values[pick])


def _free(graph: Graph, coupling: Coupling, family: Array) -> bool:
    """Whether each operator gives the same for sets that change places, but for their places.

    Two changes that make all others are enough: of two neighbours, and of all in a ring.
    """
    ring, swap = np.roll(family, 1), family.copy()
    swap[:2] = family[1::-1]
    within = {name: bool(np.any(np.isin(labels, family))) for name, labels in coupling.sets.items()}
    for some in (ring, swap):
        taken = np.arange(coupling.free.size)
        taken[family] = some
        picks = {name: placed(labels, taken) for name, labels in coupling.sets.items() if within[name]}
        if not _same(graph, picks):
            return False
    return True


def _same(graph: Graph, picks: Mapping[str, Array]) -> bool:
    """Whether every operator gives the channels of `picks` of its result for those of its arguments."""
    types = graph.types
    for node in graph:
        values = (*node.args, node.name)
        if any(v in picks for v in values):
            kinds, places = [types[a] for a in node.args], [picks.get(v, np.arange(types[v].channels)) for v in values]
            if not RULES[type(node.op)].changes_alike(node.op, kinds, places):
                return False
    return True
