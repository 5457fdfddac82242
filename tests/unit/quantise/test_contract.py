"""What quantisation owes every operator of the catalogue, whichever way a network comes to integers.

Each operator goes through post-training quantisation, and through a network that comes quantised whose arguments have
unlike scales and zero points, whose result has several readers and whose argument feeds a branch: right, or refused.
The latter also as an ONNX model, against ONNX Runtime.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from tests.networks.nets import Net, decoded
from tests.networks.operators import described
from tests.networks.runtime import golden, integers, runtime
from tests.unit.quantise.absorb.test_operators import model
from tests.unit.quantise.contract import EXAMPLES, arguments, near, of_reals
from tests.unit.quantise.example import Example, node
from tomato import frontend
from tomato.core.errors import TomatoError
from tomato.core.formats import Array, Tensor
from tomato.core.interpret import interpret
from tomato.core.ir import Graph, Op, TensorType
from tomato.core.treatment import Line, Treatment
from tomato.ops.quantise import Dequantise, Quantise
from tomato.ops.real import Affine, Clip
from tomato.ops.recurrent import Recurrent
from tomato.passes import CLEAN, QUANTISED, run
from tomato.quantise.absorb import absorb
from tomato.quantise.calibrate import calibrate
from tomato.quantise.post_training import quantise

STEPS = ((0.05, 10), (0.021, -7), (0.037, 4))
"""Scale and zero point of each argument."""


def test_every_operator_has_an_example() -> None:
    assert set(EXAMPLES) == of_reals()


def network(example: Example) -> Net:
    """The inputs of a network."""
    net = Net(*example.frame)
    net.inputs = [(f"x{i}", TensorType(example.frame, net.inputs[0][1].fmt)) for i in range(example.count)]
    net.build = type(net.build)(net.inputs)
    return net


def quantiser(scale: float, zero: int) -> Quantise:
    return Quantise(Tensor(np.array([scale])), Tensor(np.array([float(zero)])), -128, 127)


def real(example: Example) -> Graph:
    """The operator on reals: its result, the same limited, and half of its first argument."""
    net = network(example)
    y = net.add(example.op, *(f"x{i}" for i in range(example.count)), name="y")
    half = net.add(Affine(Tensor(np.full(1, 0.5)), Tensor(np.zeros(1))), "x0", name="half")
    return net.graph(y, net.add(Clip(-0.4, 0.9), y, name="limited"), half)


def coming(example: Example) -> Graph:
    """The same as a network that comes quantised: arguments, and each result, in steps of their own."""
    net, count = network(example), example.count
    for i, (scale, zero) in enumerate(STEPS[:count]):
        net.add(quantiser(scale, zero), f"x{i}", name=f"q{i}")
        net.add(Dequantise(Tensor(np.array([scale])), Tensor(np.array([float(zero)]))), f"q{i}", name=f"d{i}")
    y = net.add(example.op, *(f"d{i}" for i in range(count)), name="y")
    largest = float(np.abs(interpret(net.graph(y), arguments(example))[y]).max())
    net.add(quantiser(largest / 120, 3), y, name="out")
    net.add(Clip(-0.4 * largest, 0.9 * largest), y, name="limited")
    net.add(quantiser(largest / 90, -20), "limited", name="out_limited")
    net.add(Affine(Tensor(np.full(1, 0.5)), Tensor(np.zeros(1))), "d0", name="half")
    net.add(quantiser(0.02, 1), "half", name="out_half")
    return net.graph("out", "out_limited", "out_half")


def absorbed(example: Example) -> None:
    """Check the codes of a network that comes quantised."""
    graph, given = coming(example), arguments(example)
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
    for name, end in zip(graph.outputs, made.outputs, strict=True):
        near(values[name], found[end.value])


def why_refused(kind: type[Op]) -> str:
    """Why an operator does not take arguments in steps of their own; "" if it does, as those that choose.

    What a recurrent layer reads is requantised to steps of its own first.
    """
    chooses = kind.by_order or kind.conditions or issubclass(kind, Recurrent)
    return described()[kind].refused.get("unlike", "") if kind in described() and not chooses else ""


def refusal(kind: type[Op]) -> AbstractContextManager[object]:
    """The example is refused, for the reason that it says, if it says one."""
    text = f"error: {EXAMPLES[kind].op.name} cannot be computed on codes: {why_refused(kind)}"
    return pytest.raises(TomatoError, match=rf"^{re.escape(text)}\b") if why_refused(kind) else nullcontext()


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_of_a_network_that_comes_quantised(kind: type[Op]) -> None:
    with refusal(kind):
        absorbed(EXAMPLES[kind])


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_of_a_network_that_we_quantise(kind: type[Op]) -> None:
    example = EXAMPLES[kind]
    graph, given = run(real(example), CLEAN), arguments(example)
    values: dict[str, Array] = {}
    interpret(real(example), given, watch=lambda name, value: values.update({name: value}))
    made, _ = quantise(graph, calibrate(graph, [given]))
    for name, got in zip(("y", "limited", "half"), decoded(made, given), strict=True):
        wanted, jumps = values[name], described()[kind].jumps if kind in described() else 0.0
        off = np.abs(got - wanted) > 0.04 * np.ptp(values["y" if name == "limited" else name])
        assert off.mean() <= jumps


def crossed(value: str, steps: str, to: str) -> list[object]:
    """To codes and back."""
    return [node("QuantizeLinear", f"{value} {steps}s {steps}z", f"{to}_q"),
            node("DequantizeLinear", f"{to}_q {steps}s {steps}z", to)]  # fmt: skip


def coming_as_onnx(example: Example, folder: Path) -> Path:
    """The same as `coming`, as a file."""
    inputs = {f"x{i}": (1, example.frame[2], *example.frame[:2]) for i in range(example.count)}
    nodes = [n for i, name in enumerate(inputs) for n in crossed(name, f"s{i}", "abc"[i])] + [*example.nodes]
    constants = {**example.constants, "half": np.float32(0.5), "low": np.float32(-1e9), "high": np.float32(1e9)}
    steps = [*STEPS[: example.count], (0.02, 1)]
    for name, (scale, zero) in zip([*["s0", "s1", "s2"][: example.count], "h"], steps, strict=True):
        constants |= {f"{name}s": np.float32(scale), f"{name}z": np.int8(zero)}
    alone = model(folder, nodes, constants, inputs, outputs=("r",))
    most = float(np.abs(runtime(alone, *channels_first(example))[0]).max())
    for name, scale, zero in (("y", most / 120, 3), ("l", most / 90, -20)):
        constants |= {f"{name}s": np.float32(scale), f"{name}z": np.int8(zero)}
    constants |= {"low": np.float32(-0.4 * most), "high": np.float32(0.9 * most)}
    nodes += [node("Clip", "r low high", "limited"), node("Mul", "a half", "halved")]
    nodes += [*crossed("r", "y", "y"), *crossed("limited", "l", "y1"), *crossed("halved", "h", "y2")]
    return model(folder, nodes, constants, inputs, outputs=("y", "y1", "y2"))


def channels_first(example: Example) -> list[Array]:
    return [x.transpose(0, 3, 1, 2).astype(np.float32) for x in arguments(example).values()]


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_of_an_onnx_model_that_comes_quantised(kind: type[Op], tmp_path: Path) -> None:
    example = EXAMPLES[kind]
    path, given = coming_as_onnx(example, tmp_path), channels_first(example)
    with refusal(kind):
        made = integers(path)
    if why_refused(kind):
        return
    graphs = frontend.load(path).graph, run(frontend.load(path).graph, QUANTISED), made.graph
    assert any(isinstance(n.op, kind) for graph in graphs for n in graph), "the example has the operator"
    scales = [end.chain[0] for end in made.outputs]
    for wanted, got, back in zip(runtime(path, *given), golden(made, *given), scales, strict=True):
        assert isinstance(back, Affine)
        rows = wanted.reshape(got.shape), got  # the first axis of a recurrent layer's result are steps
        near(*(np.rint((y - back.offset.values[0]) / back.scale.values[0]) for y in rows))


@dataclass(frozen=True, slots=True)
class Maximum(Op):
    """The greater of two values: one of its arguments at every place, like a movement of data."""

    treatment: ClassVar = Treatment.MOVES

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        return args[0]

    def golden(self, args: Sequence[Array]) -> Array:
        return np.asarray(np.maximum(args[0], args[1]))

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        a, b = args
        alike = np.array_equal(a.scale, b.scale) and np.array_equal(a.offset, b.offset)
        return Line(a.scale, a.offset, max(a.slack, b.slack)) if alike else "its inputs have unlike scales"


@dataclass(frozen=True, slots=True)
class Careless(Maximum):
    """The same that takes what it knows of the first argument for both."""

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        return args[0]


def outcome(check: Callable[[], None]) -> str:
    """What comes of an operator: "right", "refused" or "wrong"."""
    try:
        check()
    except TomatoError:
        return "refused"
    except AssertionError:
        return "wrong"
    return "right"


def test_the_contract_catches_an_operator_that_takes_the_first_argument_for_all() -> None:
    """Unlike scales, and several readers, so that no Quantise moves in front of it."""
    assert outcome(lambda: absorbed(Example(Maximum(), 2, ()))) == "refused"
    assert outcome(lambda: absorbed(Example(Careless(), 2, ()))) == "wrong"


def test_an_operator_that_does_not_say_is_none() -> None:
    def infer(self: Op, args: Sequence[TensorType]) -> TensorType:
        return args[0]

    with pytest.raises(TypeError, match=r"^Silent does not say how quantisation treats it: its treatment$"):
        type("Silent", (Op,), {"infer": infer})
    with pytest.raises(TypeError, match=r"^Vague works on codes, but does not say what those of its result stand for"):
        type("Vague", (Op,), {"infer": infer, "treatment": Treatment.EXACT})
