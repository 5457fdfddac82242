"""The steps of random networks: layers, functions, joins of branches, movements of data. Each says what it can make."""

import numpy as np

from tests.networks.maker import NEGATED, Maker, Step
from tests.networks.operators import described
from tomato.core.formats import Tensor
from tomato.core.ir import Op
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Concat, DepthToSpace, Pad, Reshape, Slice, SpaceToDepth, Transpose, Upsample
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.real import Affine, Clip, Function
from tomato.ops.window import Window


def conv(make: Maker, x: str) -> str:
    """Any convolution, often in groups."""
    channels = make.channels(x)
    groups = make.random.choice([1, make.random.choice([g for g in range(1, channels + 1) if channels % g == 0])])
    return make.conv(x, groups * make.random.randint(1, max(1, 7 // groups)), make.window(x), groups)


def depthwise(make: Maker, x: str) -> str:
    """A filter per channel."""
    return make.conv(x, make.channels(x), make.window(x), make.channels(x))


def bordered(make: Maker, x: str) -> str:
    """A convolution whose border is not 0."""
    return make.conv(x, make.count(), Window((3, 3), pads=(1, 1, 1, 1)), pad_value=1)


def dense(make: Maker, x: str) -> str:
    return make.net.dense(x, make.count(), name="pw")


def keep(make: Maker, x: str) -> str:
    """A convolution that keeps the shape."""
    channels = make.channels(x)
    return make.conv(x, channels, make.window(x, same=True), make.random.choice([1, channels]))


def widen(make: Maker, x: str) -> str:
    """A convolution that keeps height and width."""
    return make.conv(x, make.count(), make.window(x, same=True))


def pool(make: Maker, x: str, *, same: bool = False) -> str:
    """Sum, average or maximum; taps apart from each other could all miss the frame, which has no maximum."""
    window = make.window(x, same=same)
    apart = any(window.pads) and window.dilation != (1, 1)
    kind = make.random.choice(["sum", "average", *([] if apart else ["max", "max"])])
    if kind == "max":
        return make.add(MaxPool(window), x, name="max")
    y = make.add(SumPool(window), x, name="sum")
    return y if kind == "sum" else over(make, y, window.taps)


def smooth(make: Maker, x: str) -> str:
    """A pool that keeps the shape."""
    return pool(make, x, same=True)


def whole(make: Maker, x: str) -> str:
    """The frame's average, or its maximum."""
    if make.random.random() < 0.5:
        return make.add(MaxPool(Window(make.kind(x).shape[:2])), x, name="all")
    return over(make, make.add(GlobalSum(), x), make.kind(x).pixels)


def over(make: Maker, x: str, count: int) -> str:
    return make.add(Affine(Tensor(np.array([1 / count])), Tensor(np.zeros(1))), x, name="over")


def affine(make: Maker, x: str) -> str:
    """A scale and an offset, or one of both."""
    kind = make.random.choice(("both", "bias", "scale"))
    return make.net.affine(x, bias_only=kind == "bias", zero_offset=kind == "scale")


def function(make: Maker, x: str) -> str:
    return make.function(x, make.random.choice((*make.style.functions, "prelu")))


def gate(make: Maker, x: str) -> str:
    """A value times a function of it."""
    return make.add(Multiply(), x, make.function(x, "sigmoid"), name="gate")


def residual(make: Maker, x: str) -> str:
    """Two branches of different depth, joined: added, subtracted or multiplied, in any order."""
    deep = make.chain(x, (keep, keep, smooth), 3)
    other = make.chain(x, (keep,), 1)
    if deep == other and make.random.random() < 0.5:
        deep = keep(make, x)
    ends = [deep, other] if make.random.random() < 0.5 else [other, deep]
    kind = make.random.choice(("add", "add", "sub", "multiply"))
    if kind == "multiply":
        return make.add(Multiply(), *ends, name="join")
    if kind == "sub":
        ends[1] = make.add(NEGATED, ends[1], name="neg")
    return make.add(Add(), *ends, name="join")


def mirror(make: Maker, x: str) -> str:
    """A value from its own transposition, where that has its shape."""
    y = transpose(make, x)
    if make.kind(y).shape != make.kind(x).shape:
        return y
    return make.add(Add(), y, make.add(NEGATED, x, name="neg"), name="join")


def concat(make: Maker, x: str) -> str:
    """Two or three branches side by side; some may be the value itself."""
    if not make.small(x):
        return x
    branches = [make.chain(x, (keep, widen, smooth), 2) for _ in range(make.random.randint(2, 3))]
    return make.add(Concat(), *branches, name="cat")


def cut(make: Maker, x: str) -> str:
    """Any part of the frame, with steps."""
    begin, end = [], []
    for size in make.kind(x).shape:
        first = make.random.choice([0, make.random.randrange(size)])
        begin.append(first)
        end.append(make.random.choice([size, make.random.randint(first + 1, size)]))
    step = make.random.choice([1, 1, 2]), make.random.choice([1, 1, 2])
    return make.add(Slice((begin[0], begin[1], begin[2]), (end[0], end[1], end[2]), step), x, name="cut")


def split(make: Maker, x: str) -> str:
    """Two parts of the channels, one of them worked on, together again."""
    height, width, channels = make.kind(x).shape
    if channels < 2:
        return x
    at = make.random.randrange(1, channels)
    low = make.add(Slice((0, 0, 0), (height, width, at)), x, name="low")
    high = make.add(Slice((0, 0, at), (height, width, channels)), x, name="high")
    return make.add(Concat(), make.chain(low, (keep,), 2), high, name="cat")


def border(make: Maker, x: str) -> str:
    sides = [make.random.randint(0, 2) for _ in range(4)]
    pads = sides[0], sides[1], sides[2], sides[3]
    return make.add(Pad(pads, make.random.choice([0.0, 0.5])), x) if make.small(x) else x


def resize(make: Maker, x: str) -> str:
    return make.add(Upsample((make.random.randint(1, 2), 2)), x) if make.small(x) else x


def blocks(make: Maker, x: str) -> str:
    """Channels that become blocks of pixels, or blocks that become channels."""
    height, width, channels = make.kind(x).shape
    if channels % 4 == 0 and make.random.random() < 0.5:
        return make.add(DepthToSpace(2), x)
    return make.add(SpaceToDepth(2), x) if height % 2 == width % 2 == 0 else x


def transpose(make: Maker, x: str) -> str:
    """The axes in another order."""
    shape = make.kind(x).shape
    perm = make.random.sample(range(3), 3)
    return make.add(Transpose(shape, tuple(perm), (shape[perm[0]], shape[perm[1]], shape[perm[2]])), x)


def fold(make: Maker, x: str) -> str:
    """The axes in another order, read as any shape: often channels, rows, columns, as Flatten reads pictures."""
    shape = make.kind(x).shape
    perm = (2, 0, 1) if make.random.random() < 0.5 else tuple(make.random.sample(range(3), 3))
    return make.add(Transpose(shape, perm, make.factors(shape[0] * shape[1] * shape[2])), x)


def reshape(make: Maker, x: str) -> str:
    height, width, channels = make.kind(x).shape
    return make.add(Reshape(make.factors(height * width * channels)), x)


MAKES: dict[Step, tuple[type[Op], ...]] = {
    conv: (Conv2d,),
    depthwise: (Conv2d,),
    bordered: (Conv2d,),
    dense: (Dense,),
    keep: (Conv2d,),
    widen: (Conv2d,),
    pool: (MaxPool, SumPool, Affine),
    smooth: (MaxPool, SumPool, Affine),
    whole: (MaxPool, GlobalSum, Affine),
    affine: (Affine,),
    function: (Function, Clip),
    gate: (Multiply, Function),
    residual: (Add, Multiply, Affine),
    mirror: (Transpose, Add, Affine),
    concat: (Concat,),
    cut: (Slice,),
    split: (Slice, Concat),
    border: (Pad,),
    resize: (Upsample,),
    blocks: (DepthToSpace, SpaceToDepth),
    transpose: (Transpose,),
    fold: (Transpose,),
    reshape: (Reshape,),
    **{found.step: (kind,) for kind, found in described().items()},
}
"""Every step, and the operators of the catalogue that it is there for."""
