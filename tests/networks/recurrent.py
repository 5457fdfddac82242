"""Recurrent layers, for the tests of all operators: examples on codes and on reals, and how ONNX writes them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.networks.draws import Draw, Operation
from tests.networks.maker import ONE, Maker, Step
from tests.networks.onnx_writer import LAST, Writer
from tests.networks.operators import Described
from tests.unit.quantise.example import example, node
from tomato.core.formats import Array, Codes, Tensor
from tomato.core.ir import Encoding, Node, TensorType
from tomato.ops.dense import Dense
from tomato.ops.move import Reshape, Slice
from tomato.ops.real import Affine, Expression
from tomato.ops.recurrent import Gru, Lstm, Recurrent, Rnn
from tomato.quantise.lower_recurrent import on_codes
from tomato.quantise.precision import LayerFormat

GATE: Expression = ("sigmoid", "x")
BENT: Expression = ("tanh", "x")
HARD: Expression = ("max", ("min", ("add", ("mul", "x", 0.25), 0.5), 1.0), 0.0)
SOFT: Expression = ("div", "x", ("add", 1.0, ("abs", "x")))
NAMES: Mapping[Expression, str] = {GATE: "Sigmoid", BENT: "Tanh", HARD: "HardSigmoid", SOFT: "Softsign"}
SETS: Mapping[type[Recurrent], tuple[tuple[Expression, ...], ...]] = {
    Lstm: ((GATE, BENT, BENT), (HARD, BENT, BENT)),
    Gru: ((GATE, BENT), (HARD, BENT)),
    Rnn: ((BENT,), (GATE,), (SOFT,)),
}
"""Functions of a layer; what ONNX takes by default comes first, what takes long to fit behind two others."""
FORMS = ("w8a8", "w4a4", "ternarya6", "w1a8", "shift4a5", "w2a12", "codebook2a8", "w8a16")
REFUSED = "a recurrent layer computes on codes with an arithmetic of its own"
GIVEN = "alike", "centred", "unlike", "scales per channel", "zeros per channel", "falling"
"""Arguments in tests/unit/ops/test_lines.py: a layer takes none of them as they are."""
OFF = 150.0
"""Steps of 2^-15 that a result on wide codes may lie off: what is fed back has 12 bits, gates too."""
STEPS = 12
"""Columns of a frame in random networks, at the most: every step takes as long as the loop."""


def real(
    kind: type[Recurrent], hidden: int, rng: np.random.Generator, *,
    functions: int = 0, begin: bool = False, lasting: bool = False, after: bool = False, cells: bool = False,
    gain: float = 1.5,
) -> Recurrent:  # fmt: skip
    """A layer on reals; `after`: a GRU that resets behind the product; `cells`: an LSTM that shows them.

    A plain one of a large gain is chaos.
    """
    weight = rng.normal(0, gain / np.sqrt(hidden), (hidden, hidden * kind.gates))
    states = rng.uniform(-0.9, 0.9, (kind.states, hidden)) * begin
    op = kind(Tensor(weight), Tensor(states), SETS[kind][functions], lasting)
    if kind is Gru and after:
        return Gru(op.weight, op.begin, op.functions, lasting, inner=Tensor(rng.normal(0, 0.5, hidden)))
    return replace(op, cells=cells) if isinstance(op, Lstm) else op


def coded(op: Recurrent, form: str, codes: Codes, reach: float = 8.0) -> Recurrent:
    """The same on codes that reach from -reach to reach, or from 0 on."""
    scale = 2 * reach / (codes.hi - codes.lo)
    return on_codes(op, Encoding(scale), codes, LayerFormat.parse(form), 16)


def row(op: Recurrent, steps: int, codes: Codes) -> TensorType:
    """A frame of so many steps."""
    return TensorType((1, steps, op.hidden * op.gates), codes)


@st.composite
def points(draw: Draw, kind: type[Recurrent]) -> Operation:
    """Any functions, weights, first states and codes of the argument."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    op = real(
        kind,
        draw(st.sampled_from((3, 1, 5, 2, 7, 4))),
        rng,
        functions=draw(st.integers(0, len(SETS[kind]) - 1)),
        begin=draw(st.booleans()),
        lasting=draw(st.sampled_from((False, False, True))),
        after=draw(st.booleans()),
        cells=draw(st.booleans()),
    )
    codes = Codes.of(draw(st.sampled_from((16, 8, 11))), signed=draw(st.sampled_from((True, True, False))))
    made = coded(op, draw(st.sampled_from(FORMS)), codes, draw(st.sampled_from((8.0, 2.0, 20.0))))
    return made, (row(op, draw(st.sampled_from((3, 1, 2, 5))), codes),)


def extend(make: Maker, x: str, kind: type[Recurrent]) -> str:
    """What inputs give to the sums, and a layer behind it, along a row of a few columns."""
    height, width, channels = make.kind(x).shape
    if height > 1 and height * width > STEPS:
        x = make.add(Slice((0, 0, 0), (1, width, channels)), x, name="row")
    elif height > 1:
        x = make.add(Reshape((1, height * width, channels)), x, name="steps")
    rng, hidden = make.net.rng, make.random.randint(1, 4)
    weight = rng.normal(size=(channels, hidden * kind.gates)) / np.sqrt(channels)
    x = make.add(Dense(Tensor(weight)), x, name="inputs")
    x = make.add(Affine(ONE, Tensor(rng.normal(size=hidden * kind.gates) * 0.3)), x, name="bias")
    functions = make.random.randint(0, 1)
    begin, after = (make.random.random() < 0.5 for _ in range(2))
    return make.add(real(kind, hidden, rng, functions=functions, begin=begin, after=after, gain=0.8), x, name="loop")


def attributes(op: Recurrent) -> dict[str, Any]:
    """The attributes of a node of ONNX."""
    found: dict[str, Any] = {"hidden_size": op.hidden, "activations": [NAMES[f] for f in op.functions]}
    if HARD in op.functions:
        found |= {"activation_alpha": [0.25], "activation_beta": [0.5]}
    return found | ({"linear_before_reset": 1} if isinstance(op, Gru) and op.reset_after else {})


def constants(op: Recurrent) -> list[Array]:
    """W, which gives every sum its own channel, R, B and the first states, as ONNX orders them."""
    gates, hidden = op.gates, op.hidden
    by_gate = np.arange(hidden * gates).reshape(hidden, gates).T.reshape(-1)
    bias = np.zeros((2, gates, hidden))
    if isinstance(op, Gru) and op.inner is not None:
        bias[1, -1] = op.inner.values
    own = np.eye(hidden * gates)[by_gate], op.weight.values.T[by_gate]
    return [*(v[None].astype(np.float32) for v in own), bias.reshape(1, -1).astype(np.float32),
            *(state.reshape(1, 1, -1).astype(np.float32) for state in op.begin.values)]  # fmt: skip


def write(writer: Writer, wanted: Node) -> None:
    """A node whose inputs are the sums already."""
    op, steps = wanted.op, wanted.type.shape[1]
    assert isinstance(op, Recurrent)
    x = writer.emit("Reshape", writer.read(wanted.args[0], LAST), writer.constant(np.array([steps, 1, -1])))
    weight, recurrent, bias, *states = (writer.constant(value) for value in constants(op))
    y = writer.emit(op.name.upper(), x, weight, recurrent, bias, "", *states, **attributes(op))
    writer.put(wanted, writer.reshape(y, (1, steps, op.hidden)), LAST)


def described(kind: type[Recurrent], step: Step) -> Described:
    """A layer of any kind; the example has 4 units and 9 steps."""
    rng, codes = np.random.default_rng(6), Codes.of(16, signed=True)
    case, on_reals = (real(kind, hidden, rng, begin=True, after=True) for hidden in (5, 4))
    names = " ".join(["x w v bias lengths", *("h", "cell")[: kind.states]])
    given = {"w": 0, "v": 1, "bias": 2, "h": 3, "cell": 4}
    values = constants(on_reals)
    return Described(
        case=(coded(case, "w8a8", codes), (row(case, 3, codes),)),
        points=points(kind),
        example=example(
            on_reals,
            node("Transpose", "a", "at", perm=[3, 0, 1, 2]),
            node("Reshape", "at steps", "x"),
            node(kind.__name__.upper(), names, **attributes(on_reals)),
            frame=(1, 9, 4 * kind.gates),
            **{name: values[i] for name, i in given.items() if name in names.split()},
            steps=np.array([9, 1, -1]),
            lengths=np.array([9], np.int32),
        ),
        step=step,
        write=write,
        refused=dict.fromkeys(GIVEN, REFUSED),
        off=OFF,
    )
