"""What quantisation owes every operator of the catalogue, whichever way a network comes to integers.

Each operator goes through post-training quantisation, and through a network that comes quantised whose arguments have
unlike scales and zero points, whose result has several readers and whose argument feeds a branch: right, or refused.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

import numpy as np
import pytest

import tomato.ops
from tests.passes.nets import Net, decoded
from tomato.core.errors import TomatoError
from tomato.core.formats import Array, Tensor
from tomato.core.interpret import interpret
from tomato.core.ir import Graph, Op, TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Concat, DepthToSpace, Pad, Reshape, Slice, SpaceToDepth, Transpose, Upsample
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.quantise import Bias, Dequantise, JoinConstant, Quantise
from tomato.ops.real import Affine, Clip, Function, RealOp
from tomato.ops.requant import Requant
from tomato.ops.table import Table
from tomato.ops.threshold import Threshold
from tomato.ops.window import Window
from tomato.passes import CLEAN, QUANTISED, run
from tomato.passes import groups as passes_groups
from tomato.quantise.absorb import absorb
from tomato.quantise.calibrate import calibrate
from tomato.quantise.post_training import quantise

FRAMES = 24
STEPS = ((0.05, 10), (0.021, -7))
"""Scale and zero point of each argument."""
SAME = Window((3, 3), pads=(1, 1, 1, 1))
SHAPE = (6, 4, 8)
RNG = np.random.default_rng(11)


def whole(*shape: int) -> Tensor:
    return Tensor(RNG.integers(-9, 9, shape, endpoint=True).astype(np.float64))


EXAMPLES: Mapping[type[Op], tuple[Op, int]] = {
    Conv2d: (Conv2d(whole(3, 3, 8, 5), SAME), 1),
    Dense: (Dense(whole(8, 5)), 1),
    SumPool: (SumPool(SAME), 1),
    GlobalSum: (GlobalSum(), 1),
    MaxPool: (MaxPool(Window((2, 2), (2, 2))), 1),
    Add: (Add(), 2),
    Multiply: (Multiply(), 2),
    Concat: (Concat(), 2),
    Slice: (Slice((1, 0, 2), (6, 4, 7), (2, 1)), 1),
    Pad: (Pad((1, 0, 2, 1), 0.0), 1),
    Upsample: (Upsample((2, 2)), 1),
    DepthToSpace: (DepthToSpace(2), 1),
    SpaceToDepth: (SpaceToDepth(2), 1),
    Reshape: (Reshape((1, 1, 192)), 1),
    Transpose: (Transpose((6, 4, 8), (1, 0, 2), (4, 6, 8)), 1),
    Affine: (Affine(Tensor(RNG.uniform(0.5, 2, 8)), Tensor(RNG.normal(size=8))), 1),
    Clip: (Clip(-0.5, 1.0), 1),
    Function: (Function(("sigmoid", "x")), 1),
}
"""Every operator that may stand in a network of reals, and how many arguments it has."""
ELSEWHERE = frozenset({Quantise, Dequantise, JoinConstant, Bias, Requant, Table, Threshold, RealOp})
"""Operators of codes, and those that only a network that comes quantised has: tests/quantised has them."""


def catalogue() -> set[type[Op]]:
    """Every operator, by its file."""
    modules = [import_module(f"tomato.ops.{m.name}") for m in iter_modules(tomato.ops.__path__)]
    return {v for m in modules for v in vars(m).values() if isinstance(v, type) and issubclass(v, Op) and v is not Op}


def test_every_operator_has_an_example() -> None:
    assert set(EXAMPLES) == catalogue() - ELSEWHERE


def arguments(count: int) -> Mapping[str, Array]:
    """Frames of every input; the second one is smaller."""
    rng = np.random.default_rng(5)
    return {f"x{i}": rng.normal(size=(FRAMES, *SHAPE)) * (1.5, 0.6)[i] for i in range(count)}


def network(op: Op, count: int) -> Net:
    """The inputs of a network."""
    net = Net(*SHAPE)
    net.inputs = [(f"x{i}", TensorType(SHAPE, net.inputs[0][1].fmt)) for i in range(count)]
    net.build = type(net.build)(net.inputs)
    return net


def quantiser(scale: float, zero: int) -> Quantise:
    return Quantise(Tensor(np.array([scale])), Tensor(np.array([float(zero)])), -128, 127)


def real(op: Op, count: int) -> Graph:
    """The operator on reals: its result, the same limited, and half of its first argument."""
    net = network(op, count)
    y = net.add(op, *(f"x{i}" for i in range(count)), name="y")
    half = net.add(Affine(Tensor(np.full(1, 0.5)), Tensor(np.zeros(1))), "x0", name="half")
    return net.graph(y, net.add(Clip(-0.4, 0.9), y, name="limited"), half)


def coming(op: Op, count: int) -> Graph:
    """The same as a network that comes quantised: arguments, and each result, in steps of their own."""
    net = network(op, count)
    for i, (scale, zero) in enumerate(STEPS[:count]):
        net.add(quantiser(scale, zero), f"x{i}", name=f"q{i}")
        net.add(Dequantise(Tensor(np.array([scale])), Tensor(np.array([float(zero)]))), f"q{i}", name=f"d{i}")
    y = net.add(op, *(f"d{i}" for i in range(count)), name="y")
    largest = float(np.abs(interpret(net.graph(y), arguments(count))[y]).max())
    net.add(quantiser(largest / 120, 3), y, name="out")
    net.add(Clip(-0.4 * largest, 0.9 * largest), y, name="limited")
    net.add(quantiser(largest / 90, -20), "limited", name="out_limited")
    net.add(Affine(Tensor(np.full(1, 0.5)), Tensor(np.zeros(1))), "d0", name="half")
    net.add(quantiser(0.04, 1), "half", name="out_half")
    return net.graph("out", "out_limited", "out_half")


@dataclass(frozen=True)
class Codes:
    """Codes of all outputs, of a network that came quantised and of its integers."""

    wanted: list[Array]
    got: list[Array]

    def check(self) -> None:
        for wanted, got in zip(self.wanted, self.got, strict=True):
            apart = np.abs(wanted - got)
            assert np.ptp(wanted) > 20, "the example uses its codes"
            assert apart.max() <= 1
            assert np.count_nonzero(apart) <= 0.02 * apart.size


def absorbed(op: Op, count: int) -> Codes:
    """The codes of a network that comes quantised."""
    graph, given = coming(op, count), arguments(count)
    values = interpret(graph, given)
    made = absorb(run(graph, QUANTISED))
    codes = {}
    for name, chain in made.before.items():
        x = given[name]
        for step in chain:
            x = step.golden([x])
        codes[name] = x
    found = interpret(made.graph, codes)
    assert not any(e.chain for e in made.outputs)
    return Codes([values[name] for name in graph.outputs], [found[e.value] for e in made.outputs])


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_of_a_network_that_comes_quantised(kind: type[Op]) -> None:
    absorbed(*EXAMPLES[kind]).check()


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_of_a_network_that_we_quantise(kind: type[Op]) -> None:
    op, count = EXAMPLES[kind]
    graph, given = run(real(op, count), CLEAN), arguments(count)
    values: dict[str, Array] = {}
    interpret(real(op, count), given, watch=lambda name, value: values.update({name: value}))
    made, _ = quantise(graph, calibrate(graph, [given]))
    for name, got in zip(("y", "limited", "half"), decoded(made, given), strict=True):
        wanted = values[name]
        assert np.abs(got - wanted).max() <= 0.04 * np.ptp(values["y" if name == "limited" else name])


@dataclass(frozen=True, slots=True)
class Maximum(Op):
    """The greater of two values: one of its arguments at every place, like a movement of data."""

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        return args[0]

    def golden(self, args: Sequence[Array]) -> Array:
        return np.asarray(np.maximum(args[0], args[1]))


def unlike(check: Callable[[], None]) -> str:
    """What comes of an operator that nobody prepared: "right", "refused" or "wrong"."""
    try:
        check()
    except TomatoError:
        return "refused"
    except AssertionError:
        return "wrong"
    return "right"


def test_an_operator_of_two_arguments_added_to_the_movements_is_not_silently_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = import_module("tomato.quantise.absorb.absorb")
    monkeypatch.setattr(module, "MOVEMENT", (*passes_groups.MOVEMENT, Maximum))
    assert unlike(lambda: absorbed(Maximum(), 2).check()) == "refused"
