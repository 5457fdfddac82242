"""Small real networks, made by hand."""

from collections.abc import Iterator, Mapping
from math import inf

import numpy as np

from tomato.core.formats import Array, Real, Tensor
from tomato.core.interpret import interpret
from tomato.core.ir import Builder, Graph, Op, TensorType
from tomato.core.treatment import Treatment
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.normalise import Normalise
from tomato.ops.real import Affine, Clip
from tomato.ops.recurrent import Recurrent
from tomato.ops.requant import Requant
from tomato.ops.softmax import Softmax
from tomato.ops.window import Window
from tomato.passes.groups import across_frames, partition


class Net:
    """Builds a real graph with seeded weights, one short call per node."""

    def __init__(self, *shape: int, seed: int = 0) -> None:
        self.inputs = [("x", TensorType((shape[0], shape[1], shape[2]), Real()))]
        self.build = Builder(self.inputs)
        self.rng = np.random.default_rng(seed)

    def add(self, op: Op, *args: str, name: str = "") -> str:
        name = name or op.name
        return self.build.add(op, args, name, (f"/{name}",))

    def channels(self, x: str) -> int:
        return self.build.types[x].channels

    def tensor(self, *shape: int) -> Tensor:
        return Tensor(self.rng.normal(size=shape))

    def conv(self, x: str, out: int, window: Window, groups: int = 1, name: str = "conv", pad_value: int = 0) -> str:
        per_group = self.channels(x) // groups
        weight = Tensor(self.rng.normal(size=(*window.kernel, per_group, out)) / np.sqrt(window.taps * per_group))
        return self.add(Conv2d(weight, window, groups, pad_value), x, name=name)

    def dense(self, x: str, out: int, name: str = "dense") -> str:
        weight = Tensor(self.rng.normal(size=(self.channels(x), out)) / np.sqrt(self.channels(x)))
        return self.add(Dense(weight), x, name=name)

    def affine(self, x: str, name: str = "affine", *, bias_only: bool = False, zero_offset: bool = False) -> str:
        size = self.channels(x)
        scale = (
            Tensor(np.ones(1))
            if bias_only
            else Tensor(self.rng.uniform(0.5, 2.0, size) * self.rng.choice([-1, 1], size))
        )
        offset = Tensor(np.zeros(1)) if zero_offset else self.tensor(size)
        return self.add(Affine(scale, offset), x, name=name)

    def relu(self, x: str, name: str = "relu", hi: float = inf) -> str:
        return self.add(Clip(0.0, hi), x, name=name)

    def graph(self, *outputs: str) -> Graph:
        graph = Graph("net", tuple(self.inputs), tuple(self.build.nodes), outputs)
        graph.verify()
        return graph

    def data(self, frames: int = 16) -> Mapping[str, Array]:
        return {n: self.rng.normal(size=(frames, *k.shape)) for n, k in self.inputs}


def same_meaning(before: Graph, after: Graph, frames: Mapping[str, Array]) -> None:
    """Both graphs compute the same reals."""
    after.verify()
    old, new = interpret(before, frames), interpret(after, frames)
    for a, b in zip(before.outputs, after.outputs, strict=True):
        np.testing.assert_allclose(new[b], old[a], rtol=1e-9, atol=1e-9)


def ops_of(graph: Graph) -> list[str]:
    """Operator names in order."""
    return [n.op.name for n in graph]


def decoded(graph: Graph, frames: Mapping[str, Array]) -> list[Array]:
    """What an integer graph answers to reals, as reals."""
    types = graph.types
    codes = {n: graph.encodings[n].encode(frames[n], types[n].codes) for n, _ in graph.inputs}
    answer = interpret(graph, codes)
    return [graph.encodings[o].decode(answer[o]) for o in graph.outputs]


def layers_alone(real: Graph, integer: Graph, frames: Mapping[str, Array]) -> Iterator[tuple[str, Array, Array]]:
    """Name, result in reals and decoded result of every layer, fed with what the integer network feeds it."""
    types, seen = integer.types, dict[str, Array]()
    codes = {n: integer.encodings[n].encode(frames[n], types[n].codes) for n, _ in integer.inputs}
    interpret(integer, codes, watch=lambda name, values: seen.update({name: values}))
    fed = {n: integer.encodings[n].decode(codes[n]) for n in codes}
    for group in across_frames(real, partition(real)):
        if group.code_name not in seen:
            continue
        want = group.head.op.golden([fed[a] for a in group.head.args])
        for node in group.chain:
            want = node.op.golden([want])
        fed[group.output] = integer.encodings[group.code_name].decode(seen[group.code_name])
        yield group.code_name, want, fed[group.output]


def magnification(integer: Graph, name: str) -> float:
    """Output steps that one input step makes, through the largest weight if there are any; 0 behind other sums."""
    requant = integer.producers[name]
    exact = integer.producers.get(requant.args[0])
    if exact is None or not isinstance(requant.op, Requant):
        return 0.0
    if isinstance(exact.op, Normalise | Softmax | Recurrent) or exact.op.treatment in (
        Treatment.MOVES,
        Treatment.CODES,
    ):
        return float(np.abs(requant.op.mult.values).max() / 2.0**requant.op.shift)
    if not isinstance(exact.op, Conv2d | Dense):
        return 0.0
    weight = np.abs(exact.op.weight.values).reshape(-1, exact.type.channels).max(axis=0)
    return float((weight * requant.op.mult.values / 2.0**requant.op.shift).max())


SILU = ("mul", "x", ("sigmoid", "x"))
