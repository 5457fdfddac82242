"""Layers with gates as feature boosting and suppression has them, and random networks of them."""

import numpy as np

from tests.networks import steps
from tests.networks.maker import Maker, Style
from tests.networks.nets import Net
from tomato.core.formats import Tensor
from tomato.core.ir import Op
from tomato.ops.join import Multiply
from tomato.ops.keep_largest import KeepLargest
from tomato.ops.move import Reshape, Upsample
from tomato.ops.pool import GlobalSum
from tomato.ops.real import Affine, Function
from tomato.ops.window import Window

SAME = Window((3, 3), pads=(1, 1, 1, 1))


def scores(net: Net, x: str, groups: int, name: str) -> str:
    """What a frame is like, as weights of groups of channels."""
    loud = net.add(Function(("abs", "x")), x, name=f"{name}_abs")
    whole = net.add(GlobalSum(), loud, name=f"{name}_sum")
    mean = Affine(Tensor(np.array([1 / net.build.types[x].pixels])), Tensor(np.zeros(1)))
    seen = net.dense(net.add(mean, whole, name=f"{name}_mean"), groups, name=f"{name}_fc")
    return net.relu(net.affine(seen, f"{name}_bias", bias_only=True), f"{name}_relu")


def spread(net: Net, gates: str, like: str, name: str) -> str:
    """A gate as large as a value, each entry over neighbouring channels."""
    height, width, channels = net.build.types[like].shape
    groups = net.channels(gates)
    if groups < channels:
        column = net.add(Reshape((1, groups, 1)), gates, name=f"{name}_column")
        wide = net.add(Upsample((1, channels // groups)), column, name=f"{name}_groups")
        gates = net.add(Reshape((1, 1, channels)), wide, name=f"{name}_channels")
    return net.add(Upsample((height, width)), gates, name=f"{name}_frame")


def gated(net: Net, x: str, channels: int, groups: int, gate: Op, window: Window = SAME, name: str = "conv") -> str:
    """relu(conv(x) + b) * g: a layer and what `gate` leaves of its scores."""
    conv = net.affine(net.conv(x, channels, window, name=name), f"{name}_bias", bias_only=True)
    y = net.relu(conv, f"{name}_relu")
    kept = net.add(gate, scores(net, x, groups, f"{name}_gate"), name=f"{name}_kept")
    return net.add(Multiply(), y, spread(net, kept, y, name), name=f"{name}_y")


def step(make: Maker, x: str) -> str:
    """A gated layer of small groups."""
    groups, size = make.random.choice((2, 3, 4, 6)), make.random.randint(1, 3)
    keep = make.random.randint(1, groups - 1)
    return gated(make.net, x, groups * size, groups, KeepLargest(keep), make.window(x), name="gated")


GATED = Style(
    (*(step, step, step), *(steps.conv, steps.pool, steps.dense, steps.residual, steps.border, steps.function)),
    sizes=((8, 7, 3), (6, 9, 2), (9, 6, 4)),
    kernels=(1, 2, 3),
    channels=(3, 6),
    length=(2, 4),
    active=0.3,
)
"""Mostly gated layers, one behind the other and beside each other."""
