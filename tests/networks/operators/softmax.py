"""Softmax, for the tests of all operators."""

import numpy as np
from hypothesis import strategies as st

from tests.networks.draws import CHANNELS, SIZES, Draw, Operation, formats
from tests.networks.maker import Maker
from tests.networks.onnx_writer import LAST, Writer
from tests.networks.operators import Described
from tests.unit.quantise.example import example, node
from tomato.core.formats import Codes
from tomato.core.ir import Node, TensorType
from tomato.core.treatment import UNLIKE_CHANNELS
from tomato.ops.softmax import Softmax

KIND = TensorType((6, 5, 6), Codes.of(8, signed=True))


@st.composite
def points(draw: Draw) -> Operation:
    """Steps of the input from nothing to more than a power can hold, rising and falling."""
    groups, run = draw(st.sampled_from((1, 3, 2))), draw(CHANNELS)
    mult = draw(st.sampled_from((70_000, 0, 1, 1_638_400)) | st.integers(0, 131_071))
    op = Softmax(groups, draw(st.sampled_from((1, -1))) * mult, draw(st.sampled_from((0, 4, 1, 40))))
    return op, (TensorType((draw(SIZES), draw(SIZES), groups * run), draw(formats(20))),)


def step(make: Maker, x: str) -> str:
    """Layers of two channels or more to a run: one alone is 1."""
    channels = make.channels(x)
    groups = 2 if channels > 2 and channels % 2 == 0 else 1
    return make.add(Softmax(groups), x, name="shares") if channels > 2 else x


def write(writer: Writer, wanted: Node) -> None:
    """Written out, as a Softmax at the end of a network is the host's; the runs are an axis of their own."""
    op, (height, width, channels) = wanted.op, wanted.type.shape
    assert isinstance(op, Softmax)
    x = writer.reshape(writer.read(wanted.args[0], LAST), (height, width, op.groups, channels // op.groups))
    power = writer.emit("Exp", writer.emit("Sub", x, writer.emit("ReduceMax", x, axes=[-1])))
    shares = writer.emit("Div", power, writer.emit("ReduceSum", power, writer.constant(np.array([-1]))))
    writer.put(wanted, writer.reshape(shares, (height, width, channels)), LAST)


DESCRIBED = Described(
    case=(Softmax(2, 3000, 0), (KIND,)),
    points=points(),
    example=example(
        Softmax(),
        node("Exp", "a", "e"),
        node("ReduceSum", "e axes", "s"),
        node("Div", "e s"),
        axes=[1],
    ),
    step=step,
    write=write,
    refused={"scales per channel": UNLIKE_CHANNELS, "zeros per channel": UNLIKE_CHANNELS},
    off=2.0,
)
