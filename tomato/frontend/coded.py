"""Constants that the model gives as codes: integers and what one step of them is worth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tomato.core.formats import Array, Codes
from tomato.frontend.layout import Index
from tomato.frontend.model import OnnxNode, RefusedError, integer_range


@dataclass(frozen=True, eq=False)
class Coded:
    """codes * scale: integers, their zero point taken off, and steps of the same rank that broadcast to them.

    zero: that zero point, where DequantizeLinear gives one for all. kind: the type that the model stores them in.
    """

    codes: Array
    scale: Array
    zero: int | None = None
    kind: Codes | None = None

    @property
    def real(self) -> Array:
        """The constant as float64."""
        return self.codes * self.scale

    def moved(self, move: Callable[[Index], Index]) -> "Coded":
        """The constant after an operator that only renames where values lie."""
        order = move(np.arange(self.codes.size).reshape(self.codes.shape))
        scale = np.broadcast_to(self.scale, self.codes.shape).reshape(-1)[order]
        if self.scale.size == 1:
            scale = self.scale.reshape((1,) * order.ndim)
        return Coded(self.codes.reshape(-1)[order], scale, self.zero, self.kind)

    def steps(self, axis: int, what: str) -> Array:
        """The step of every entry along `axis`, or the only one. RefusedError when it varies along another axis."""
        if self.scale.size == 1:
            return self.scale.reshape(1)
        scale = np.moveaxis(np.broadcast_to(self.scale, self.codes.shape), axis, 0).reshape(self.codes.shape[axis], -1)
        if np.any(scale != scale[:, :1]):
            raise RefusedError(
                f"expected one scale per output channel of the {what}", "quantise it per tensor or per output channel"
            )
        return scale[:, 0]


def joined(parts: Sequence[Coded], axis: int) -> Coded:
    """Constants one behind the other along an axis."""
    first = parts[0]
    codes = np.concatenate([p.codes for p in parts], axis)
    scale = np.concatenate([np.broadcast_to(p.scale, p.codes.shape) for p in parts], axis)
    if all(p.scale.size == 1 and p.scale.reshape(()) == first.scale.reshape(-1)[0] for p in parts):
        scale = first.scale
    same = all((p.zero, p.kind) == (first.zero, first.kind) for p in parts)
    return Coded(codes, scale, first.zero if same else None, first.kind if same else None)


def steps_along(steps: Array, shape: tuple[int, ...], axis: int) -> Array:
    """One number, or one for each place of an axis of a tensor of this shape, in the place of that axis.

    RefusedError if they are neither.
    """
    if steps.size == 1:
        return steps.reshape((1,) * len(shape))
    rank = len(shape)
    if not -rank <= axis < rank or steps.shape != (shape[axis],):
        dims = "x".join(map(str, steps.shape))
        raise RefusedError(
            f"expected one scale and zero point, or one for each place of axis {axis} of {'x'.join(map(str, shape))}, "
            f"not {dims or 'none'}",
            "quantise again per tensor or per channel",
        )
    return steps.reshape([-1 if a == axis % rank else 1 for a in range(rank)])


def dequantised(node: OnnxNode, codes: Array, scale: Array, zero: Array | None, default_axis: int) -> Coded:
    """DequantizeLinear of a constant."""
    axis = node.integer("axis", default_axis)

    def along(numbers: Array) -> Array:
        return steps_along(numbers, codes.shape, axis)

    whole = codes.astype(np.int64)
    if zero is not None:
        whole = whole - along(zero.astype(np.int64))
    same = zero is None or zero.size == 1
    offset = int(zero.astype(np.int64).flat[0]) if zero is not None and same else 0
    kind = integer_range(codes.dtype) if codes.dtype.kind in "iuV" else None
    return Coded(whole, along(scale.astype(np.float64)), offset if same else None, kind)
