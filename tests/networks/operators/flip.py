"""Rows and columns in the opposite order, for the tests of all operators."""

import numpy as np
from hypothesis import strategies as st

from tests.networks.draws import Draw, Operation, kinds
from tests.networks.maker import Maker
from tests.networks.onnx_writer import LAST, Writer
from tests.networks.operators import Described
from tests.unit.quantise.example import example, node
from tomato.core.formats import Codes
from tomato.core.ir import Node, TensorType
from tomato.ops.move import Flip

KIND = TensorType((6, 5, 6), Codes.of(8, signed=True))
SIDES = ((True, False), (False, True), (True, True))


@st.composite
def points(draw: Draw) -> Operation:
    """Rows, columns, both."""
    return Flip(*draw(st.sampled_from(SIDES))), (draw(kinds()),)


def step(make: Maker, x: str) -> str:
    """Sides of length 1 stay as they are: there are two or more."""
    height, width, _ = make.kind(x).shape
    rows, columns = height > 1 and make.random.random() < 0.5, width > 1
    return make.add(Flip(rows, columns), x) if rows or columns else x


def write(writer: Writer, wanted: Node) -> None:
    """Slice, backwards from beyond the end."""
    op = wanted.op
    assert isinstance(op, Flip)
    axes = writer.order(wanted.args[0])
    axes = axes if len(axes) == 3 else LAST
    flipped = [axes.index(side) + 1 for side, back in enumerate((op.rows, op.columns)) if back]
    each = np.full(len(flipped), np.iinfo(np.int64).max)
    given = (each, -each, np.array(flipped), np.full(len(flipped), -1))
    x = writer.read(wanted.args[0], axes)
    writer.put(wanted, writer.emit("Slice", x, *(writer.constant(v) for v in given)), axes)


DESCRIBED = Described(
    case=(Flip(rows=True, columns=True), (KIND,)),
    points=points(),
    example=example(
        Flip(columns=True), node("MaxPool", "a", "o", kernel_shape=[2, 1]),
        node("Slice", "o begin end axes steps", "t"), node("MaxPool", "t", kernel_shape=[1, 2]),
        begin=[np.iinfo(np.int64).max], end=[-np.iinfo(np.int64).max], axes=[3], steps=[-1],
    ),
    step=step,
    write=write,
)  # fmt: skip
