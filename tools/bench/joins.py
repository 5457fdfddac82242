"""A small network of what the others lack: joins, borders, tables, normalisation, softmax, other orders of pixels."""

import numpy as np

from tomato.core.formats import Codes, Tensor
from tomato.core.ir import Builder, Graph, TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.edge_pad import EdgePad
from tomato.ops.exits import Exit, Leave, Number, Sure
from tomato.ops.frame_requant import FrameRequant
from tomato.ops.gated_conv2d import GatedConv2d
from tomato.ops.join import Multiply
from tomato.ops.keep_largest import KeepLargest
from tomato.ops.matmul import MatMul
from tomato.ops.maximum import Maximum
from tomato.ops.move import Concat, Pad, Slice, SpaceToDepth, Upsample
from tomato.ops.normalise import Normalise
from tomato.ops.piecewise import fit
from tomato.ops.pool import GlobalSum, MaxPool
from tomato.ops.requant import Requant
from tomato.ops.select import Select
from tomato.ops.softmax import Softmax
from tomato.ops.table import Table
from tomato.ops.threshold import Threshold
from tomato.ops.window import Window

S8 = Codes.of(8, signed=True)
SHIFT = 20
ZEROS = 0.7
"""Of the weights of convolutions, those that are zero."""


class Network:
    """Builds a graph on codes with seeded weights."""

    def __init__(self, size: int, channels: int) -> None:
        self.build = Builder([("x", TensorType((size, size, channels), S8))])
        self.rng = np.random.default_rng(0)

    def requant(self, x: str, name: str) -> str:
        """To eight bits, of which most are used."""
        kind = self.build.types[x]
        bound = max(-kind.codes.lo, kind.codes.hi)
        gain = (self.rng.uniform(3, 4, kind.channels) * S8.hi / bound * (1 << SHIFT)).astype(np.int64)
        half = np.full(kind.channels, 1 << (SHIFT - 1))
        return self.build.add(Requant(Tensor(gain), Tensor(half), SHIFT, S8.lo, S8.hi), [x], name)

    def conv(self, x: str, filters: int, name: str) -> str:
        """Three by three, without a border, most of its weights zero."""
        weight = self.rng.integers(-127, 128, (3, 3, self.build.types[x].channels, filters))
        weight[np.random.default_rng(1).random(weight.shape) < ZEROS] = 0
        return self.requant(self.build.add(Conv2d(Tensor(weight), Window((3, 3))), [x], name), f"{name}_q")

    def gated(self, x: str, filters: int, groups: tuple[int, int], name: str) -> str:
        """Three by three, some of the groups of filters, chosen by the sums of the frame."""
        total, keep = groups
        sums = self.requant(self.build.add(GlobalSum(), [x], f"{name}_sum"), f"{name}_sum_q")
        scores = self.requant(self.products(sums, total, f"{name}_scores"), f"{name}_scores_q")
        kept = self.build.add(KeepLargest(keep), [scores], f"{name}_kept")
        weight = self.rng.integers(-127, 128, (3, 3, self.build.types[x].channels, filters))
        op = GatedConv2d(Conv2d(Tensor(weight), Window((3, 3), pads=(1,) * 4)), keep)
        return self.requant(self.build.add(op, [x, kept], name), f"{name}_q")

    def products(self, x: str, filters: int, name: str) -> str:
        """A matrix on every pixel."""
        weight = self.rng.integers(-127, 128, (self.build.types[x].channels, filters))
        return self.build.add(Dense(Tensor(weight)), [x], name)

    def depthwise(self, x: str, name: str) -> str:
        """A window of three by three for each channel, with a border."""
        channels = self.build.types[x].channels
        op = Conv2d(Tensor(self.rng.integers(-127, 128, (3, 3, 1, channels))), Window((3, 3), pads=(1,) * 4), channels)
        return self.requant(self.build.add(op, [x], name), f"{name}_q")

    def steps(self, x: str, count: int, name: str) -> str:
        """How many of `count` thresholds a value reaches."""
        kind = self.build.types[x]
        steps = np.sort(self.rng.integers(kind.codes.lo // 4, kind.codes.hi // 4, (kind.channels, count)), axis=1)
        return self.build.add(Threshold(Tensor(steps), 0), [x], name)

    def places(self, x: str, name: str) -> str:
        """A number for every place of the frame added."""
        offset = self.rng.integers(-64, 64, self.build.types[x].shape)
        op = FrameRequant(Tensor(np.ones((1, 1, 1), dtype=np.int64)), Tensor(offset), 0, S8.lo, S8.hi)
        return self.build.add(op, [x], name)

    def condition(self, x: str, name: str) -> str:
        """Whether codes are above 0."""
        kind = self.build.types[x]
        steps = np.ones((kind.channels, 1), dtype=np.int64)
        return self.build.add(Threshold(Tensor(steps), 0), [x], name)

    def bend(self, x: str, name: str) -> str:
        """A logistic function as lines."""
        lines = fit(lambda code: S8.hi * np.tanh(code / 48), self.build.types[x].codes, S8, 16).op
        return self.build.add(lines, [x], name)

    def curve(self, x: str, name: str) -> str:
        """A table of 256 values."""
        entries = np.round(S8.hi * np.tanh(np.arange(S8.lo, S8.hi + 1) / 48)).astype(np.int64)
        return self.build.add(Table(Tensor(entries[None, :]), S8.lo), [x], name)


def joins() -> Graph:
    """Two branches, one of them on blocks of pixels, that gate each other and are put side by side.

    Two heads on the way are early exits, at the first of which results leave as they come.
    """
    net = Network(16, 4)
    build = net.build
    framed = build.add(Pad((1, 1, 1, 1)), ["x"], "border")
    deep = net.curve(net.depthwise(net.conv(framed, 8, "conv"), "depthwise"), "curve")
    mixed = net.products(build.add(SpaceToDepth(2), ["x"], "blocks"), 8, "mix")
    blocks = net.steps(mixed, 15, "steps")
    gate = build.add(Upsample((2, 2)), [blocks], "upsample")
    gated = net.places(net.requant(build.add(Multiply(0, 0), [deep, gate], "gate"), "gate_q"), "places")
    greater = build.add(Maximum(), [gated, deep], "greater")
    chosen = build.add(Select(), [net.condition(deep, "condition"), greater, gated], "chosen")
    both = build.add(Concat(), [net.bend(chosen, "bent"), deep], "both")
    mirrored = build.add(EdgePad((1, 2, 0, 0), mirrored=True), [both], "mirrored")
    cut = build.add(Slice((1, 2, 4), (17, 18, 16)), [mirrored], "cut")
    pooled = build.add(MaxPool(Window((2, 2), (2, 2))), [cut], "pool")
    few = net.gated(pooled, 12, (3, 2), "few")
    first = net.requant(build.add(GlobalSum(), [few], "first"), "first_q")
    early = net.requant(net.products(first, 10, "early"), "early_q")
    sure = build.add(Sure(40), [early], "sure")
    goes_on = build.add(Leave(0.5), [sure, few], "goes_on")
    normal = net.requant(build.add(Normalise(64), [goes_on], "normal"), "normal_q")
    seen = net.requant(build.add(GlobalSum(), [normal], "seen"), "seen_q")
    second = net.requant(net.products(seen, 10, "second"), "second_q")
    surer = build.add(Sure(40), [second], "surer")
    hardest = build.add(Leave(0.5), [surer, normal], "hardest")
    shares = net.requant(build.add(Softmax(3, 3000), [hardest], "shares"), "shares_q")
    alike = net.requant(build.add(MatMul(3, transposed=True), [shares, hardest], "alike"), "alike_q")
    summed = net.requant(build.add(GlobalSum(), [alike], "sum"), "sum_q")
    classes = net.requant(net.products(summed, 10, "classify"), "classify_q")
    inner = build.add(Exit(), [surer, second, classes], "inner")
    number = build.add(Number(16, 8, True), [sure], "number")
    late_number = build.add(Leave(0.5), [sure, number], "late_number")
    late = build.add(Concat(), [inner, late_number], "late")
    result = build.add(Exit(16), [sure, build.add(Concat(), [early, number], "told"), late], "result")
    graph = Graph("joins", (("x", build.types["x"]),), tuple(build.nodes), (result,))
    graph.verify()
    return graph
