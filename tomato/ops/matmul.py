"""MatMul: an exact matrix product of two values, neither of them constant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from tomato.core.formats import Array, Codes, Real
from tomato.core.ir import Op, TensorType
from tomato.core.treatment import UNLIKE_CHANNELS, Line, Treatment
from tomato.ops.weighted import FLOAT32_EXACT


@dataclass(frozen=True, slots=True)
class MatMul(Op):
    """On every pixel of a, `groups` products of a vector and a matrix that the pixels of b make, exact.

    The channels of both are `groups` runs, the heads of attention (Vaswani et al., 2017). With p a pixel of a, q one
    of b, g a group, both less their zero points:

        y[p, g, q] = sum over k of a[p, g, k] * b[q, g, k]   where b is transposed: every pixel of b makes a channel
        y[p, g, n] = sum over q of a[p, g, q] * b[q, g, n]   where it is not: b has a pixel for every channel of a group
    """

    treatment: ClassVar = Treatment.EXACT

    groups: int = 1
    transposed: bool = False
    zero_a: int = 0
    zero_b: int = 0

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        a, b = args
        if isinstance(a.fmt, Real) != isinstance(b.fmt, Real):
            raise ValueError("both inputs must be real or both codes")
        if a.channels % self.groups or b.channels % self.groups:
            raise ValueError(f"{self.groups} groups do not divide {a.channels} and {b.channels} channels")
        if self.terms(a) != (b.channels // self.groups if self.transposed else b.pixels):
            raise ValueError(f"{a.shape} and {b.shape} do not suit each other")
        shape = (*a.shape[:2], self.groups * self.columns(b))
        if isinstance(a.fmt, Real):
            return TensorType(shape, a.fmt)
        x, y = self.centred(args)
        ends = [i * j * self.terms(a) for i in (x.lo, x.hi) for j in (y.lo, y.hi)]
        return TensorType(shape, Codes(min(ends), max(ends)))

    def golden(self, args: Sequence[Array]) -> Array:
        a, b = args
        if np.issubdtype(a.dtype, np.integer):
            a, b = a.astype(np.int64) - self.zero_a, b.astype(np.int64) - self.zero_b
            bound = int(np.abs(a).max(initial=0)) * int(np.abs(b).max(initial=0)) * (a.shape[-1] // self.groups)
            assert bound < 1 << 53, "an accumulator exceeds what float64 holds exactly"
            kind: type[np.floating] = np.float32 if bound < FLOAT32_EXACT else np.float64
            return np.asarray(np.rint(self._product(a.astype(kind), b.astype(kind))).astype(np.int64))
        return self._product(a - self.zero_a, b - self.zero_b)

    def _product(self, a: Array, b: Array) -> Array:
        frames, height, width, _ = a.shape
        left, right = (x.reshape(frames, -1, self.groups, x.shape[-1] // self.groups) for x in (a, b))
        axes = (0, 2, 3, 1) if self.transposed else (0, 2, 1, 3)
        made = left.transpose(0, 2, 1, 3) @ right.transpose(axes)
        return np.ascontiguousarray(made.transpose(0, 2, 1, 3)).reshape(frames, height, width, -1)

    def macs(self, args: Sequence[TensorType]) -> int:
        a, b = args
        return a.pixels * a.channels * self.columns(b)

    def terms(self, a: TensorType) -> int:
        """Products of a sum."""
        return a.channels // self.groups

    def columns(self, b: TensorType) -> int:
        """Results of a group."""
        return b.pixels if self.transposed else b.channels // self.groups

    def centred(self, args: Sequence[TensorType]) -> tuple[Codes, Codes]:
        """The factors, codes less their zero points."""
        a, b = (
            Codes(kind.codes.lo - zero, kind.codes.hi - zero)
            for kind, zero in zip(args, (self.zero_a, self.zero_b), strict=True)
        )
        return a, b

    def on_codes(self, args: Sequence[Line], types: Sequence[TensorType]) -> Self:
        a, b = (arg.code_of(0.0) or 0 for arg in args)  # where there is none, line refuses it
        return replace(self, zero_a=a, zero_b=b)

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        if not all(arg.is_uniform for arg in args):
            return UNLIKE_CHANNELS
        if any(arg.code_of(0.0) is None for arg in args):
            return "no code of its input stands for 0"
        if any(arg.slack for arg in args):
            return "its inputs are not exact"
        channels = self.groups * self.columns(types[1])
        return Line(np.full(channels, float(args[0].scale[0] * args[1].scale[0])), np.zeros(channels), 0.0)
