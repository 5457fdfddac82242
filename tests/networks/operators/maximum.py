"""The greater or the lesser of two values, for the tests of all operators."""

from hypothesis import strategies as st

from tests.networks.draws import Draw, Operation, formats, kinds
from tests.networks.maker import Maker
from tests.networks.onnx_writer import Writer
from tests.networks.operators import Described
from tests.unit.quantise.example import example, node
from tomato.core.formats import Codes
from tomato.core.ir import Node, TensorType
from tomato.ops.maximum import Maximum

KIND = TensorType((6, 5, 6), Codes.of(8, signed=True))


@st.composite
def points(draw: Draw) -> Operation:
    """Two arguments of one shape, of any formats."""
    kind = draw(kinds())
    return Maximum(draw(st.booleans())), (kind, TensorType(kind.shape, draw(formats())))


def step(make: Maker, x: str) -> str:
    """A value, and a layer on it that keeps its size."""
    deep = make.conv(x, make.channels(x), make.window(x, same=True))
    return make.add(Maximum(make.random.random() < 0.5), x, deep, name="chosen")


def write(writer: Writer, wanted: Node) -> None:
    """Max or Min, of tensors that lie alike."""
    assert isinstance(wanted.op, Maximum)
    axes, kind = writer.order(wanted.args[0]), "Min" if wanted.op.least else "Max"
    writer.put(wanted, writer.emit(kind, *(writer.read(a, axes) for a in wanted.args)), axes)


DESCRIBED = Described(
    case=(Maximum(), (KIND, KIND)),
    points=points(),
    example=example(Maximum(), node("Max", "a b")),
    step=step,
    write=write,
    refused={"unlike": "its inputs have unlike scales", "falling": "its input has a negative scale"},
)
