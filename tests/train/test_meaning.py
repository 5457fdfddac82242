"""What operators mean in torch is what their golden models do, and gradients pass."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.networks.generator import networks
from tests.networks.nets import Net
from tests.networks.points import OPERATIONS
from tests.networks.recurrent import SETS, real
from tests.unit.quantise.contract import EXAMPLES, catalogue
from tests.unit.quantise.example import SHAPE, Example
from tomato.core.errors import TomatoError
from tomato.core.formats import Array, Tensor
from tomato.core.interpret import interpret
from tomato.core.ir import Encoding, Graph, Op
from tomato.core.treatment import Treatment
from tomato.ops.conv2d import Conv2d
from tomato.ops.move import Pad
from tomato.ops.pool import MaxPool
from tomato.ops.quantise import Bias, JoinConstant
from tomato.ops.real import FUNCTIONS, Expression, Function
from tomato.ops.recurrent import Lstm, Recurrent, Rnn
from tomato.ops.weighted import Weighted
from tomato.ops.window import Window
from tomato.quantise.absorb.loops import ARGUMENT, FORMAT
from tomato.quantise.lower_recurrent import on_codes
from tomato.train import recurrence
from tomato.train.meaning import differentiable, evaluate, play
from tomato.train.module import check
from tomato.train.recurrence import HIDDEN_STEP, grids

RNG = np.random.default_rng(7)
QUANTISED = (Treatment.CODES, Treatment.CROSSES)
KINDS = sorted((k for k in catalogue() if k.treatment not in QUANTISED), key=lambda k: k.__name__)
GIVEN = [kind for kind in OPERATIONS if kind.treatment not in QUANTISED and not issubclass(kind, Recurrent)]
CHANNELS = Tensor(RNG.integers(-5, 5, SHAPE[2]))
ALONE: Mapping[type[Op], Op] = {
    JoinConstant: JoinConstant("mul", CHANNELS, 0.25, 1),
    Bias: Bias(Tensor(RNG.normal(size=SHAPE[2]))),
}
STEPS = Tensor(np.sort(RNG.normal(size=(SHAPE[2], 5)), axis=1))
TWO = {"add", "sub", "mul", "div", "min", "max", "gt", "ge", "eq"}
"""Names of functions of two values; those of one take "x" or, where they want it, what is positive."""
WITHIN = {"asin", "acos", "atanh"}
"""Functions of numbers between -1 and 1."""


def expression(name: str) -> Expression:
    """A function by its name, of any x."""
    if name in TWO:
        return (name, ("mul", "x", 0.7), Tensor(RNG.normal(size=SHAPE[2])))
    if name == "count":
        return (name, "x", STEPS)
    if name == "where":
        return (name, ("gt", "x", 0.1), ("mul", "x", 0.7), Tensor(RNG.normal(size=SHAPE[2])))
    if name in WITHIN:
        return (name, ("mul", 0.3, ("tanh", "x")))
    if name == "acosh":
        return (name, ("add", ("abs", "x"), 1.1))
    positive = ("add", ("abs", "x"), 0.1)
    if name == "pow":
        return (name, positive, 1.7)
    return (name, positive if name in ("log", "sqrt") else ("add", "x", 0.03))


def example(kind: type[Op]) -> Example:
    """An operator, how many arguments it has, and their shape."""
    return EXAMPLES[kind] if kind in EXAMPLES else Example(ALONE[kind], 1, ())


def agrees(op: Op, frames: Sequence[Array], weight: torch.Tensor | None = None) -> None:
    want = op.golden(frames)
    got = play(op, [torch.from_numpy(x) for x in frames], weight)
    assert got.shape == want.shape
    np.testing.assert_allclose(got.numpy(), want, rtol=1e-12, atol=1e-12 * max(1.0, np.abs(want).max()))


def frames_of(count: int, shape: Sequence[int] = SHAPE) -> list[Array]:
    return [RNG.normal(size=(3, *shape)) for _ in range(count)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_operator_means_the_same(kind: type[Op]) -> None:
    given = example(kind)
    assert differentiable(given.op) is None
    agrees(given.op, frames_of(given.count, given.frame))


@pytest.mark.parametrize("kind", SETS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("after", [False, True])
def test_recurrent_layers_of_any_functions_and_states_mean_the_same(kind: type[Recurrent], after: bool) -> None:
    for functions in range(len(SETS[kind])):
        for begin in (False, True):
            op = real(kind, 5, RNG, functions=functions, begin=begin, after=after)
            agrees(op, frames_of(1, (1, 7, 5 * kind.gates)))
            if isinstance(op, Lstm):
                agrees(replace(op, cells=True), frames_of(1, (1, 7, 5 * kind.gates)))


@pytest.mark.parametrize("kind", GIVEN, ids=lambda kind: kind.__name__)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_shape_and_window_mean_the_same(kind: type[Op], data: st.DataObject) -> None:
    op, args = data.draw(OPERATIONS[kind])
    agrees(op, [RNG.normal(size=(2, *a.shape)) for a in args])


@settings(max_examples=40, deadline=None)
@given(networks())
def test_networks_mean_the_same(drawn: tuple[Graph, Mapping[str, Array]]) -> None:
    graph, frames = drawn
    values = {name: torch.from_numpy(x) for name, x in frames.items()}
    for node in graph:
        values[node.name] = play(node.op, [values[a] for a in node.args])
    for name, want in interpret(graph, frames).items():
        np.testing.assert_allclose(values[name].numpy(), want, rtol=1e-9, atol=1e-9 * max(1.0, np.abs(want).max()))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_means_the_same(name: str) -> None:
    op = Function(expression(name))
    agrees(op, [x * 9 for x in frames_of(1)])
    assert (differentiable(op) is None) == (name != "count")


def test_thresholds_for_all_channels_or_of_each() -> None:
    for steps in (STEPS, Tensor(STEPS.values[:1])):
        agrees(Function(("add", ("count", "x", steps), 1.0)), frames_of(1))
    agrees(Function(("count", "x", STEPS)), frames_of(1, (4, 3, 1)))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_gradients_are_those_of_differences(kind: type[Op]) -> None:
    op, count, shape = (given := example(kind)).op, given.count, given.frame
    spread = np.linspace(-2, 2, int(np.prod(shape)))
    frames = [torch.from_numpy(RNG.permutation(spread).reshape(1, *shape)) for _ in range(count)]
    weight = [torch.from_numpy(op.weight.values.copy())] if isinstance(op, Weighted) else []
    leaves = [x.requires_grad_() for x in (*frames, *weight)]

    def result(*given: torch.Tensor) -> torch.Tensor:
        return play(op, given[:count], *given[count:])

    assert torch.autograd.gradcheck(result, leaves, fast_mode=True)


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"count"}))
def test_gradients_of_functions(name: str) -> None:
    x = torch.from_numpy(RNG.permutation(np.linspace(-2, 2, 2 * SHAPE[2])).reshape(1, 2, 1, -1)).requires_grad_()
    op = Function(expression(name))
    assert torch.autograd.gradcheck(lambda x: play(op, [x]), [x])


def test_a_weight_stands_in_for_that_of_the_operator() -> None:
    window = Window((3, 2), (2, 1), pads=(2, 0, 1, 1))
    weight = RNG.normal(size=(3, 2, 4, 6))
    op = Conv2d(Tensor(np.zeros_like(weight)), window, 2, 3)
    (x,) = frames_of(1)
    want = Conv2d(Tensor(weight), window, 2, 3).golden([x])
    got = play(op, [torch.from_numpy(x)], torch.from_numpy(weight))
    np.testing.assert_allclose(got.numpy(), want, rtol=1e-12, atol=1e-12)


def test_float32_stays_float32() -> None:
    for kind in KINDS:
        given = example(kind)
        frames = [torch.from_numpy(x).float() for x in frames_of(given.count, given.frame)]
        assert play(given.op, frames).dtype is torch.float32


def test_borders_are_read() -> None:
    x = torch.full((1, 1, 1, 1), -5.0)
    assert play(Pad((1, 0, 0, 0), 7.0), [x]).flatten().tolist() == [7.0, -5.0]
    assert play(MaxPool(Window((2, 1), pads=(1, 0, 0, 0))), [x]).item() == -5.0


def test_what_passes_no_gradient_says_why() -> None:
    quantised = [kind for kind in OPERATIONS if kind.treatment in QUANTISED]
    assert {differentiable(object.__new__(kind)) for kind in quantised} == {"it is quantised already"}
    inner = Function(("mul", "x", ("count", "x", STEPS)))
    assert differentiable(inner) == "it counts thresholds, so that its slope is 0 everywhere"


def test_states_that_last_are_not_trained() -> None:
    net = Net(1, 3, 4)
    graph = net.graph(net.dense(net.add(real(Rnn, 4, RNG, lasting=True), "x"), 2))
    with pytest.raises(TomatoError, match=r"^error: rnn cannot be trained: a state that lasts from frame to frame has"):
        check(graph)


@pytest.mark.parametrize("kind", SETS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("after", [False, True])
def test_recurrent_layers_on_grids_are_near_those_on_codes(kind: type[Recurrent], after: bool) -> None:
    """In the forward pass, but for the roundings of factors; gradients are those of reals."""
    op = real(kind, 5, RNG, after=after)
    weight = np.rint(op.weight.values * 64) / 64
    op = replace(op, weight=Tensor(weight), steps=Tensor(np.full(weight.shape[1], 1 / 64)))
    on, x = grids(op, evaluate), RNG.normal(size=(3, 1, 9, 5 * kind.gates)) * 2
    codes = on_codes(op, Encoding(on.step), ARGUMENT, FORMAT, 16)
    want = codes.golden([np.rint(x / on.step).astype(np.int64)]) * HIDDEN_STEP
    leaf = torch.from_numpy(x).requires_grad_()
    got = recurrence.play(op, leaf, evaluate, on=on)
    np.testing.assert_allclose(got.detach().numpy(), want, rtol=0, atol=12 * HIDDEN_STEP)
    reals = recurrence.play(op, leaf, evaluate)
    mine, theirs = (torch.autograd.grad(y.sum(), leaf)[0] for y in (got, reals))
    np.testing.assert_allclose(mine, theirs, rtol=0.05, atol=2e-3)
