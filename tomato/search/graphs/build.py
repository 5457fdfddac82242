"""Layers become a real graph over a fixed set of edges: what the compiler would read from the exported file.

A node of the data is a pixel, (nodes, 1, channels). Gathering from neighbours multiplies from the left, so that pixels
and channels change places around it: a constant matrix of which few entries are not zero (see docs/sparse.md). At the
end they stay so, and exact sums leave the chip; the host puts scores in order.
"""

from collections.abc import Callable, Sequence

import numpy as np

from tomato.core.formats import Array, Real, Tensor
from tomato.core.interface import Port
from tomato.core.ir import Builder, Graph, TensorType
from tomato.ops.dense import Dense
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Transpose
from tomato.ops.real import Affine, Clip, Function
from tomato.quantise.precision import LayerFormat, Precision
from tomato.search.graphs.data import GraphData
from tomato.search.graphs.layers import ENDS, FEATURES, SCORES, Layer, Matrix

Weights = Callable[[Layer, int], tuple[Array, Array]]
"""Weights (channels in, channels out) and biases of a dense layer with so many channels in."""
TANH = Function(("tanh", "x"))


def glorot(seed: int) -> Weights:
    """Weights to begin with (Glorot and Bengio, 2010), and biases of 0."""

    def weights(layer: Layer, given: int) -> tuple[Array, Array]:
        rng = np.random.default_rng([seed, *layer.name.encode()])
        limit = np.sqrt(6.0 / (given + layer.width))
        return rng.uniform(-limit, limit, (given, layer.width)), np.zeros(layer.width)

    return weights


def graph(found: Sequence[Layer], data: GraphData, weights: Weights, name: str = "network") -> Graph:
    """The real graph of layers over the nodes and edges of `data`."""
    inputs = ((FEATURES, TensorType((data.nodes, 1, data.x.shape[1]), Real())),)
    build, values, matrices = Builder(inputs), {FEATURES: FEATURES}, dict[Matrix, Array]()
    for layer in found:
        if layer.matrix and layer.matrix not in matrices:
            targets, sources, by = data.matrix(layer.matrix)
            matrices[layer.matrix] = np.zeros((data.nodes, data.nodes))
            matrices[layer.matrix][sources, targets] = by
        args = [values[a] for a in layer.args]
        if layer.work == "gather":
            values[layer.name] = _gather(build, layer, args[0], matrices, back=layer is not found[-1])
        else:
            values[layer.name] = _append(build, layer, args, weights)
    return Graph(name, inputs, tuple(build.nodes), (values[found[-1].name],))


def _append(build: Builder, layer: Layer, args: list[str], weights: Weights) -> str:
    """The nodes of one layer that looks at every node alone; the name of its value."""
    name, origin, channels = layer.name, (layer.name,), build.types[args[0]].channels
    match layer.work:
        case "dense":
            weight, bias = weights(layer, channels)
            head = build.add(Dense(Tensor(weight)), args, name, origin)
            value = build.add(Affine(Tensor(np.ones(1)), Tensor(bias)), [head], f"{name}_bias", origin)
        case "tanh":
            return build.add(TANH, args, name, origin)
        case "add":
            value = build.add(Add(), args, name, origin)
        case "multiply":
            value = build.add(Multiply(), args, name, origin)
    return build.add(Clip(*ENDS[layer.ends]), [value], f"{name}_{layer.ends}", origin) if layer.ends else value


def _gather(build: Builder, layer: Layer, arg: str, matrices: dict[Matrix, Array], *, back: bool) -> str:
    """The matrix from the left: nodes become channels, are summed, and become pixels again if `back`."""
    name, origin, (nodes, _, channels) = layer.name, (layer.name,), build.types[arg].shape
    assert layer.matrix is not None, "a gather has its matrix"
    across = build.add(Transpose((nodes, channels), (1, 0), (channels, 1, nodes)), [arg], f"{name}_across", origin)
    value = build.add(Dense(Tensor(matrices[layer.matrix])), [across], name, origin)
    if layer.ends:
        value = build.add(Clip(*ENDS[layer.ends]), [value], f"{name}_{layer.ends}", origin)
    if not back:
        return value
    return build.add(Transpose((channels, nodes), (1, 0), (nodes, 1, channels)), [value], f"{name}_back", origin)


def ports(found: Sequence[Layer], made: Graph) -> tuple[Port, Port]:
    """The model's input, (nodes, features), and its scores, (nodes, classes), of the graph of some layers."""
    (features, kind), (scores,) = made.inputs[0], made.outputs
    nodes, classes = kind.shape[0], found[-1].width
    order: Array = np.arange(nodes * classes)
    order = order.reshape(classes, nodes).T if found[-1].work == "gather" else order.reshape(nodes, classes)
    entered = np.arange(nodes * kind.channels).reshape(nodes, kind.channels)
    return Port(features, features, entered.shape, Tensor(entered)), Port(SCORES, scores, order.shape, Tensor(order))


def precision(found: Sequence[Layer], entered: int) -> Precision:
    """The formats of the layers, in the compiler's own words. entered: bits of the features."""
    forms = {layer.name: LayerFormat.parse(layer.form) for layer in found}
    return Precision(overrides={FEATURES: LayerFormat(activation_bits=entered), **forms})
