"""A small network, data that it can learn, and what tests of training ask of both."""

from collections.abc import Sequence

import numpy as np
import torch

from tests.networks.nets import Net
from tomato.core.formats import Array, Tensor
from tomato.core.interface import Port, Slot
from tomato.core.ir import Graph, Shape
from tomato.ops.move import Reshape
from tomato.ops.pool import MaxPool
from tomato.ops.window import Window
from tomato.train.data import Frames
from tomato.train.module import Network

torch.set_num_threads(1)
"""Threads that wait for each other are no faster on small frames, and very slow beside other tests."""
SHAPE = (2, 6, 4)
"""Of a frame: channels, height, width."""
CLASSES = 3
SLOT = Slot("x", SHAPE, "float32")


def graph(seed: int = 0) -> Graph:
    """Convolution, bias, ReLU, pool, scores."""
    net = Net(6, 4, 2, seed=seed)
    x = net.relu(net.affine(net.conv("x", 5, Window((3, 3), pads=(1, 1, 1, 1))), bias_only=True))
    x = net.add(Reshape((1, 1, 30)), net.add(MaxPool(Window((2, 2), (2, 2))), x))
    return net.graph(net.affine(net.dense(x, CLASSES), bias_only=True, name="scores"))


def port(name: str, value: str, shape: Shape) -> Port:
    """The ONNX tensor of a value: channels in front, or a vector."""
    order: Array = np.arange(int(np.prod(shape))).reshape(shape).transpose(2, 0, 1)
    order = order.reshape(-1) if shape[:2] == (1, 1) else order
    return Port(name, value, order.shape, Tensor(order))


def network(seed: int = 0, made: Graph | None = None) -> Network:
    made = made or graph(seed)
    return Network(
        made,
        tuple(port(name, name, kind.shape) for name, kind in made.inputs),
        tuple(port(f"y{i}", name, made.types[name].shape) for i, name in enumerate(made.outputs)),
    )


def pictures(count: int = 96, seed: int = 5) -> tuple[Array, Array]:
    """Frames and their classes: noise, brighter in the rows of the class."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, count)
    x = rng.normal(size=(count, *SHAPE)).astype(np.float32)
    for frame, label in zip(x, labels, strict=True):
        frame[:, 2 * label : 2 * label + 2] += 1.5
    return x, labels


def frames(count: int = 96, *, labelled: bool = True, seed: int = 5) -> Frames:
    x, labels = pictures(count, seed)
    return Frames.of([SLOT], [x], labels if labelled else None)


def bits(network: Network) -> Sequence[bytes]:
    """All parameters and buffers, bit for bit."""
    return [value.numpy().tobytes() for value in network.state_dict().values()]
