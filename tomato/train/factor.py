"""Layers that become two or three smaller ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

import numpy as np

from tomato.core.errors import TomatoError, check_number
from tomato.core.formats import Array, Tensor
from tomato.core.ir import Builder, Graph, Node, Op, TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.quantise.weights.moments import Moments
from tomato.train import lowrank
from tomato.train.allocation import least_cost, spread
from tomato.train.biases import add_to_biases
from tomato.train.named import by_layer, layers

Ranks = tuple[int, ...]
"""Of a pointwise layer its rank; of another the channels into its core, and those out of it."""
WHITE: Mapping[str, Moments] = MappingProxyType({})
"""Nothing is known of the inputs of layers."""
COUNTS = 64
"""So many ranks of a layer at most are compared, at even distances."""


def factor_layers(graph: Graph, ranks: Mapping[str, Ranks], moments: Mapping[str, Moments] = WHITE) -> Graph:
    """The graph with layers of lower rank: pointwise ones as two, others as a convolution between two pointwise ones.

    ranks: by name or pattern. moments: of the inputs of layers (`Collector`), which outputs are kept near for; the
    error that is left on average goes into the bias. A layer stays as it is where it has groups, or a border that is
    not 0, or where its factors would not multiply less. The last factor has the layer's name, those in front of it
    the same with _in and _core.

    TomatoError where ranks do not suit a layer.
    """
    extra: dict[str, Array] = {}
    wanted = by_layer(graph, ranks)

    def rewrite(node: Node, build: Builder) -> str | None:
        layer = Layer.of(node, build.types[node.args[0]]) if node.name in wanted else None
        if layer is None or layer.macs(layer.checked(wanted[node.name])) >= layer.macs():
            return None
        known = moments.get(node.name)
        parts, product = layer.factors(wanted[node.name], known.covariance[0] if known else None)
        if known:
            extra[node.name] = known.mean[0] @ (layer.weight - product).reshape(-1, product.shape[-1])
        x = node.args[0]
        for suffix, op in parts:
            x = build.add(op, (x,), node.name + suffix, node.origin)
        return x

    return add_to_biases(graph.rebuild(rewrite), extra)


def ranks_by_energy(
    graph: Graph, energy: float, moments: Mapping[str, Moments] = WHITE, *, step: int = 1
) -> dict[str, Ranks]:
    """The lowest ranks that keep this share of the variance of each layer's output, rounded up to `step`.

    Layers that would not multiply less are absent.
    """
    check_number("the share of energy to keep", energy, 0, 1, open_=True)
    found = {}
    for layer in _layers(graph):
        modes = layer.tails(_covariance(moments, layer))
        least = [int(np.argmax(lost <= 1.0 - energy + 1e-12)) for lost in modes]
        ranks = tuple(min(full, -(-max(1, r) // step) * step) for r, full in zip(least, layer.full, strict=True))
        if layer.macs(ranks) < layer.macs():
            found[layer.node.name] = ranks
    return found


def ranks_by_macs(
    graph: Graph, share: float, moments: Mapping[str, Moments] = WHITE, *, step: int = 1
) -> dict[str, Ranks]:
    """The ranks, multiples of `step`, that leave this share of the network's multiply-accumulates and lose least.

    What is lost is the sum over the layers of the relative error of their outputs. TomatoError where no ranks do.
    """
    check_number("the share of multiply-accumulates to leave", share, 0, 1, open_=True)
    total = sum(node.op.macs(graph.args_of(node)) for node in graph)
    choices, offers = [], []
    for layer in _layers(graph):
        ranks, saved, lost = layer.offers(_covariance(moments, layer), step)
        choices.append((layer, ranks))
        offers.append((saved, lost))
    given = spread(offers, (1.0 - share) * total)
    if given is None:
        least = 1.0 - sum(float(saved.max(initial=0.0)) for saved, _ in offers) / max(total, 1)
        raise TomatoError(
            f"factors leave {least:.1%} of the multiply-accumulates or more, not {share:.1%}",
            hint="leave more, or take a smaller step of ranks",
        )
    found = {}
    for (layer, ranks), offer, amount in zip(choices, offers, given, strict=True):
        if amount > 0.0:
            found[layer.node.name] = ranks[least_cost(offer, amount)]
    return found


def _covariance(moments: Mapping[str, Moments], layer: "Layer") -> Array | None:
    known = moments.get(layer.node.name)
    return known.covariance[0] if known else None


def _layers(graph: Graph) -> list["Layer"]:
    found = (Layer.of(node, graph.types[node.args[0]]) for node in layers(graph))
    return [layer for layer in found if layer]


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A layer that can be factored: its node, its weight (taps, channels in, channels out) and its input's type."""

    node: Node
    weight: Array
    kind: TensorType

    @classmethod
    def of(cls, node: Node, kind: TensorType) -> Self | None:
        """None where the layer has groups, or a border that fewer channels could not have."""
        match node.op:
            case Dense(weight):
                return cls(node, weight.values[np.newaxis], kind)
            case Conv2d(weight, window, 1, border) if not (border and any(window.pads)):
                return cls(node, weight.values.reshape(window.taps, *weight.shape[2:]), kind)
        return None

    @property
    def pointwise(self) -> bool:
        """Whether it sees one pixel at a time."""
        return len(self.weight) == 1

    @property
    def full(self) -> Ranks:
        """The ranks at which nothing is lost."""
        return (min(self.weight.shape[1:]),) if self.pointwise else self.weight.shape[1:]

    def checked(self, ranks: Ranks) -> Ranks:
        """The ranks, or TomatoError if the layer cannot have them."""
        fits = len(ranks) == len(self.full) and all(1 <= r <= f for r, f in zip(ranks, self.full, strict=True))
        if not fits:
            raise TomatoError(
                f"the layer {self.node.label} cannot have the ranks {', '.join(map(str, ranks))}",
                hint=f"it takes {len(self.full)}, of 1 to {' and 1 to '.join(map(str, self.full))}",
            )
        return ranks

    def macs(self, ranks: Ranks | None = None) -> int:
        """Multiply-accumulates with these ranks, or as it is."""
        taps, into, out = map(int, self.weight.shape)
        behind = self.node.type.pixels
        if ranks is None:
            return behind * taps * into * out
        if self.pointwise:
            return behind * ranks[0] * (into + out)
        first, last = ranks
        ahead = self.kind.pixels * into * first if first < into else 0
        return ahead + behind * (taps * first * last + (last * out if last < out else 0))

    def tails(self, covariance: Array | None) -> tuple[Array, ...]:
        """By rank, what share of the output's variance is lost, for each of the ranks."""
        if self.pointwise:
            return (lowrank.tails(self.weight[0], covariance),)
        return lowrank.tucker_tails(self.weight, covariance)

    def offers(self, covariance: Array | None, step: int) -> tuple[list[Ranks], Array, Array]:
        """Ranks that multiply less, the multiply-accumulates that they save, and what they lose."""
        modes, whole = self.tails(covariance), self.macs()
        counts = [_counts(full, step) for full in self.full]
        grid = [
            tuple(int(r) for r in ranks) for ranks in np.stack(np.meshgrid(*counts), axis=-1).reshape(-1, len(counts))
        ]
        ranks = [r for r in grid if self.macs(r) < whole]
        lost = [sum(float(mode[r]) for mode, r in zip(modes, each, strict=True)) for each in ranks]
        return ranks, np.array([float(whole - self.macs(r)) for r in ranks]), np.array(lost)

    def factors(self, ranks: Ranks, covariance: Array | None) -> tuple[list[tuple[str, Op]], Array]:
        """What the names of the factors end in, their operators, and the weight that they are together."""
        op = self.node.op
        if self.pointwise:
            left, right = lowrank.svd(self.weight[0], ranks[0], covariance)
            first = (
                Conv2d(Tensor(left[np.newaxis, np.newaxis]), op.window)
                if isinstance(op, Conv2d)
                else Dense(Tensor(left))
            )
            return [("_in", first), ("", Dense(Tensor(right)))], (left @ right)[np.newaxis]
        assert isinstance(op, Conv2d)
        found = lowrank.tucker(self.weight, (ranks[0], ranks[1]), covariance)
        parts: list[tuple[str, Op]] = [] if found.into is None else [("_in", Dense(Tensor(found.into)))]
        core = Conv2d(Tensor(found.core.reshape(*op.window.kernel, *found.core.shape[1:])), op.window)
        if found.out is None:
            return [*parts, ("", core)], found.product
        return [*parts, ("_core", core), ("", Dense(Tensor(found.out)))], found.product


def _counts(full: int, step: int) -> Array:
    """Ranks to compare: multiples of the step, and all."""
    every = np.arange(step, full, step)
    some = (
        every[np.unique(np.linspace(0, every.size - 1, min(COUNTS, every.size)).astype(int))] if every.size else every
    )
    return np.append(some, full)
