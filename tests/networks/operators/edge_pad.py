"""Borders of a frame's own pixels, for the tests of all operators."""

import numpy as np
from hypothesis import strategies as st

from tests.networks.draws import Draw, Operation, kinds
from tests.networks.maker import Maker
from tests.networks.onnx_writer import LAST, Writer
from tests.networks.operators import Described
from tests.unit.quantise.example import example, node
from tomato.core.formats import Codes
from tomato.core.ir import Node, TensorType
from tomato.ops.edge_pad import EdgePad

KIND = TensorType((6, 5, 6), Codes.of(8, signed=True))


@st.composite
def points(draw: Draw) -> Operation:
    """Every side by itself, up to the most that can be mirrored."""
    kind, mirrored = draw(kinds()), draw(st.booleans())
    tall, wide = (min(3, n - 1) if mirrored else 3 for n in kind.shape[:2])
    top, bottom = (draw(st.integers(0, tall)) for _ in range(2))
    left, right = (draw(st.integers(0, wide)) for _ in range(2))
    return EdgePad((top, left, bottom, right), mirrored), (kind,)


def step(make: Maker, x: str) -> str:
    """Small images grow."""
    height, width, _ = make.kind(x).shape
    mirrored = min(height, width) > 1 and make.random.random() < 0.5
    sides = [make.random.randint(0, 1 if mirrored else 2) for _ in range(4)]
    return make.add(EdgePad((sides[0], sides[1], sides[2], sides[3]), mirrored), x) if make.small(x) else x


def write(writer: Writer, wanted: Node) -> None:
    """Pad, however the image lies."""
    op = wanted.op
    assert isinstance(op, EdgePad)
    axes = writer.order(wanted.args[0])
    axes = axes if len(axes) == 3 else LAST
    sides = {0: op.pads[0::2], 1: op.pads[1::2], 2: (0, 0)}
    border = writer.constant(np.array([0, *(sides[a][0] for a in axes), 0, *(sides[a][1] for a in axes)]))
    x = writer.read(wanted.args[0], axes)
    writer.put(wanted, writer.emit("Pad", x, border, mode="reflect" if op.mirrored else "edge"), axes)


DESCRIBED = Described(
    case=(EdgePad((1, 0, 2, 3), mirrored=True), (KIND,)),
    points=points(),
    example=example(
        EdgePad((1, 0, 2, 1), mirrored=True), node("Pad", "a border", mode="reflect"), border=[0, 0, 1, 0, 0, 0, 2, 1]
    ),
    step=step,
    write=write,
)
