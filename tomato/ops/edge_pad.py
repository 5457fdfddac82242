"""EdgePad: a border made of the frame's own pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tomato.core.formats import Array
from tomato.core.ir import Op, TensorType
from tomato.core.treatment import Line, Treatment


@dataclass(frozen=True, slots=True)
class EdgePad(Op):
    """A border of pads (top, left, bottom, right) pixels: those at the edge repeated, or mirrored at the edge.

    ONNX's Pad of mode edge and of mode reflect, PyTorch's ReplicationPad and ReflectionPad. A mirror leaves the edge
    itself out, so that a border of so many pixels needs one more of them.
    """

    treatment: ClassVar = Treatment.MOVES

    pads: tuple[int, int, int, int]
    mirrored: bool = False

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        top, left, bottom, right = self.pads
        if min(self.pads) < 0:
            raise ValueError(f"negative padding {self.pads}")
        if self.mirrored and (max(top, bottom) >= x.shape[0] or max(left, right) >= x.shape[1]):
            raise ValueError(f"padding {self.pads} mirrors more than there is of {x.shape[0]}x{x.shape[1]} pixels")
        return TensorType((x.shape[0] + top + bottom, x.shape[1] + left + right, x.channels), x.fmt)

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        rows, columns = self.picked(x.shape[1], x.shape[2])
        return x[:, rows[:, None], columns]

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        return args[0]

    def picked(self, height: int, width: int) -> tuple[Array, Array]:
        """The row that each row of the result repeats, and the column."""
        top, left, bottom, right = self.pads
        return self._axis(height, top, bottom), self._axis(width, left, right)

    def _axis(self, size: int, before: int, behind: int) -> Array:
        places = np.arange(-before, size + behind)
        if not self.mirrored:
            return np.clip(places, 0, size - 1)
        return np.asarray(size - 1 - np.abs(size - 1 - np.abs(places)))
