"""Layers become a real graph, with weights that are given or drawn."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import inf

import numpy as np

from tomato.core.formats import Array, Real, Tensor
from tomato.core.interface import Port
from tomato.core.ir import Builder, Graph, Shape, TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.join import Add
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.real import Affine, Clip
from tomato.ops.window import Window
from tomato.quantise.precision import END_BITS, LayerFormat, Precision
from tomato.search.network.layers import HEAD, IMAGE, Layer

Weights = Callable[[Layer, tuple[int, ...]], tuple[Array, Array]]
"""Weights (kernel height, kernel width, channels in of a group, channels out; of "dense" the last two) and biases of a
layer, given the shape of those weights."""


@lru_cache(maxsize=4096)
def drawn_of(shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Weights and biases that depend on the shape of the weights alone (He et al., 2015)."""
    rng = np.random.default_rng(shape)
    return rng.normal(0.0, np.sqrt(2.0 / np.prod(shape[:-1])), shape), rng.normal(0.0, 0.05, shape[-1])


def drawn(_: Layer, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """The same of a layer: equal layers of two networks are equal."""
    return drawn_of(shape)


def graph(layers: Sequence[Layer], frame: Shape, weights: Weights = drawn, name: str = "network") -> Graph:
    """The real graph of layers whose input is `frame`, (height, width, channels): what an importer would make of it."""
    inputs = ((IMAGE, TensorType(frame, Real())),)
    build = Builder(inputs)
    values = {IMAGE: IMAGE}
    for layer in layers:
        args = [values[a] for a in layer.args]
        values[layer.name] = _append(build, layer, args, weights)
    return Graph(name, inputs, tuple(build.nodes), (values[layers[-1].name],))


def _append(build: Builder, layer: Layer, args: list[str], weights: Weights) -> str:
    """The nodes of one layer; the name of its value."""
    name, origin, channels = layer.name, (layer.name,), build.types[args[0]].channels
    window = Window((layer.kernel,) * 2, (layer.stride,) * 2, pads=_pads(layer, build.types[args[0]].shape))
    if layer.weighted:
        weight, bias = weights(layer, weight_shape(layer, channels))
        groups = channels if layer.work == "depthwise" else 1
        op = Dense(Tensor(weight)) if layer.work == "dense" else Conv2d(Tensor(weight), window, groups)
        head = build.add(op, args, name, origin)
        value = build.add(Affine(Tensor(np.ones(1)), Tensor(bias)), [head], f"{name}_bias", origin)
    elif layer.work == "add":
        value = build.add(Add(), args, name, origin)
    elif layer.work == "max":
        value = build.add(MaxPool(window), args, name, origin)
    else:
        pixels = layer.kernel**2 if layer.work == "shrink" else build.types[args[0]].pixels
        sums = build.add(SumPool(window) if layer.work == "shrink" else GlobalSum(), args, name, origin)
        value = build.add(Affine(Tensor(np.array([1.0 / pixels])), Tensor(np.zeros(1))), [sums], f"{name}_mean", origin)
    return build.add(Clip(0.0, inf), [value], f"{name}_relu", origin) if layer.relu else value


def weight_shape(layer: Layer, channels: int) -> tuple[int, ...]:
    """Of a layer's weights where its input has so many channels."""
    if layer.work == "dense":
        return channels, layer.shape[2]
    return layer.kernel, layer.kernel, 1 if layer.work == "depthwise" else channels, layer.shape[2]


def _pads(layer: Layer, given: Shape) -> tuple[int, int, int, int]:
    """Zeros around a picture, so that the result is as large as `Layer.shape` says: top, left, bottom, right."""
    if layer.work not in ("conv", "depthwise"):
        return 0, 0, 0, 0
    before = (layer.kernel - 1) // 2
    sizes = zip(layer.shape, given, strict=True)
    after = [max(0, (out - 1) * layer.stride + layer.kernel - size - before) for out, size in sizes]
    return before, before, after[0], after[1]


def ports(made: Graph) -> tuple[Port, Port]:
    """The model's input, (channels, height, width), and its scores."""
    (image, kind), (scores,) = made.inputs[0], made.outputs
    height, width, channels = kind.shape
    order = np.arange(height * width * channels).reshape(kind.shape).transpose(2, 0, 1)
    classes = made.types[scores].channels
    return (
        Port(image, image, (channels, height, width), Tensor(order)),
        Port(HEAD, scores, (classes,), Tensor(np.arange(classes))),
    )


def precision(layers: Sequence[Layer]) -> Precision:
    """The formats of the layers, in the compiler's own words; the weights at both ends have 8 bits at least.

    Sums, means and scores have other names behind their own in a file.
    """
    forms = {layer.name: LayerFormat.parse(layer.form) for layer in layers if layer.form}
    weighted = [layer.name for layer in layers if layer.weighted]
    for name in (weighted[0], weighted[-1]):
        if forms[name].corrects:
            forms[name] = LayerFormat(END_BITS, forms[name].activation_bits)
    found = list(forms.values())
    common = max(dict.fromkeys(found), key=found.count)
    renamed = {layer.name for layer in layers if layer.work in ("add", "average", "shrink", "dense")}
    others = {f"{name}*" if name in renamed else name: form for name, form in forms.items() if form != common}
    return Precision(common.weight_bits, common.activation_bits, overrides=others, kind=common.kind)
