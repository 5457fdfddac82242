"""Random small real networks with everything that makes hardware hard: odd shapes, branches, joins."""

import random
from collections.abc import Callable, Sequence
from math import inf

from tests.passes.nets import SILU, Net
from tomato.core.ir import Graph, TensorType
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Concat, DepthToSpace, Pad, Reshape, Slice, SpaceToDepth, Transpose, Upsample
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.real import Function
from tomato.ops.window import Window

LARGEST = 700
"""Codes a frame of one value: networks stay small enough to build and play in seconds."""
FUNCTIONS = (SILU, ("tanh", "x"), ("sigmoid", "x"), ("max", "x", ("mul", "x", 0.1)))

Step = Callable[["Maker", str], str]


class Maker:
    """Extends a network step by step; a step that does not suit the value before it leaves it as it is."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        shape = (self.random.randint(1, 9), self.random.randint(1, 9), self.random.randint(1, 6))
        self.net = Net(*shape, seed=seed)
        self.budget = self.random.randint(2, 7)

    def kind(self, x: str) -> TensorType:
        return self.net.build.types[x]

    def small(self, x: str) -> bool:
        """Whether the value may still grow."""
        height, width, channels = self.kind(x).shape
        return height * width * channels * 2 <= LARGEST

    def window(self, x: str, *, same: bool = False) -> Window:
        """A window that fits: any stride, dilation and padding, or one that keeps height and width."""
        draw = self.random
        for _ in range(20):
            kernel = draw.randint(1, 5), draw.randint(1, 5)
            dilation = draw.choice([1, 1, 1, 2]), draw.choice([1, 1, 1, 2])
            span = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
            if same:
                before = [draw.randint(0, s - 1) for s in span]
                pads = before[0], before[1], span[0] - 1 - before[0], span[1] - 1 - before[1]
                found = Window(kernel, (1, 1), dilation, pads)
            else:
                edges = [draw.choice([0, draw.randint(0, span[axis % 2] - 1)]) for axis in range(4)]
                stride = draw.choice([1, 1, 2, 3]), draw.choice([1, 1, 2, 3])
                found = Window(kernel, stride, dilation, (edges[0], edges[1], edges[2], edges[3]))
            try:
                found.output(self.kind(x).shape)
            except ValueError:
                continue
            return found
        return Window((1, 1))

    def activate(self, x: str) -> str:
        """Perhaps an activation."""
        draw = self.random.random()
        if draw < 0.4:
            return self.net.relu(self.net.affine(x), hi=self.random.choice([inf, 1.5]))
        return self.net.add(Function(self.random.choice(FUNCTIONS)), x, name="f") if draw < 0.55 else x

    def chain(self, x: str, steps: Sequence[Step], most: int) -> str:
        """Up to `most` steps."""
        for _ in range(self.random.randint(0, most)):
            x = self.activate(self.random.choice(steps)(self, x))
        return x


def conv(make: Maker, x: str, *, same: bool = False, out: int = 0) -> str:
    channels = make.net.channels(x)
    groups = make.random.choice([g for g in range(1, channels + 1) if channels % g == 0])
    groups = make.random.choice([1, groups])
    per_group = make.random.randint(1, max(1, 7 // groups))
    if out:
        groups, per_group = 1, out
    return make.net.conv(x, groups * per_group, make.window(x, same=same), groups)


def depthwise(make: Maker, x: str) -> str:
    return make.net.conv(x, make.net.channels(x), make.window(x), make.net.channels(x), name="dw")


def keep(make: Maker, x: str) -> str:
    """A convolution that keeps the shape."""
    if make.random.random() < 0.5:
        return conv(make, x, same=True, out=make.net.channels(x))
    return make.net.conv(x, make.net.channels(x), make.window(x, same=True), make.net.channels(x), name="dw")


def smooth(make: Maker, x: str) -> str:
    """A pool that keeps the shape."""
    return pool(make, x, same=True)


def pool(make: Maker, x: str, *, same: bool = False) -> str:
    """Sum or maximum; taps apart from each other could all miss the frame, which has no maximum."""
    window = make.window(x, same=same)
    kinds = [SumPool] if any(window.pads) and window.dilation != (1, 1) else [MaxPool, SumPool]
    return make.net.add(make.random.choice(kinds)(window), x, name="pool")


def pointwise(make: Maker, x: str) -> str:
    return make.net.dense(x, make.random.randint(1, 9), name="pw")


def residual(make: Maker, x: str) -> str:
    """Two branches of different depth, joined."""
    deep = make.chain(x, (keep, keep, smooth), 3)
    other = make.chain(x, (keep,), 1)
    if deep == other == x and make.random.random() < 0.5:
        deep = keep(make, x)
    return make.net.add(make.random.choice([Add, Add, Multiply])(), deep, other, name="join")


def concat(make: Maker, x: str) -> str:
    if not make.small(x):
        return x
    branches = [make.chain(x, (keep, widen, smooth), 2) for _ in range(make.random.randint(2, 3))]
    return make.net.add(Concat(), *branches, name="cat")


def widen(make: Maker, x: str) -> str:
    """A convolution that keeps height and width."""
    return conv(make, x, same=True, out=make.random.randint(1, 5))


def cut(make: Maker, x: str) -> str:
    begin, end = [], []
    for size in make.kind(x).shape:
        first = make.random.choice([0, make.random.randrange(size)])
        begin.append(first)
        end.append(make.random.choice([size, make.random.randint(first + 1, size)]))
    step = make.random.choice([1, 1, 2]), make.random.choice([1, 1, 2])
    cut = Slice((begin[0], begin[1], begin[2]), (end[0], end[1], end[2]), step)
    return make.net.add(cut, x, name="cut")


def split(make: Maker, x: str) -> str:
    """Two parts of the channels, one of them worked on, together again."""
    height, width, channels = make.kind(x).shape
    if channels < 2:
        return x
    at = make.random.randrange(1, channels)
    low = make.net.add(Slice((0, 0, 0), (height, width, at)), x, name="low")
    high = make.net.add(Slice((0, 0, at), (height, width, channels)), x, name="high")
    return make.net.add(Concat(), make.chain(low, (keep,), 2), high, name="cat")


def border(make: Maker, x: str) -> str:
    sides = [make.random.randint(0, 2) for _ in range(4)]
    pads = sides[0], sides[1], sides[2], sides[3]
    return make.net.add(Pad(pads, make.random.choice([0.0, 0.5])), x) if make.small(x) else x


def resize(make: Maker, x: str) -> str:
    return make.net.add(Upsample((make.random.randint(1, 2), 2)), x) if make.small(x) else x


def blocks(make: Maker, x: str) -> str:
    height, width, channels = make.kind(x).shape
    if channels % 4 == 0 and make.random.random() < 0.5:
        return make.net.add(DepthToSpace(2), x)
    return make.net.add(SpaceToDepth(2), x) if height % 2 == width % 2 == 0 else x


def transpose(make: Maker, x: str) -> str:
    shape = make.kind(x).shape
    perm = make.random.sample(range(3), 3)
    return make.net.add(Transpose(shape, tuple(perm), (shape[perm[0]], shape[perm[1]], shape[perm[2]])), x)


STEPS: Sequence[Step] = (
    *(conv, conv, depthwise, pool, pointwise, residual, residual, concat),
    *(cut, split, border, resize, blocks, transpose),
)


def network(seed: int) -> tuple[Graph, Net]:
    """A random network, and the maker of its data."""
    make = Maker(seed)
    x = make.activate(make.random.choice(STEPS)(make, "x"))
    for _ in range(make.budget):
        x = make.activate(make.random.choice(STEPS)(make, x))
    x = pointwise(make, x) if x == "x" else x
    outputs = [x]
    if make.random.random() < 0.4:
        if make.random.random() < 0.5:
            x = make.net.add(GlobalSum(), x)
        else:
            height, width, channels = make.kind(x).shape
            x = make.net.add(Reshape((1, 1, height * width * channels)), x)
        x = make.net.dense(x, make.random.randint(1, 6), name="head")
        outputs = [x] if make.random.random() < 0.8 else [x, *outputs]
    return make.net.graph(*outputs), make.net
