"""The steps of networks as they are trained: convolutions with bias, each with a function behind it."""

import numpy as np

from tests.networks.maker import NEGATED, Maker, Step
from tests.networks.steps import over
from tomato.core.formats import Tensor
from tomato.core.ir import Op
from tomato.ops.conv2d import Conv2d
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Concat, Upsample
from tomato.ops.pool import MaxPool, SumPool
from tomato.ops.real import Affine, Clip, Function
from tomato.ops.window import Window

BEHIND_LAYERS = ("", "relu", "relu6", "leaky", "sigmoid", "hardswish", "silu")
BEHIND_SUMS = ("", "relu", "relu6", "leaky", "sigmoid", "hardswish", "abs", "neg")
POOLED = 4
"""Rows and columns that a value has at least where its size is halved."""


def layer(make: Maker, x: str, out: int, kernel: int, *, stride: int = 1, groups: int = 1) -> str:
    """A convolution that keeps the size, or halves it, and perhaps a function."""
    window = Window((kernel, kernel), (stride, stride), pads=(kernel // 2,) * 4)
    return make.function(make.conv(x, out, window, groups), make.random.choice(BEHIND_LAYERS))


def stem(make: Maker, x: str) -> str:
    return layer(make, x, make.count(), 3)


def conv(make: Maker, x: str) -> str:
    stride = make.random.choice((1, 2)) if make.kind(x).shape[1] >= POOLED else 1
    return layer(make, x, make.count(), 3, stride=stride)


def separable(make: Maker, x: str) -> str:
    """A filter per channel, then a pointwise layer."""
    return layer(make, layer(make, x, make.channels(x), 3, groups=make.channels(x)), make.count(), 1)


def _deep(make: Maker, x: str) -> list[str]:
    """A value and two layers on it, in any order."""
    inner = layer(make, x, make.channels(x), 3)
    ends = [x, make.conv(inner, make.channels(x), Window((1, 1)))]
    return ends if make.random.random() < 0.5 else ends[::-1]


def residual(make: Maker, x: str) -> str:
    y = make.add(Add(), *_deep(make, x), name="join")
    return make.function(y, make.random.choice((*BEHIND_SUMS, "silu")))


def difference(make: Maker, x: str) -> str:
    left, right = _deep(make, x)
    y = make.add(Add(), left, make.add(NEGATED, right, name="neg"), name="join")
    return make.conv(make.function(y, make.random.choice(BEHIND_SUMS)), make.random.randint(4, 12), Window((1, 1)))


def product(make: Maker, x: str) -> str:
    """A value times a gate from a layer on it."""
    gate = make.function(make.conv(x, make.channels(x), Window((1, 1))), "sigmoid")
    return make.conv(make.add(Multiply(), x, gate, name="join"), make.count(), Window((1, 1)))


def branches(make: Maker, x: str) -> str:
    parts = [layer(make, x, make.random.randint(2, 8), kernel) for kernel in (1, 3)]
    return make.add(Concat(), *parts, name="cat")


def pool(make: Maker, x: str) -> str:
    if make.kind(x).shape[1] < POOLED:
        return x
    window = Window((2, 2), (2, 2))
    if make.random.random() < 0.5:
        return make.add(MaxPool(window), x, name="max")
    return over(make, make.add(SumPool(window), x, name="sum"), window.taps)


def resize(make: Maker, x: str) -> str:
    """Twice as many rows and columns; a layer reads them."""
    return stem(make, make.add(Upsample((2, 2)), x)) if make.small(x) else x


def scaled(make: Maker, x: str) -> str:
    """A factor or an offset per channel behind a layer."""
    size = make.channels(x)
    one, none = Tensor(np.ones(1)), Tensor(np.zeros(1))
    given = Tensor(make.net.rng.uniform(0.5, 2, size))
    return stem(make, make.add(make.random.choice((Affine(given, none), Affine(one, given))), x, name="scale"))


MAKES: dict[Step, tuple[type[Op], ...]] = {
    conv: (Conv2d, Affine, Clip, Function),
    separable: (Conv2d,),
    residual: (Add,),
    difference: (Add, Affine),
    product: (Multiply,),
    branches: (Concat,),
    pool: (MaxPool, SumPool),
    resize: (Upsample,),
    scaled: (Affine,),
}
"""Every step, and the operators of the catalogue that it is there for."""
