"""A choice between two values, for the tests of all operators."""

import numpy as np
from hypothesis import strategies as st

from tests.networks.draws import Draw, Operation, formats, kinds
from tests.networks.maker import NEGATED, Maker
from tests.networks.onnx_writer import BOOL, Writer
from tests.networks.operators import Described
from tests.unit.quantise.example import example, node
from tomato.core.formats import Codes
from tomato.core.ir import Node, TensorType
from tomato.ops.join import Add
from tomato.ops.real import Function
from tomato.ops.select import Select

KIND, CONDITION = TensorType((6, 5, 6), Codes.of(8, signed=True)), TensorType((6, 5, 6), Codes(0, 1))


@st.composite
def points(draw: Draw) -> Operation:
    """Two values of any formats, and a condition of any, of one shape."""
    kind = draw(kinds())
    return Select(), (TensorType(kind.shape, draw(formats(4))), kind, TensorType(kind.shape, draw(formats())))


def step(make: Maker, x: str) -> str:
    """The greater or the lesser of two values, as the sign of their difference says: no jump where it is 0."""
    deep = make.conv(x, make.channels(x), make.window(x, same=True))
    rest = make.add(Add(), deep, make.add(NEGATED, x, name="neg"), name="apart")
    condition = make.add(Function(("gt", "x", 0.0)), rest, name="holds")
    return make.add(Select(), condition, *make.random.choice(((deep, x), (x, deep))), name="either")


def write(writer: Writer, wanted: Node) -> None:
    """Where, of tensors that lie alike."""
    axes = writer.order(wanted.args[0])
    condition, *values = (writer.read(a, axes) for a in wanted.args)
    writer.put(wanted, writer.emit("Where", writer.emit("Cast", condition, to=BOOL), *values), axes)


DESCRIBED = Described(
    case=(Select(), (CONDITION, KIND, KIND)),
    points=points(),
    example=example(Select(), node("Greater", "a none", "holds"), node("Where", "holds b c"), none=np.float32(0)),
    step=step,
    write=write,
    refused={"unlike": "its inputs have unlike scales"},
)
