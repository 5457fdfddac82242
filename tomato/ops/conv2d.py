"""Conv2d: exact convolution, no bias, no rounding."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from tomato.core.formats import Array, Codes, Real
from tomato.core.ir import TensorType
from tomato.ops.weighted import FLOAT32_EXACT, Weighted, accumulator, matrix_product
from tomato.ops.window import Window

IM2COL_COLUMNS = 256
"""Up to this many columns the patches are gathered into one matrix product."""


@dataclass(frozen=True, slots=True)
class Conv2d(Weighted):
    """Sum over the window and the channels of a group; the border reads `pad_value`.

    `weight` has the shape (kernel height, kernel width, channels in / groups, channels out).
    """

    window: Window
    groups: int = 1
    pad_value: int = 0

    @property
    def depthwise(self) -> bool:
        """One filter per channel."""
        return self.weight.shape[2] == 1 and self.groups == self.weight.shape[3]

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        kh, kw, per_group, out_channels = self.weight.shape
        if (kh, kw) != self.window.kernel:
            raise ValueError(f"the weight is {kh}x{kw}, the window {self.window.kernel}")
        if per_group * self.groups != x.channels or out_channels % self.groups:
            raise ValueError(f"weight {self.weight.shape} in {self.groups} groups does not suit {x.channels} channels")
        shape = (*self.window.output(x.shape), out_channels)
        if isinstance(x.fmt, Real) or not self.weight.is_codes:
            if isinstance(x.fmt, Real) and not self.weight.is_codes:
                return TensorType(shape, Real())
            raise ValueError("the weight and the input must both be real or both be codes")
        return TensorType(shape, accumulator(self.weight.values, self.factors(x.fmt)))

    def factors(self, fmt: Codes) -> Codes:
        """What the weights meet where the input has the format `fmt`: its codes, and that of the border."""
        return fmt.union(Codes(self.pad_value, self.pad_value)) if any(self.window.pads) else fmt

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        integer = np.issubdtype(x.dtype, np.integer)
        out = self.window.output(x.shape[1:])
        dtype: type[np.floating] = np.float64
        if integer:
            factor = max(1, int(np.abs(x).max(initial=0)), abs(self.pad_value))
            bound = np.abs(self.weight.values).sum(axis=(0, 1, 2)).max() * factor
            dtype = np.float32 if bound < FLOAT32_EXACT else np.float64
            assert bound < 1 << 53, "an accumulator exceeds what float64 holds exactly"
        padded = self.window.pad(x.astype(dtype), self.pad_value)
        weight = self.weight.values.astype(dtype)
        if self.depthwise:
            acc = _depthwise(self.window, padded, weight, out)
        else:
            parts = zip(np.split(padded, self.groups, axis=3), np.split(weight, self.groups, axis=3), strict=True)
            acc = np.concatenate([_dense(self.window, p, w, out) for p, w in parts], axis=3)
        return np.rint(acc).astype(np.int64) if integer else acc

    @property
    def border(self) -> float | None:
        return self.pad_value if any(self.window.pads) else None

    def with_border(self, border: int) -> Self:
        return replace(self, pad_value=border)

    def macs(self, args: Sequence[TensorType]) -> int:
        kh, kw, per_group, out_channels = self.weight.shape
        height, width = self.window.output(args[0].shape)
        return height * width * kh * kw * per_group * out_channels

    def __str__(self) -> str:
        text = f"conv2d<{self.window}, {self.weight}"
        text += f", groups {self.groups}" if self.groups > 1 else ""
        text += f", border {self.pad_value}" if any(self.window.pads) and self.pad_value else ""
        return text + ">"


def _depthwise(window: Window, padded: Array, weight: Array, out: tuple[int, int]) -> Array:
    acc = np.zeros((padded.shape[0], *out, weight.shape[3]), dtype=padded.dtype)
    for row, column in np.ndindex(window.kernel):
        acc += window.tap(padded, row, column, out) * weight[row, column, 0]
    return acc


def _dense(window: Window, padded: Array, weight: Array, out: tuple[int, int]) -> Array:
    taps = [(r, c) for r, c in np.ndindex(window.kernel)]
    columns = weight[..., 0].size
    if columns <= IM2COL_COLUMNS and len(taps) > 1:
        patches = np.concatenate([window.tap(padded, r, c, out) for r, c in taps], axis=3)
        return matrix_product(patches, weight.reshape(columns, -1))
    acc = matrix_product(window.tap(padded, 0, 0, out), weight[0, 0])
    for row, column in taps[1:]:
        acc += matrix_product(window.tap(padded, row, column, out), weight[row, column])
    return acc
