"""What strategies of operators draw from: formats, shapes, numbers."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tomato.core.formats import Codes
from tomato.core.ir import Op, TensorType

FAR = (1 << 31) - 1
"""Factors, borders and zero points are 32 bits."""
SIZES = st.sampled_from((3, 1, 2, 5, 4, 6))
CHANNELS = st.sampled_from((3, 1, 2, 5, 4, 7, 6, 9))
NUMBERS = st.sampled_from((-3, 0, 1, 57, -1, 128, FAR, -FAR - 1)) | st.integers(-300, 300)
"""Factors, borders, zero points, first results."""

Draw = Callable[[st.SearchStrategy[Any]], Any]
Operation = tuple[Op, tuple[TensorType, ...]]


@st.composite
def formats(draw: Draw, most: int = 16) -> Codes:
    """Signed or not, 1 to `most` bits, full ranges and narrow ones."""
    bits = draw(st.sampled_from((4, 1, 8, 2)) | st.integers(1, most))
    full = Codes.of(bits, signed=draw(st.booleans()))
    if draw(st.booleans()):
        return full
    lo, hi = sorted(draw(st.tuples(*[st.integers(full.lo, full.hi)] * 2)))
    return Codes(lo, hi)


@st.composite
def kinds(draw: Draw, most: int = 16) -> TensorType:
    """Small frames of any shape."""
    return TensorType((draw(SIZES), draw(SIZES), draw(CHANNELS)), draw(formats(most)))


@st.composite
def pairs(draw: Draw, op: Callable[[int, int], Op], numbers: st.SearchStrategy[int]) -> Operation:
    """Two arguments of one shape, and a number for each."""
    kind = draw(kinds())
    return op(draw(numbers), draw(numbers)), (kind, TensorType(kind.shape, draw(formats())))
