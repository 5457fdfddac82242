"""Benchmark networks: real topologies with random weights, made on the spot."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import onnx

from examples.networks.mobilenet import mobilenet_v1, mobilenet_v2
from examples.networks.resnet import resnet18, resnet20, resnet50
from examples.networks.thin import thin
from examples.networks.vgg import vgg16


@dataclass(frozen=True, slots=True)
class Network:
    """A generator of models, the picture size it is published for, and the total of its strides."""

    build: Callable[[int, int], onnx.ModelProto]
    size: int = 224
    stride: int = 32


NETWORKS: Final[Mapping[str, Network]] = MappingProxyType(
    {
        "mobilenet_v1": Network(mobilenet_v1),
        "mobilenet_v2": Network(mobilenet_v2),
        "resnet18": Network(resnet18),
        "resnet50": Network(resnet50),
        "vgg16": Network(vgg16),
        "resnet20": Network(resnet20, size=32, stride=4),
    }
)


def generate(name: str, *, seed: int = 0, size: int | None = None, zero_words: float = 0.0) -> onnx.ModelProto:
    """The network of that name for pictures of size x size, float32, NCHW, with a free batch dimension.

    zero_words: the share of words of weights that are zero, see `thin`. The same arguments give the same weights.
    ValueError says what is wrong with the name, the size or the share.
    """
    if name not in NETWORKS:
        raise ValueError(f"there is no network {name!r}; there are {', '.join(NETWORKS)}")
    network = NETWORKS[name]
    side = network.size if size is None else size
    if side < network.stride or side % network.stride:
        raise ValueError(f"{name} takes pictures whose size is a multiple of {network.stride}, not {side}")
    model = network.build(seed, side)
    if zero_words:
        thin(model, zero_words, seed=seed)
    return model


def save(name: str, path: Path, *, seed: int = 0, size: int | None = None, zero_words: float = 0.0) -> None:
    """Write that network to an ONNX file, its folder included."""
    model = generate(name, seed=seed, size=size, zero_words=zero_words)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
