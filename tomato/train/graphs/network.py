"""One network over many graphs: what is trained on the whole graph is the module that a small part of it compiles to.

`Trainable` holds the compiler's real graph over the edges of the part for the chip. Its weights, steps, places of codes
and rounding of biases do not depend on which nodes there are; only the matrices that gather from neighbours do. So
`Passing` plays the same module on the whole graph: nodes in place of pixels, sparse matrices in place of its constant
ones, and nothing where pixels and channels change places.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from tomato.core.formats import Array
from tomato.core.ir import Graph
from tomato.ops.move import Transpose
from tomato.passes.groups import Group
from tomato.quantise.precision import LayerFormat
from tomato.search.graphs.build import Weights, graph, ports, precision
from tomato.search.graphs.data import GraphData
from tomato.search.graphs.layers import FEATURES, Layer, Matrix
from tomato.train.graphs.sparse import Sparse
from tomato.train.trainable import Trainable

FRAMES = 32
"""Frames of features that ranges are measured on."""


def trainable(layers: Sequence[Layer], part: GraphData, weights: Weights) -> Trainable:
    """A float network over the nodes and edges of a small graph, to be trained on a larger one by `Passing`."""
    made: Graph = graph(layers, part, weights)
    features, scores = ports(layers, made)
    net = Trainable(made, (features,), (scores,))
    for layer in layers:
        if layer.matrix:
            net.module.layer(layer.name).requires_grad_(requires_grad=False)
    return net


def quantise(net: Trainable, layers: Sequence[Layer], data: GraphData, part: GraphData) -> None:
    """Put quantisers into the network of a part, with ranges measured on the part and on features of other nodes.

    The weights of neighbours get the codes that they have in the whole graph: they are not trained.
    """
    net.quantise(precision(layers, data.entered), np.concatenate([part.x[None], _frames(data, part.nodes)]))
    entered = net.module.quantiser(FEATURES)
    assert entered is not None, "the features have codes"
    entered.requires_grad_(requires_grad=False)
    for layer in layers:
        if not layer.matrix:
            continue
        inner = net.module.layer(layer.name)
        assert inner.quantiser is not None, "a gather has codes"
        targets, _, values = part.matrix(layer.matrix)
        with torch.no_grad():
            inner.quantiser.scale_log2.copy_(
                edge_scales(targets, values, part.nodes, LayerFormat.parse(layer.form).weight_bits)
            )
        inner.requires_grad_(requires_grad=False)


def edge_scales(targets: Array, values: Array, nodes: int, bits: int) -> torch.Tensor:
    """Of each node, as logarithm to base 2, (nodes,): the greatest weight of its neighbours has the greatest code.

    A node without neighbours has that of a weight of 1.
    """
    most = np.zeros(nodes)
    np.maximum.at(most, targets, values)
    scale = np.where(most > 0, most, 1.0) / ((1 << (bits - 1)) - 1)
    return torch.from_numpy(np.log2(scale).astype(np.float32))


def edge_matrix(data: GraphData, kind: Matrix, bits: int | None = None) -> Sparse:
    """What gathers from neighbours: targets from sources, rounded to codes of so many bits unless None."""
    targets, sources, values = data.matrix(kind)
    if bits is not None:
        scale = torch.exp2(edge_scales(targets, values, data.nodes, bits))[torch.from_numpy(targets)]
        values = ((torch.from_numpy(values.astype(np.float32)) / scale).round() * scale).numpy()
    return Sparse(targets, sources, values, (data.nodes, data.nodes))


def _frames(data: GraphData, nodes: int) -> Array:
    """Features of nodes drawn evenly, as frames of so many; edges between them mean nothing."""
    count = min(FRAMES, max(1, data.nodes // nodes))
    places = np.random.default_rng(0).permutation(data.nodes)[: count * nodes]
    places = np.resize(places, count * nodes)
    return data.x[places].reshape(count, nodes, -1)


class Passing:
    """Plays the module of a `Trainable` on a graph of any size."""

    def __init__(self, net: Trainable, layers: Sequence[Layer], data: GraphData) -> None:
        self.net, self.data = net.module, data
        self.layers: Mapping[str, Layer] = {layer.name: layer for layer in layers}
        self.features = Sparse.of(data.x)
        entered = self.net.quantiser(FEATURES)
        if entered is not None:
            with torch.no_grad():
                self.features = self.features.with_values(entered(self.features.values[None])[0])
        kinds = {(layer.matrix, self._bits(layer)) for layer in layers if layer.matrix}
        self.matrices = {key: edge_matrix(data, *key) for key in sorted(kinds, key=str)}

    def _bits(self, layer: Layer) -> int | None:
        return LayerFormat.parse(layer.form).weight_bits if len(self.net.quantisers) else None

    def scores(self, dropout: float = 0.0) -> torch.Tensor:
        """Of every node, (nodes, classes). dropout: of what goes into layers with weights."""
        env: dict[str, torch.Tensor] = {}
        steps: dict[str, torch.Tensor] = {}
        entered = self.net.quantiser(FEATURES)
        if entered is not None:
            steps[FEATURES] = entered.scale
        for group in self.net.groups:
            first, name = group.head.args[0], group.output
            if isinstance(group.head.op, Transpose):
                env[name] = env[first]
                if first in steps:
                    steps[name] = steps[first]
                continue
            value = self._value(group, env, steps.get(first), dropout)
            quantiser = self.net.quantiser(name)
            if quantiser is not None:
                steps[name], value = quantiser.scale, quantiser(value[None])[0]
            env[name] = value
        return env[self.net.graph.outputs[0]]

    def _value(
        self, group: Group, env: Mapping[str, torch.Tensor], step: torch.Tensor | None, dropout: float
    ) -> torch.Tensor:
        """What a group computes for all nodes, (nodes, channels), in front of its codes."""
        head = group.head
        layer = self.layers.get(head.name)
        if layer is None or layer.work not in ("dense", "gather"):
            return self.net.group(group, [env[a] for a in head.args], step)
        if layer.matrix:
            value = self.matrices[layer.matrix, self._bits(layer)] @ env[head.args[0]]
        else:
            inner, weight = self.net.layer(head.name), self.net.layer(head.name).effective_weight()
            if head.args[0] == FEATURES:
                total = (self.features.dropped(dropout) if dropout else self.features) @ weight
            else:
                total = torch.nn.functional.dropout(env[head.args[0]], dropout) @ weight
            value = inner.behind(total, step)
        return value.clamp(group.ramp.lo, group.ramp.hi)

    @torch.no_grad()
    def right(self, mask: Array) -> float:
        """The share of the nodes of a mask whose class has the highest score, rounding as in training."""
        best = self.scores().argmax(dim=1).numpy()
        return float((best[mask] == self.data.labels[mask]).mean())
