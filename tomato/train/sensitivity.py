"""What pruning a layer alone costs, and how much of each to prune so that it costs least."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tomato.core.errors import TomatoError, check_number
from tomato.core.formats import Array, Tensor
from tomato.core.interpret import Player, in_batches
from tomato.core.ir import Builder, Graph, Node
from tomato.core.progress import Progress, silent
from tomato.ops.weighted import Weighted
from tomato.search.subject import distance
from tomato.train.allocation import spread
from tomato.train.named import layers, with_weight

GRID = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
"""Sparsities that are tried: below the first, hardly any layer loses anything."""


@dataclass(frozen=True, slots=True)
class Curve:
    """What a layer costs by the share of its weights that are 0, ascending; at 0 it costs nothing."""

    sparsities: tuple[float, ...]
    losses: tuple[float, ...]


def magnitude_mask(weight: Array, sparsity: float) -> Array:
    """Whether each weight stays where the smallest go, to the nearest whole number of them; of equals the first go."""
    order = np.argsort(np.abs(weight), axis=None, kind="stable")
    mask = np.ones(weight.size, dtype=bool)
    mask[order[: round(sparsity * weight.size)]] = False
    return mask.reshape(weight.shape)


def measure(
    graph: Graph, frames: Mapping[str, Array], *, grid: Sequence[float] = GRID, progress: Progress = silent
) -> dict[str, Curve]:
    """The curve of every layer, by the name of its node (sensitivity scan: Han et al. 2015).

    frames: a real number per element of the graph's inputs, (frames, height, width, channels). The loss is `distance`,
    the mean over the outputs: of answers that are class probabilities their divergence. No labels are needed.
    """
    for sparsity in grid:
        check_number("a sparsity to try", sparsity, 0, 1)
    real, nodes = _play(graph, frames), layers(graph)
    found = {}
    for i, node in enumerate(nodes):
        progress("Sensitivity to pruning", i, len(nodes))
        losses = []
        for sparsity in sorted(grid):
            got = _play(pruned(graph, {node.name: sparsity}), frames)
            losses.append(float(np.mean([distance(r, g) for r, g in zip(real, got, strict=True)])))
        found[node.name] = Curve(tuple(sorted(grid)), tuple(losses))
    progress("Sensitivity to pruning", len(nodes), len(nodes))
    return found


def pruned(graph: Graph, sparsities: Mapping[str, float]) -> Graph:
    """The graph with its smallest weights 0, the share of each layer by the name of its node."""

    def rewrite(node: Node, build: Builder) -> str | None:
        if node.name not in sparsities:
            return None
        assert isinstance(node.op, Weighted)
        weight = node.op.weight.values
        op = with_weight(node.op, Tensor(np.where(magnitude_mask(weight, sparsities[node.name]), weight, 0.0)))
        return build.add(op, node.args, node.name, node.origin)

    return graph.rebuild(rewrite)


def sizes(graph: Graph, *, macs: bool = False) -> dict[str, int]:
    """The weights of every layer, or its multiply-accumulates of a frame, by the name of its node."""
    return {n.name: n.op.macs(graph.args_of(n)) if macs else _weights(n) for n in layers(graph)}


def allocate(curves: Mapping[str, Curve], sizes: Mapping[str, int], sparsity: float) -> dict[str, float]:
    """The sparsity of each layer that costs least in sum, so that the network has `sparsity`, counted in `sizes`.

    Layers without a curve stay whole, and count. Between the points of a curve its lower hull counts. TomatoError
    where the curves do not reach that far.
    """
    check_number("the sparsity of the network", sparsity, 0, 1)
    names = list(curves)
    offers = [(np.array(curves[n].sparsities) * sizes[n], np.array(curves[n].losses)) for n in names]
    total = sum(sizes.values())
    given = spread(offers, sparsity * total)
    if given is None:
        most = sum(float(amounts.max()) for amounts, _ in offers) / max(total, 1)
        raise TomatoError(
            f"a sparsity of {sparsity:.1%} is more than the {most:.1%} that was tried",
            hint="try higher sparsities, or ask for less",
        )
    return {name: amount / max(sizes[name], 1) for name, amount in zip(names, given, strict=True)}


def _play(graph: Graph, frames: Mapping[str, Array]) -> list[Array]:
    player = Player(graph)
    found = [player.play({n: x.astype(np.float64) for n, x in batch.items()}) for batch in in_batches(frames)]
    return [np.concatenate([outputs[name] for outputs in found]) for name in graph.outputs]


def _weights(node: Node) -> int:
    assert isinstance(node.op, Weighted)
    return node.op.weight.values.size
