"""Narrowed: a weighted sum and the requantisation behind it, as one operator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.ir import Op, TensorType
from tomato.core.treatment import Treatment
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.requant import Requant
from tomato.ops.window import Window


@dataclass(frozen=True, slots=True)
class Narrowed(Op):
    """What `narrow` makes of the results of `summed`: for engines that do both. Codes only."""

    treatment: ClassVar = Treatment.CODES

    summed: Conv2d | Dense
    narrow: Requant

    def accumulators(self, args: Sequence[TensorType]) -> TensorType:
        """The type of the sums."""
        return self.summed.infer(args)

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        return self.narrow.infer([self.accumulators(args)])

    def golden(self, args: Sequence[Array]) -> Array:
        return self.narrow.golden([self.summed.golden(args)])

    def macs(self, args: Sequence[TensorType]) -> int:
        return self.summed.macs(args)

    @property
    def weights(self) -> Mapping[str, Tensor]:
        return self.summed.weights

    @property
    def constants(self) -> tuple[Tensor, ...]:
        return (*self.summed.constants, *self.narrow.constants)

    @property
    def window(self) -> Window:
        """What a sum sees of its input; of a matrix product a pixel."""
        return self.summed.window if isinstance(self.summed, Conv2d) else Window((1, 1))

    @property
    def kernel(self) -> Array:
        """The weights as those of a convolution: kernel rows, columns, channels in, out."""
        values = self.summed.weight.values
        return values if values.ndim == 4 else values.reshape(1, 1, *values.shape)

    @property
    def pad_value(self) -> int:
        """What the border reads."""
        return self.summed.pad_value if isinstance(self.summed, Conv2d) else 0

    def factors(self, fmt: Codes) -> Codes:
        """What the weights meet where the input has the format `fmt`."""
        return self.summed.factors(fmt) if isinstance(self.summed, Conv2d) else fmt

    def __str__(self) -> str:
        return f"{self.summed} then {self.narrow}"
