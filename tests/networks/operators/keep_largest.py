"""The largest channels, for the tests of all operators."""

import numpy as np
from hypothesis import strategies as st
from onnx import helper

from tests.networks.draws import SIZES, Draw, Operation, formats
from tests.networks.maker import Maker
from tests.networks.onnx_writer import LAST, Writer
from tests.networks.operators import Described
from tests.unit.quantise.example import example, node
from tomato.core.formats import Codes
from tomato.core.ir import Node, TensorType
from tomato.core.treatment import UNLIKE_CHANNELS
from tomato.ops.keep_largest import KeepLargest

KIND = TensorType((6, 5, 6), Codes.of(8, signed=True))


@st.composite
def points(draw: Draw) -> Operation:
    """Of few channels and of many, from one to all but one."""
    channels, fmt = draw(st.integers(2, 12) | st.just(40)), draw(formats())
    op = KeepLargest(draw(st.integers(1, channels - 1)), draw(st.integers(fmt.lo, fmt.hi)))
    return op, (TensorType((draw(SIZES), draw(SIZES), channels), fmt),)


def step(make: Maker, x: str) -> str:
    """Some of two channels or more."""
    channels = make.channels(x)
    return make.add(KeepLargest(make.random.randint(1, channels - 1)), x, name="largest") if channels > 1 else x


def write(writer: Writer, wanted: Node) -> None:
    """Put back among zeros, or kept where they are no less than the last of them."""
    op, shape = wanted.op, wanted.type.shape
    assert isinstance(op, KeepLargest)
    x, keep = writer.read(wanted.args[0], LAST), writer.constant(np.array([op.keep]))
    values = writer.emit("TopK", x, keep, axis=3)
    writer.nodes[-1].output.append(index := f"{values}_places")
    if writer.chance(0.5):
        least = writer.emit("ReduceMin", values, axes=[3])
        kept = writer.emit("Where", writer.emit("Less", x, least), writer.constant(0.0), x)
    else:
        kept = writer.emit("ScatterElements", writer.constant(np.zeros((1, *shape))), index, values, axis=3)
    writer.put(wanted, kept, LAST)


DESCRIBED = Described(
    case=(KeepLargest(2), (KIND,)),
    points=points(),
    example=example(
        KeepLargest(3),
        helper.make_node("TopK", ["a", "k"], ["v", "i"], "TopK_v", axis=1),
        node("ScatterElements", "zeros i v", axis=1),
        k=[3],
        zeros=np.zeros((1, 8, 6, 4), np.float32),
    ),
    step=step,
    write=write,
    refused={
        "scales per channel": UNLIKE_CHANNELS,
        "zeros per channel": UNLIKE_CHANNELS,
        "falling": "its input has a negative scale",
    },
    jumps=0.01,
)
