"""The matrix product of two values, for the tests of all operators."""

import numpy as np
from hypothesis import strategies as st

from tests.networks.draws import NUMBERS, SIZES, Draw, Operation, formats
from tests.networks.maker import Maker
from tests.networks.onnx_writer import LAST, Writer
from tests.networks.operators import Described
from tests.unit.quantise.example import example, node
from tomato.core.formats import Codes
from tomato.core.ir import Node, TensorType
from tomato.core.treatment import UNLIKE_CHANNELS
from tomato.ops.matmul import MatMul
from tomato.ops.pool import MaxPool
from tomato.ops.window import Window

KIND = TensorType((3, 5, 6), Codes.of(8, signed=True))
MOST = 16
"""Pixels of frames in random networks: scores have a channel for each."""


@st.composite
def points(draw: Draw) -> Operation:
    """Any number of groups, either side, any zero points that leave sums of 53 bits."""
    groups, terms, columns, transposed = draw(SIZES), draw(SIZES), draw(SIZES), draw(st.booleans())
    zeros = [max(-(1 << 20), min(1 << 20, draw(NUMBERS))) for _ in "ab"]
    a = TensorType((draw(SIZES), draw(SIZES), groups * terms), draw(formats()))
    pixels, channels = (columns, groups * terms) if transposed else (terms, groups * columns)
    b = TensorType((*draw(st.sampled_from(((1, pixels), (pixels, 1)))), channels), draw(formats()))
    return MatMul(groups, transposed, *zeros), (a, b)


def step(make: Maker, x: str) -> str:
    """What every pixel has in common with the others, and the sum of these: attention without its softmax."""
    if make.kind(x).pixels > MOST:
        half = min(2, make.kind(x).shape[0]), min(2, make.kind(x).shape[1])
        x = make.add(MaxPool(Window(half, half)), x, name="fewer")
    kind = make.kind(x)
    if not 1 < kind.pixels <= MOST:
        return x
    groups = make.random.choice([n for n in (1, 2, 3) if kind.channels % n == 0])
    key = make.conv(x, kind.channels, make.window(x, same=True))
    scores = make.add(MatMul(groups, transposed=True), x, key, name="scores")
    return make.add(MatMul(groups), make.function(scores, "tanh"), x, name="values")


def write(writer: Writer, wanted: Node) -> None:
    """Reshapes and transpositions around a MatMul of stacks of matrices."""
    op = wanted.op
    assert isinstance(op, MatMul)

    def stack(value: str, perm: list[int]) -> str:
        height, width, channels = writer.types[value].shape
        flat = writer.reshape(writer.read(value, LAST), (height * width, op.groups, channels // op.groups))
        return writer.emit("Transpose", flat, perm=perm)

    a, b = wanted.args
    right = stack(b, [0, 2, 3, 1] if op.transposed else [0, 2, 1, 3])
    made = writer.emit("MatMul", stack(a, [0, 2, 1, 3]), right)
    back = writer.emit("Transpose", made, perm=[0, 2, 1, 3])
    writer.put(wanted, writer.reshape(back, writer.types[wanted.name].shape), LAST)


DESCRIBED = Described(
    case=(MatMul(2, transposed=True), (KIND, KIND)),
    points=points(),
    example=example(
        MatMul(2, transposed=True),
        node("Reshape", "a apart", "af"),
        node("Reshape", "b apart", "bf"),
        node("Transpose", "af", "at", perm=[0, 1, 3, 2]),
        node("MatMul", "at bf", "m"),
        node("Transpose", "m", "mt", perm=[0, 1, 3, 2]),
        node("Reshape", "mt together"),
        apart=np.array([1, 2, 4, 24]),
        together=np.array([1, 48, 6, 4]),
    ),
    step=step,
    write=write,
    refused={"scales per channel": UNLIKE_CHANNELS, "zeros per channel": UNLIKE_CHANNELS},
)
