"""Number formats, constants, and the one definition of rounding in this project."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""Values of a tensor: int64 codes, or float64 reals before quantisation."""


@dataclass(frozen=True)
class Codes:
    """Integers in [lo, hi], carried in the fewest bits that hold both ends.

    Hardware carries codes; what they mean (scale, zero point) is an annotation
    of the graph, see `tomato.core.ir.Encoding`.
    """

    lo: int
    hi: int

    def __post_init__(self) -> None:
        if self.lo > self.hi:
            raise ValueError(f"empty format [{self.lo}, {self.hi}]")

    @classmethod
    def of(cls, bits: int, *, signed: bool) -> Self:
        """The full range of a two's-complement or unsigned format of `bits` bits."""
        if bits < 1:
            raise ValueError(f"a format has at least 1 bit, not {bits}")
        return cls(-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else cls(0, (1 << bits) - 1)

    @property
    def signed(self) -> bool:
        """Whether the codes need a sign bit."""
        return self.lo < 0

    @cached_property
    def bits(self) -> int:
        """Width in bits: the fewest that hold both ends, at least 1."""
        if not self.signed:
            return max(1, self.hi.bit_length())
        return max((-self.lo - 1).bit_length(), max(self.hi, 0).bit_length()) + 1

    @property
    def full(self) -> Self:
        """All codes of that width: what a person calls s8, without the range reached in it."""
        return self.of(self.bits, signed=self.signed)

    def union(self, other: "Codes") -> "Codes":
        """The smallest format that holds both."""
        return Codes(min(self.lo, other.lo), max(self.hi, other.hi))

    def __str__(self) -> str:
        name = f"{'s' if self.signed else 'u'}{self.bits}"
        full = Codes.of(self.bits, signed=self.signed)
        return name if full == self else f"{name}[{self.lo}..{self.hi}]"


@dataclass(frozen=True, slots=True)
class Real:
    """Real numbers: the format of every value before quantisation."""

    def __str__(self) -> str:
        return "real"


Format = Codes | Real


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A constant: int64 codes or float64 reals. Equal when shape, kind and values are equal."""

    values: Array = field(repr=False)
    digest: str = field(init=False)
    fmt: Format = field(init=False, repr=False)
    """The tightest format that holds the values."""

    def __post_init__(self) -> None:
        kind = np.int64 if np.issubdtype(self.values.dtype, np.integer) else np.float64
        values = np.array(self.values, dtype=kind, order="C")  # a private copy, so that it can be frozen
        values.setflags(write=False)
        object.__setattr__(self, "values", values)
        key = hashlib.sha256(f"{values.dtype}{values.shape}".encode())
        key.update(values.data)
        object.__setattr__(self, "digest", key.hexdigest()[:12])
        object.__setattr__(self, "fmt", self._tightest())

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the constant."""
        return self.values.shape

    def repeated(self, times: int) -> "Tensor":
        """The constant so many times along its first axis."""
        return Tensor(np.concatenate([self.values] * times))

    @property
    def is_codes(self) -> bool:
        """Whether the constant holds integer codes (else reals)."""
        return bool(np.issubdtype(self.values.dtype, np.integer))

    def _tightest(self) -> Format:
        if not self.is_codes:
            return Real()
        return Codes(int(self.values.min()), int(self.values.max())) if self.values.size else Codes(0, 0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tensor) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __str__(self) -> str:
        return f"{'x'.join(map(str, self.shape))}:{self.fmt}#{self.digest[:6]}"


def requantise(acc: Array, mult: Array, bias: Array, shift: int, lo: int, hi: int) -> Array:
    """clamp((acc * mult + bias) >> shift, lo, hi): the one rounding of this project.

    `>>` rounds towards minus infinity; half an output unit in `bias` makes it round to
    nearest. Every engine, RTL or HLS, computes exactly this.
    """
    return np.asarray(np.clip((acc * mult + bias) >> shift, lo, hi))
