"""Small quantised networks for the tests of everything behind the passes."""

import numpy as np

from tomato.core.formats import Codes, Tensor
from tomato.core.ir import Builder, Graph, Shape, TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.join import Add
from tomato.ops.move import Concat
from tomato.ops.pool import GlobalSum
from tomato.ops.requant import Requant
from tomato.ops.window import Window
from tomato.schedule import Plan
from tomato.schedule.route import routes_of
from tomato.schedule.streams import edges, interval_cycles
from tomato.schedule.units import bind
from tomato.targets import Resources, Target

S8 = Codes.of(8, signed=True)
SHIFT = 20


class Codenet:
    """Builds a graph on codes with seeded weights."""

    def __init__(self, *shape: int) -> None:
        size: Shape = (shape[0], shape[1], shape[2])
        self.build = Builder([("x", TensorType(size, S8))])
        self.rng = np.random.default_rng(0)

    def requant(self, x: str, name: str, bits: int = 8) -> str:
        """To `bits` bits, with a gain that loses little: sums rarely come near their bounds."""
        kind, out = self.build.types[x], Codes.of(bits, signed=True)
        bound = max(-kind.codes.lo, kind.codes.hi)
        mult = (self.rng.uniform(3, 4, kind.channels) * out.hi / bound * (1 << SHIFT)).astype(np.int64)
        half = np.full(kind.channels, 1 << (SHIFT - 1))
        op = Requant(Tensor(mult), Tensor(half), SHIFT, out.lo, out.hi)
        return self.build.add(op, [x], name)

    def conv(self, x: str, out: int, name: str, kernel: int = 3) -> str:
        pad = kernel // 2
        window = Window((kernel, kernel), pads=(pad,) * 4)
        weight = self.rng.integers(-8, 8, (kernel, kernel, self.build.types[x].channels, out))
        return self.requant(self.build.add(Conv2d(Tensor(weight), window), [x], name), f"{name}_q")

    def dense(self, x: str, out: int, name: str, bits: int = 8) -> str:
        weight = self.rng.integers(-8, 8, (self.build.types[x].channels, out))
        return self.requant(self.build.add(Dense(Tensor(weight)), [x], name), f"{name}_q", bits)

    def graph(self, *outputs: str) -> Graph:
        graph = Graph("net", (("x", self.build.types["x"]),), tuple(self.build.nodes), outputs)
        graph.verify()
        return graph


def residual(size: int = 8, channels: int = 4) -> Graph:
    """Two convolutions beside a shortcut, then a head."""
    net = Codenet(size, size, channels)
    deep = net.conv(net.conv("x", channels, "c1"), channels, "c2")
    joined = net.requant(net.build.add(Add(), [deep, "x"], "add"), "add_q")
    return net.graph(net.dense(net.requant(net.build.add(GlobalSum(), [joined], "sum"), "sum_q"), 3, "head", 16))


def plain() -> Graph:
    """One convolution and a head on every pixel."""
    net = Codenet(6, 5, 3)
    return net.graph(net.dense(net.conv("x", 4, "c1"), 3, "head", 16))


def concatenated(*channels: int) -> Graph:
    """A dense layer for each part of the result, all of them on the input."""
    net = Codenet(3, 3, 2)
    parts = [net.dense("x", count, f"d{i}") for i, count in enumerate(channels)]
    return net.graph(net.build.add(Concat(), parts, "cat"))


def interval_of(graph: Graph, plan: Plan, target: Target) -> int:
    """Cycles per frame of a plan."""
    units = bind(graph, plan.layers, target)
    return interval_cycles(units, edges(graph, units))


def between(graph: Graph, plan: Plan, target: Target) -> dict[str, Resources]:
    """What the parts between the engines of a plan take, by the layer that they stand beside."""
    links = edges(graph, bind(graph, plan.layers, target))
    return routes_of(plan, links, target).costs(list(plan.layers), target)
