"""Geometry of a sliding window: shared by convolution and pooling."""

from dataclasses import dataclass

import numpy as np

from tomato.core.formats import Array
from tomato.core.ir import Shape


@dataclass(frozen=True, slots=True)
class Window:
    """Kernel, stride, dilation (height, width) and padding (top, left, bottom, right)."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)

    def __post_init__(self) -> None:
        if min(*self.kernel, *self.stride, *self.dilation) < 1:
            raise ValueError(
                f"kernel {self.kernel}, stride {self.stride} and dilation {self.dilation} of a window must be positive"
            )

    @property
    def span(self) -> tuple[int, int]:
        """Rows and columns from the first to the last tap, dilation included."""
        return (
            (self.kernel[0] - 1) * self.dilation[0] + 1,
            (self.kernel[1] - 1) * self.dilation[1] + 1,
        )

    @property
    def taps(self) -> int:
        """Number of taps."""
        return self.kernel[0] * self.kernel[1]

    @property
    def is_pointwise(self) -> bool:
        """Whether every output pixel sees exactly the input pixel at its place."""
        return self.kernel == (1, 1) and self.stride == (1, 1) and not any(self.pads)

    def output(self, shape: Shape) -> tuple[int, int]:
        """Height and width of the result; ValueError if the kernel does not fit or reads only padding."""
        size = []
        for axis in (0, 1):
            before, after = self.pads[axis], self.pads[axis + 2]
            if min(before, after) < 0:
                raise ValueError(f"negative padding {self.pads}")
            if max(before, after) >= self.span[axis]:
                raise ValueError(f"padding {self.pads} is not smaller than the kernel's extent {self.span}")
            room = shape[axis] + before + after - self.span[axis]
            if room < 0:
                raise ValueError(f"kernel extent {self.span} exceeds the padded input of {shape[0]}x{shape[1]}")
            size.append(room // self.stride[axis] + 1)
        return size[0], size[1]

    def pad(self, x: Array, value: int | float) -> Array:
        """x (batch, height, width, channels) with its border filled with `value`."""
        top, left, bottom, right = self.pads
        if not any(self.pads):
            return x
        return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=value)

    def tap(self, padded: Array, row: int, column: int, out: tuple[int, int]) -> Array:
        """What kernel position (row, column) sees at every output pixel: a strided view."""
        top, left = row * self.dilation[0], column * self.dilation[1]
        return padded[
            :,
            top : top + (out[0] - 1) * self.stride[0] + 1 : self.stride[0],
            left : left + (out[1] - 1) * self.stride[1] + 1 : self.stride[1],
        ]

    def __str__(self) -> str:
        text = f"{self.kernel[0]}x{self.kernel[1]}"
        if self.stride != (1, 1):
            text += f"/{self.stride[0]}x{self.stride[1]}"
        if self.dilation != (1, 1):
            text += f" dilated {self.dilation[0]}x{self.dilation[1]}"
        if any(self.pads):
            text += f" pads {','.join(map(str, self.pads))}"
        return text
