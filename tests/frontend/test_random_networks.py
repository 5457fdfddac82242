"""Random chains of layers, reorderings and joins against ONNX Runtime: layouts must never get mixed up."""

import random
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from tests.frontend.tiny import Tiny, agree, op, randoms
from tomato.core.errors import TomatoError

NETWORKS = 60


class Chain:
    """A network under construction: the last value, its shape, the nodes and constants so far."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.seed = seed
        self.shape: tuple[int, ...] = (
            1,
            self.random.choice([2, 4, 6]),
            self.random.choice([4, 6]),
            self.random.choice([4, 6]),
        )
        self.start, self.last = self.shape, "x"
        self.nodes: list[Any] = []
        self.constants: dict[str, ArrayLike] = {}

    def constant(self, value: ArrayLike) -> str:
        """A new constant."""
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name

    def append(self, kind: str, *inputs: str, shape: tuple[int, ...] | None = None, **attributes: Any) -> None:
        """A node that reads the last value ("" in `inputs`) and becomes the last value."""
        name = f"t{len(self.nodes)}"
        self.nodes.append(op(kind, *(i or self.last for i in inputs), to=name, **attributes))
        self.last, self.shape = name, shape or self.shape

    def axis(self) -> int:
        """Any axis but the batch."""
        return self.random.randrange(1, len(self.shape))


def conv(net: Chain) -> None:
    if len(net.shape) == 4:
        weight = net.constant(randoms(4, net.shape[1], 1, 1, seed=net.seed))
        net.append("Conv", "", weight, shape=(1, 4, *net.shape[2:]))


def leaky(net: Chain) -> None:
    net.append("LeakyRelu", "")


def transpose(net: Chain) -> None:
    perm = [0, *net.random.sample(range(1, len(net.shape)), len(net.shape) - 1)]
    net.append("Transpose", "", shape=tuple(net.shape[p] for p in perm), perm=perm)


def reshape(net: Chain) -> None:
    size = prod(net.shape)
    a = net.random.choice([d for d in range(1, size + 1) if size % d == 0])
    b = net.random.choice([d for d in range(1, size + 1) if size // a % d == 0])
    shape = net.random.choice([(1, size), (1, a, size // a), (1, a, b, size // a // b)])
    net.append("Reshape", "", net.constant(np.array(shape)), shape=shape)


def channelwise(net: Chain) -> None:
    axis = net.axis()
    shape = tuple(size if a == axis else 1 for a, size in enumerate(net.shape))
    net.append(net.random.choice(["Add", "Mul"]), "", net.constant(randoms(*shape, seed=net.seed)))


def residual(net: Chain) -> None:
    before, shape = net.last, net.shape
    transpose(net)
    if net.shape == shape:
        net.append("Sub", before, "")


def concat(net: Chain) -> None:
    axis = net.axis()
    shape = tuple(size * 2 if a == axis else size for a, size in enumerate(net.shape))
    net.append("Concat", "", "", shape=shape, axis=axis)


def crop(net: Chain) -> None:
    axis = net.axis()
    if net.shape[axis] > 1:
        shape = tuple(size - (a == axis) for a, size in enumerate(net.shape))
        bounds = (np.array([v]) for v in (1, net.shape[axis], axis))
        net.append("Slice", "", *map(net.constant, bounds), shape=shape)


def matmul(net: Chain) -> None:
    weight = net.constant(randoms(net.shape[-1], 3, seed=net.seed))
    net.append("MatMul", "", weight, shape=(*net.shape[:-1], 3))


STEPS: list[Callable[[Chain], None]] = [conv, leaky, transpose, reshape, channelwise, residual, concat, crop, matmul]


@pytest.mark.parametrize("seed", range(NETWORKS))
def test_random_network_agrees_with_onnx_runtime(seed: int, tmp_path: Path) -> None:
    net = Chain(seed)
    leaky(net)
    for step in net.random.choices(STEPS, k=net.random.randint(2, 8)):
        step(net)
    path = Tiny(net.nodes, {"x": net.start}, net.constants, outputs=(net.last,)).save(tmp_path)
    try:
        agree(path)
    except TomatoError as refusal:  # a reshape across a transposition, transposed again: no single operator does that
        if "the order of its input is no transposition" not in refusal.what:
            raise
