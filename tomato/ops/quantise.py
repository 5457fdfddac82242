"""Quantise and Dequantise: where a model that comes quantised goes from reals to codes and back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Literal

import numpy as np

from tomato.core.formats import Array, Codes, Real, Tensor
from tomato.core.ir import Encoding, Op, TensorType
from tomato.core.treatment import Line, Treatment
from tomato.ops.real import Affine


def _half_up(x: Array) -> Array:
    return np.asarray(np.floor(x + 0.5))


def _half_down(x: Array) -> Array:
    return np.asarray(np.ceil(x - 0.5))


SINGLE = "float32"
Arithmetic = Literal["onnxruntime", "qonnx"]
"""Whose rounding a quantised model means."""
ROUNDINGS: Mapping[str, Callable[[Array], Array]] = MappingProxyType(
    {
        "round": np.rint,
        "ceil": np.ceil,
        "floor": np.floor,
        "round_to_zero": np.trunc,
        "down": np.trunc,
        "up": lambda x: np.sign(x) * np.ceil(np.abs(x)),
        "half_up": lambda x: np.sign(x) * _half_up(np.abs(x)),
        "half_down": lambda x: np.sign(x) * _half_down(np.abs(x)),
        "half_even": np.rint,
        "sign": lambda x: np.where(x >= 0, 1.0, 0.0),
    }
)
"""Rounding modes by the names of QONNX, in lower case; "sign" is its BipolarQuant: 1 from 0 upwards, else 0."""


@dataclass(frozen=True, slots=True)
class Quantise(Op):
    """Reals become codes. scale and zero hold one number or one per channel.

    arithmetic: that of "onnxruntime", where QuantizeLinear is clip(round(float32(x) / float32(scale)) + zero,
    lo, hi), or that of real numbers (float64) as in "qonnx", where Quant is round(clip(x / scale + zero, lo, hi)).
    What is no number becomes `lo`, as in the vector kernels of runtimes.
    kind: the integer type that the model declares, of which lo and hi may leave a part. real: the floating-point type
    that it computes in here.
    """

    treatment: ClassVar = Treatment.CROSSES

    scale: Tensor
    zero: Tensor
    lo: int
    hi: int
    rounding: str = "round"
    arithmetic: Arithmetic = "onnxruntime"
    kind: Codes | None = None
    real: str = SINGLE

    @property
    def encoding(self) -> Encoding:
        """What its codes mean, in the first channel if they differ."""
        return Encoding(float(self.scale.values[0]), int(self.zero.values[0]))

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        if not isinstance(x.fmt, Real):
            raise ValueError(f"expected reals to quantise, not {x.fmt}")
        _check_channels(self.constants, x)
        return TensorType(x.shape, Codes(self.lo, self.hi))

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        rounded = ROUNDINGS[self.rounding]
        if self.arithmetic == "qonnx":
            codes = rounded(x.astype(np.float64) / self.scale.values + self.zero.values)
        else:
            with np.errstate(over="ignore"):
                quotient = x.astype(np.float32) / self.scale.values.astype(np.float32)
            codes = rounded(quotient) + self.zero.values
        return np.asarray(np.clip(np.where(np.isnan(codes), self.lo, codes), self.lo, self.hi).astype(np.int64))


@dataclass(frozen=True, slots=True)
class Dequantise(Op):
    """(x - zero) * scale: codes become reals. scale and zero hold one number or one per channel.

    kind: the integer type that the model declares for x, of which x may take a part. real: the floating-point type
    of the result.
    """

    treatment: ClassVar = Treatment.CROSSES

    scale: Tensor
    zero: Tensor
    kind: Codes | None = None
    real: str = SINGLE

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        if isinstance(x.fmt, Real):
            raise ValueError("expected codes to dequantise, not reals")
        _check_channels(self.constants, x)
        return TensorType(x.shape, Real())

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        return np.asarray((x - self.zero.values) * self.scale.values.astype(np.float64))


def _check_channels(constants: Sequence[Tensor], x: TensorType) -> None:
    for constant in constants:
        if constant.shape not in ((1,), (x.channels,)):
            raise ValueError(f"a scale or zero point of shape {constant.shape} does not suit {x.channels} channels")


@dataclass(frozen=True, slots=True)
class JoinConstant(Op):
    """x + c or x * c with c = codes * scale, a constant that comes quantised.

    To reals an Affine; ONNX Runtime's kernels round with the scale and zero point of c as well. codes: without
    the zero point, one number or one per channel. first: whether c is the kernel's first argument.
    """

    treatment: ClassVar = Treatment.REAL

    kind: Literal["add", "mul"]
    codes: Tensor
    scale: float
    zero: int
    first: bool = False

    @property
    def affine(self) -> Affine:
        """The same to reals."""
        real = Tensor(self.codes.values * self.scale)
        one, none = Tensor(np.ones(1)), Tensor(np.zeros(1))
        return Affine(one, real) if self.kind == "add" else Affine(real, none)

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        return self.affine.infer(args)

    def golden(self, args: Sequence[Array]) -> Array:
        return self.affine.golden(args)

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        return self.affine.line(args, types)


@dataclass(frozen=True, slots=True)
class Bias(Op):
    """x + real, the bias of a layer that comes quantised, per channel.

    codes and step: the integers that the model gives it in, and what one of them is worth, per channel; None for a
    real one. ONNX Runtime's kernels add integers in steps of the accumulator, whatever `step` says.
    """

    treatment: ClassVar = Treatment.REAL

    real: Tensor
    codes: Tensor | None = None
    step: Tensor | None = None

    @property
    def affine(self) -> Affine:
        """The same to reals."""
        return Affine(Tensor(np.ones(1)), self.real)

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        return self.affine.infer(args)

    def golden(self, args: Sequence[Array]) -> Array:
        return self.affine.golden(args)

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        return self.affine.line(args, types)
