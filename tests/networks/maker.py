"""A random network under construction, and what may be drawn for it."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, prod

import numpy as np

from tests.networks.nets import SILU, Net
from tomato.core.formats import Tensor
from tomato.core.ir import Op, Shape, TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.real import Affine, Clip, Expression, Function
from tomato.ops.window import Window

ONE, NONE = Tensor(np.ones(1)), Tensor(np.zeros(1))
NEGATED = Affine(Tensor(-np.ones(1)), NONE)
HARD_SIGMOID: Expression = ("max", 0.0, ("min", 1.0, ("add", ("mul", 1 / 6, "x"), 0.5)))
FUNCTIONS: Mapping[str, Expression] = {
    "silu": SILU,
    "tanh": ("tanh", "x"),
    "sigmoid": ("sigmoid", "x"),
    "leaky": ("max", "x", ("mul", "x", 0.1)),
    "hardswish": ("mul", "x", HARD_SIGMOID),
    "abs": ("abs", "x"),
    "softshrink": ("where", ("gt", "x", 0.3), ("sub", "x", 0.3), ("where", ("gt", -0.3, "x"), ("add", "x", 0.3), 0.0)),
    "softsign": ("div", "x", ("add", 1.0, ("abs", "x"))),
}
"""Functions of one value by name; "prelu" has a slope per channel, `LIMITS` and "neg" are operators of their own."""
LIMITS: Mapping[str, Clip] = {"relu": Clip(0.0, inf), "relu6": Clip(0.0, 6.0), "low": Clip(0.0, 1.5)}

Step = Callable[["Maker", str], str]
"""Extends a network at a value; one that does not suit the value leaves it as it is."""


@dataclass(frozen=True)
class Style:
    """What networks are made of.

    `steps` and `functions` repeat what shall be frequent; the share `active` of steps has a function behind it.
    Kernels are of `kernels` rows and columns, new values have `channels` (least, most), networks `length` steps.
    The share `biased` of convolutions has a bias. `largest` bounds the codes of a value that may still grow. The shares
    `second_input` and `more_outputs` of networks have two inputs, joined, and two outputs. `begin` is the first step.
    """

    steps: Sequence[Step]
    sizes: Sequence[Shape] = ()
    functions: Sequence[str] = ("relu", "low", "silu", "tanh", "sigmoid", "leaky", "softshrink")
    kernels: Sequence[int] = (1, 2, 3, 4, 5)
    channels: tuple[int, int] = (1, 9)
    length: tuple[int, int] = (3, 8)
    active: float = 0.55
    biased: float = 0.3
    largest: int = 700
    second_input: float = 0.2
    more_outputs: float = 0.3
    begin: Step | None = None
    heads: Sequence[str] = ("", "", "", "sum", "flat")

    def without(self, *steps: Step) -> "Style":
        """The same without some steps."""
        return replace(self, steps=[s for s in self.steps if s not in steps])


@dataclass
class Maker:
    """Extends a network step by step, all of it drawn from `random`."""

    random: random.Random
    style: Style
    net: Net = field(init=False)
    shape: Shape = field(init=False)

    def __post_init__(self) -> None:
        draw = self.random
        drawn = draw.randint(1, 9), draw.randint(1, 9), draw.randint(1, 6)
        self.shape = draw.choice(self.style.sizes) if self.style.sizes else drawn
        self.net = Net(*self.shape, seed=draw.randint(0, 1 << 16))

    def add(self, op: Op, *args: str, name: str = "") -> str:
        return self.net.add(op, *args, name=name)

    def kind(self, x: str) -> TensorType:
        return self.net.build.types[x]

    def channels(self, x: str) -> int:
        return self.kind(x).channels

    def small(self, x: str) -> bool:
        """Whether the value may still grow."""
        return prod(self.kind(x).shape) * 2 <= self.style.largest

    def count(self) -> int:
        """Channels of a new value."""
        return self.random.randint(*self.style.channels)

    def window(self, x: str, *, same: bool = False) -> Window:
        """A window that fits: any of the style's, or one that keeps height and width."""
        draw = self.random
        for _ in range(20):
            kernels = draw.choice(self.style.kernels), draw.choice(self.style.kernels)
            dilation = draw.choice([1, 1, 1, 2]), draw.choice([1, 1, 1, 2])
            span = [(k - 1) * d + 1 for k, d in zip(kernels, dilation, strict=True)]
            if same:
                before = [draw.randint(0, s - 1) for s in span]
                pads = before[0], before[1], span[0] - 1 - before[0], span[1] - 1 - before[1]
                found = Window(kernels, (1, 1), dilation, pads)
            else:
                edges = [draw.choice([0, draw.randint(0, span[axis % 2] - 1)]) for axis in range(4)]
                stride = draw.choice([1, 1, 2, 3]), draw.choice([1, 1, 2, 3])
                found = Window(kernels, stride, dilation, (edges[0], edges[1], edges[2], edges[3]))
            try:
                found.output(self.kind(x).shape)
            except ValueError:
                continue
            return found
        return Window((1, 1))

    def conv(self, x: str, out: int, window: Window, groups: int = 1, pad_value: int = 0) -> str:
        """A convolution, its filters of unlike size."""
        per_group = self.channels(x) // groups
        weight = self.net.rng.normal(size=(*window.kernel, per_group, out)) / np.sqrt(window.taps * per_group)
        scaled = Tensor(weight * self.net.rng.uniform(0.5, 2, out))
        y = self.add(Conv2d(scaled, window, groups, pad_value), x, name="conv")
        return self.bias(y) if self.random.random() < self.style.biased else y

    def bias(self, x: str) -> str:
        return self.add(Affine(ONE, Tensor(self.net.rng.normal(size=self.channels(x)) * 0.3)), x, name="bias")

    def function(self, x: str, name: str) -> str:
        """One of the functions by name; "" is none."""
        if not name:
            return x
        if name == "neg":
            return self.add(NEGATED, x, name="neg")
        if name in LIMITS:
            return self.add(LIMITS[name], x, name=name)
        if name == "prelu":
            slopes = Tensor(np.linspace(0.1, 0.4, self.channels(x)))
            return self.add(Function(("max", "x", ("mul", "x", slopes))), x, name="prelu")
        return self.add(Function(FUNCTIONS[name]), x, name=name)

    def activate(self, x: str) -> str:
        """Perhaps a function, perhaps with a scale and an offset in front."""
        if self.random.random() >= self.style.active:
            return x
        if self.random.random() < 0.5:
            x = self.net.affine(x)
        return self.function(x, self.random.choice(self.style.functions))

    def chain(self, x: str, steps: Sequence[Step], most: int) -> str:
        """Up to `most` steps."""
        for _ in range(self.random.randint(0, most)):
            x = self.activate(self.random.choice(steps)(self, x))
        return x

    def factors(self, size: int) -> Shape:
        """Three factors of a size."""
        first = self.random.choice([d for d in range(1, size + 1) if size % d == 0])
        second = self.random.choice([d for d in range(1, size + 1) if size // first % d == 0])
        return first, second, size // first // second
