"""Which channels of a graph can only go together."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.ir import Graph
from tomato.passes.ties import RULES
from tomato.passes.unions import Unions


@dataclass(frozen=True, slots=True, eq=False)
class Coupling:
    """The channels of all values, in sets of which all or none can be removed (dependency graph, Fang et al. 2023).

    sets: by value, the set of each of its channels. free: by set, whether it can be removed. families: the free sets
    that lie in the same values as often as each other.
    """

    sets: Mapping[str, Array]
    free: Array
    families: tuple[Array, ...]

    @classmethod
    def of(cls, graph: Graph) -> Self:
        """Follows every operator of the graph, see `ties`; what it cannot follow is not free.

        Neither are inputs and outputs of the network, and a set that is alone in its family: it may be a whole value.
        """
        sets, fixed = _follow(graph)
        count = max(int(labels.max()) for labels in sets.values()) + 1
        free = np.ones(count, dtype=bool)
        free[fixed] = False
        held = np.stack([np.bincount(labels, minlength=count) for labels in sets.values()])
        alike: dict[bytes, list[int]] = {}
        for which in np.flatnonzero(free):
            alike.setdefault(held[:, which].tobytes(), []).append(int(which))
        families = tuple(np.array(members) for members in alike.values() if len(members) > 1)
        free[:] = False
        for members in families:
            free[members] = True
        return cls(sets, free, families)

    def family_of(self, value: str) -> tuple[Array, ...]:
        """The families that lie in a value."""
        return tuple(f for f in self.families if np.any(self.sets[value] == f[0]))


def _follow(graph: Graph) -> tuple[dict[str, Array], Array]:
    """The sets of every value's channels, and the sets that cannot be removed."""
    types = graph.types
    ends = np.cumsum([0, *(kind.channels for kind in types.values())])
    place = {name: np.arange(a, b) for name, (a, b) in zip(types, pairwise(ends.tolist()), strict=True)}
    unions, whole = Unions(int(ends[-1])), {name for name, _ in graph.inputs}.union(graph.outputs)
    for node in graph:
        values = (*node.args, node.name)
        rule = RULES.get(type(node.op))
        if rule is None:
            whole.update(values)
            continue
        labels = np.concatenate(rule.ties(node.op, [types[a] for a in node.args], node.type))
        places = np.concatenate([place[v] for v in values])
        order = np.argsort(labels, kind="stable")
        same = labels[order][1:] == labels[order][:-1]
        unions.merge(zip(places[order][:-1][same].tolist(), places[order][1:][same].tolist(), strict=True))
    found = unions.labels()
    sets = {name: found[at] for name, at in place.items()}
    return sets, np.unique(np.concatenate([sets[name] for name in whole]))


def without(graph: Graph, coupling: Coupling, removed: Array) -> Graph:
    """The graph without some sets of channels. Values keep their names.

    TomatoError names the first value of which nothing would be left.
    """
    stays = ~np.isin(np.arange(coupling.free.size), removed)
    assert coupling.free[~stays].all(), "a set that is not free cannot be removed"
    picks = {name: np.flatnonzero(stays[labels]) for name, labels in coupling.sets.items()}
    for node in graph:
        if not picks[node.name].size:
            raise TomatoError(f"no channel of {node.label} would be left", hint="remove fewer channels")
    return picked(graph, picks)


def picked(graph: Graph, picks: Mapping[str, Array]) -> Graph:
    """The graph on a choice of every value's channels, in another order where they stand in one.

    What goes together in `Coupling` must do so here. Values keep their names.
    """
    types = graph.types
    whole = {
        name: pick.size == types[name].channels and bool(np.all(np.diff(pick) > 0)) for name, pick in picks.items()
    }
    nodes = {}
    for node in graph:
        values = (*node.args, node.name)
        if all(whole[v] for v in values):
            nodes[node.name] = node.op
        else:
            kinds = [types[a] for a in node.args]
            nodes[node.name] = RULES[type(node.op)].picked(node.op, kinds, [picks[v] for v in values])
    return graph.rebuild(lambda node, build: build.add(nodes[node.name], node.args, node.name, node.origin))
