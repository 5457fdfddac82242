"""Normalisation, for the tests of all operators."""

import numpy as np
from hypothesis import strategies as st

from tests.networks.draws import NUMBERS, Draw, Operation, kinds
from tests.networks.maker import Maker
from tests.networks.onnx_writer import LAST, Writer
from tests.networks.operators import Described
from tests.unit.quantise.example import example, node
from tomato.core.formats import Codes
from tomato.core.ir import Node, TensorType
from tomato.core.treatment import UNLIKE_CHANNELS
from tomato.ops.normalise import Normalise

KIND = TensorType((6, 5, 6), Codes.of(8, signed=True))
ONES, ZEROS = np.ones(8, np.float32), np.zeros(8, np.float32)


@st.composite
def points(draw: Draw) -> Operation:
    """Around the mean or around any number that is no larger than codes are."""
    kind = draw(kinds())
    centred, epsilon = draw(st.booleans()), draw(st.sampled_from((1, 40, 1 << 20)))
    zero = 0 if centred else max(kind.codes.lo, min(kind.codes.hi, draw(NUMBERS)))
    return Normalise(epsilon, centred, zero), (kind,)


def step(make: Maker, x: str) -> str:
    """Layers of two channels or more: one alone is 0."""
    return make.add(Normalise(1e-3), x, name="normal") if make.channels(x) > 2 else x


def write(writer: Writer, wanted: Node) -> None:
    """LayerNormalization where channels come last, written out."""
    op = wanted.op
    assert isinstance(op, Normalise)
    x = writer.read(wanted.args[0], LAST)
    rest = writer.emit("Sub", x, writer.emit("ReduceMean", x, axes=[-1])) if op.centred else x
    square = writer.emit("ReduceMean", writer.emit("Mul", rest, rest), axes=[-1])
    root = writer.emit("Sqrt", writer.emit("Add", square, writer.constant(np.float32(op.epsilon))))
    writer.put(wanted, writer.emit("Div", rest, root), LAST)


DESCRIBED = Described(
    case=(Normalise(5), (KIND,)),
    points=points(),
    example=example(
        Normalise(1e-3),
        node("Transpose", "a", "t", perm=[0, 2, 3, 1]),
        node("LayerNormalization", "t ones zeros", "n", axis=-1, epsilon=1e-3),
        node("Transpose", "n", perm=[0, 3, 1, 2]),
        ones=ONES,
        zeros=ZEROS,
    ),
    step=step,
    write=write,
    refused={"scales per channel": UNLIKE_CHANNELS, "zeros per channel": UNLIKE_CHANNELS},
    off=1.2,
)
