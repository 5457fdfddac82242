"""Random networks of reals: one description, from which ONNX models and integer graphs are made.

A network is a Graph of real operators, so whatever takes a graph takes it; `onnx_writer` writes it as a model, and
quantisation makes its integer graph. Styles say what networks are made of.
"""

import random
from collections.abc import Mapping
from dataclasses import replace

import hypothesis.strategies as st
import numpy as np

from tests.networks import steps, trained
from tests.networks.maker import Maker, Style
from tests.networks.nets import Net
from tests.networks.operators import described
from tomato.core.formats import Array, Tensor
from tomato.core.ir import Builder, Graph
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Concat, Reshape
from tomato.ops.pool import GlobalSum

HARDWARE = Style(
    (
        *(steps.conv, steps.conv, steps.depthwise, steps.pool, steps.dense, steps.residual, steps.residual),
        *(steps.concat, steps.cut, steps.split, steps.border, steps.resize, steps.blocks, steps.transpose),
        *(steps.function, steps.reshape, steps.fold),
        *(found.step for found in described().values()),
    )
)
"""Everything that makes hardware hard: odd shapes, windows, branches, joins. Small enough to play in seconds."""
MEANING = Style(
    tuple(steps.MAKES),
    sizes=((4, 4, 2), (5, 6, 3), (6, 4, 4), (1, 1, 4), (8, 8, 1)),
    kernels=(1, 2, 3),
    channels=(3, 6),
    length=(1, 8),
    largest=300,
)
"""Every step, on small frames."""
LAYOUT = replace(
    MEANING,
    steps=(
        *(steps.conv, steps.function, steps.transpose, steps.transpose, steps.reshape, steps.fold, steps.affine),
        *(steps.mirror, steps.concat, steps.cut, steps.dense, steps.split, steps.whole, steps.border, steps.resize),
        *(steps.residual, steps.blocks, steps.pool),
    ),
    sizes=((4, 6, 2), (6, 4, 4), (4, 4, 6), (6, 6, 2)),
    length=(2, 8),
)
"""Much that moves data, with layers and joins between."""
TRAINED = Style(
    tuple(trained.MAKES),
    sizes=tuple((2 * w, w, 3) for w in (5, 6, 7, 8)),
    kernels=(1, 3),
    channels=(4, 16),
    length=(2, 4),
    active=0.0,
    biased=1.0,
    largest=1 << 11,
    second_input=0.0,
    more_outputs=0.0,
    begin=trained.stem,
    heads=("scores",),
)
"""What ONNX Runtime's quantiser is made for: pictures, convolutions with bias, a classifier."""


def network(draw: random.Random | int, style: Style = HARDWARE) -> tuple[Graph, Net]:
    """A random network, and the maker of its data: the same for the same seed."""
    make = Maker(random.Random(draw) if isinstance(draw, int) else draw, style)
    x = _begin(make)
    seen = [x]
    for _ in range(make.random.randint(*style.length)):
        x = make.activate(make.random.choice(style.steps)(make, x))
        seen.append(x)
    x = steps.dense(make, x) if x in dict(make.net.inputs) else x
    outputs = [_head(make, x)]
    values = [v for v in seen if v not in dict(make.net.inputs) and v not in outputs]
    if values and make.random.random() < style.more_outputs:
        outputs.insert(make.random.randint(0, 1), make.random.choice(values))
    return make.net.graph(*outputs).prune(), make.net


def thinned(graph: Graph, seed: int) -> Graph:
    """The same network, weights zero in no pattern: most of those of some of its layers, few of others."""
    rng = np.random.default_rng([seed, 16])
    nodes = []
    for node in graph.nodes:
        op = node.op
        if isinstance(op, Conv2d | Dense):
            there = rng.random(op.weight.shape) >= rng.choice([0.0, 0.5, 0.8, 0.95])
            node = replace(node, op=replace(op, weight=Tensor(op.weight.values * there)))
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes))


def _begin(make: Maker) -> str:
    """The first value: an input worked on, or two inputs joined, one perhaps worked on."""
    if make.random.random() >= make.style.second_input:
        return make.style.begin(make, "x") if make.style.begin else "x"
    net = make.net
    net.inputs = [net.inputs[0], ("x2", net.inputs[0][1])]
    net.build = Builder(net.inputs)
    other = make.chain("x2", (steps.keep,), 1)
    return make.add(make.random.choice((Add(), Multiply(), Concat())), "x", other, name="inputs")


def _head(make: Maker, x: str) -> str:
    """The last layers: none, a layer on the frame's sum, on all values, or scores behind an average."""
    kind = make.random.choice(make.style.heads)
    if not kind:
        return x
    if kind == "flat":
        height, width, channels = make.kind(x).shape
        x = make.add(Reshape((1, 1, height * width * channels)), x)
    else:
        pixels = make.kind(x).pixels
        x = make.add(GlobalSum(), x)
        x = steps.over(make, x, pixels) if kind == "scores" else x
    x = make.net.dense(x, 10 if kind == "scores" else make.random.randint(1, 6), name="head")
    return make.bias(x) if kind == "scores" else x


@st.composite
def networks(draw: st.DrawFn, style: Style = MEANING) -> tuple[Graph, Mapping[str, Array]]:
    """A random network that hypothesis can make smaller, and data for it."""
    graph, net = network(draw(st.randoms(use_true_random=False)), style)
    return graph, net.data(32)
