"""Channels that are really removed: a smaller graph, everything that is coupled made smaller with it."""

from collections.abc import Mapping

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.ir import Graph
from tomato.ops.weighted import Weighted
from tomato.passes.coupling import Coupling, without
from tomato.train.biases import add_to_biases
from tomato.train.budgets import ONE_BY_ONE, Limit, Shares, Steps, by_limit, by_share
from tomato.train.named import layers


def remove_channels(
    graph: Graph,
    budget: Shares | Limit,
    *,
    scores: Mapping[str, Array] | None = None,
    steps: Steps = ONE_BY_ONE,
    means: Mapping[str, Array] | None = None,
) -> Graph:
    """The graph without the channels that matter least.

    scores: what channels matter, by value, a number per channel (so Taylor scores, Molchanov et al. 2019, which are
    added up where channels are coupled); else `group_norms`. means: of the values of the graph, see `Means`: what a
    removed channel gave on average goes into the biases behind, see `carried`.

    TomatoError where a share leaves nothing of a layer, or of no layer anything can go, or the limit cannot be met.
    """
    coupling = Coupling.of(graph)
    worth = group_norms(graph, coupling) if scores is None else summed(coupling, scores)
    orders = [family[np.argsort(worth[family], kind="stable")] for family in coupling.families]
    if isinstance(budget, Shares):
        counts = by_share(graph, coupling, budget, steps)
    else:
        counts = by_limit(graph, coupling, budget, [worth[order] for order in orders], steps)
    removed = np.concatenate([np.zeros(0, dtype=np.int64), *(o[:n] for o, n in zip(orders, counts, strict=True))])
    smaller = without(graph, coupling, removed)
    return add_to_biases(smaller, carried(graph, coupling, removed, means)) if means else smaller


def group_norms(graph: Graph, coupling: Coupling) -> Array:
    """What each set of channels matters: the mean over the layers of the squares of the weights that go with it.

    In units of what a channel of that layer has on average: the group norm of dependency graphs (Fang et al. 2023).
    """
    total, touched = np.zeros(coupling.free.size), np.zeros(coupling.free.size)
    for node in layers(graph):
        assert isinstance(node.op, Weighted)
        squares = node.op.weight.values**2
        out = squares.sum(axis=node.op.summed)
        rows = squares.reshape(-1, *squares.shape[-2:]).sum(axis=0)
        into = rows.reshape(len(rows), node.op.groups, -1).sum(axis=2).T.ravel()
        sides = (
            [(node.name, out)] if node.op.groups > 1 and len(rows) == 1 else [(node.name, out), (node.args[0], into)]
        )
        for value, norms in sides:
            mean = norms.mean()
            np.add.at(total, coupling.sets[value], norms / mean if mean else norms)
            np.add.at(touched, coupling.sets[value], 1.0)
    return np.asarray(total / np.maximum(touched, 1.0))


def summed(coupling: Coupling, scores: Mapping[str, Array]) -> Array:
    """What each set of channels matters: the sum of the scores that are given for channels of some values."""
    total = np.zeros(coupling.free.size)
    for value, numbers in scores.items():
        if value not in coupling.sets or numbers.shape != coupling.sets[value].shape:
            known = (
                f"has {coupling.sets[value].size} channels" if value in coupling.sets else "is no value of the graph"
            )
            raise TomatoError(f"scores of shape {numbers.shape} are given for {value}, which {known}")
        np.add.at(total, coupling.sets[value], numbers)
    return total


def carried(graph: Graph, coupling: Coupling, removed: Array, means: Mapping[str, Array]) -> dict[str, Array]:
    """What removed channels gave on average to the channels that stay of the layers that read them.

    Exact for channels that are constant, but where a layer's window reaches over the border. Layers that lose no
    channel that they read, and those that work channel by channel, are absent.
    """
    found: dict[str, Array] = {}
    for node in layers(graph):
        assert isinstance(node.op, Weighted)
        gone = np.isin(coupling.sets[node.args[0]], removed)
        weight, groups = node.op.weight.values, node.op.groups
        if not gone.any() or (groups > 1 and weight.shape[-2] == 1):
            continue
        lost = node.op.per_weight(np.where(gone, means[node.args[0]], 0.0))
        given = (weight * lost).sum(axis=node.op.summed)
        found[node.name] = given[~np.isin(coupling.sets[node.name], removed)]
    return found
