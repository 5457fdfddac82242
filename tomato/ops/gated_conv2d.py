"""GatedConv2d: a convolution of which every frame chooses the channels that are computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.ir import Op, TensorType
from tomato.core.treatment import Treatment
from tomato.ops.conv2d import Conv2d


def chosen(gate: Array, keep: int, zero: int) -> Array:
    """Exactly `keep` of the groups of every frame, as truth values: gates (batch, 1, 1, groups), `zero` stands for 0.

    In order: a group is chosen while fewer than `keep` are, if its gate is not 0 or all that are left are needed.
    """
    groups = gate.shape[3]
    picked = np.zeros(gate.shape, dtype=bool)
    places = np.full(gate.shape[:3], keep)
    for j in range(groups):
        picked[..., j] = (places > 0) & ((gate[..., j] != zero) | (places >= groups - j))
        places -= picked[..., j]
    return picked


@dataclass(frozen=True, slots=True)
class GatedConv2d(Op):
    """`conv` of the input's chosen groups of channels, 0 in the groups of the result that are not chosen. Codes only.

    Arguments: the input, then the gate of the result unless `keep` is 0, then that of the input unless `keep_in` is 0.
    A gate is one pixel: a code for each of as many groups of neighbouring channels; `keep` of them are chosen, see
    `chosen`, where `zero` stands for 0. The input counts from `base`: `conv` sees x - base in the groups that are
    chosen, 0 in the others.
    """

    treatment: ClassVar = Treatment.CODES

    conv: Conv2d
    keep: int = 0
    keep_in: int = 0
    zero: int = 0
    zero_in: int = 0
    base: int = 0

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        if len(args) != 1 + bool(self.keep) + bool(self.keep_in):
            raise ValueError(f"{len(args)} arguments do not suit {self.keep} and {self.keep_in} kept groups")
        x = args[0]
        if not all(isinstance(a.fmt, Codes) for a in args):
            raise ValueError("a gated convolution takes codes, not reals")
        if self.conv.groups > 1:
            raise ValueError("a convolution in groups has no gates")
        if self.keep_in and self.conv.border:
            raise ValueError(f"groups of channels that are not read have no border {self.conv.border}")
        out = self.conv.infer([self.seen(x)])
        self._check_gate(args[self.gate_at] if self.gate_at else None, self.keep, self.zero, out.channels)
        self._check_gate(args[self.gate_in_at] if self.gate_in_at else None, self.keep_in, self.zero_in, x.channels)
        return TensorType(out.shape, out.codes.union(Codes(0, 0)))

    def seen(self, x: TensorType) -> TensorType:
        """The input as `conv` sees it; groups that are not chosen are 0."""
        codes = Codes(x.codes.lo - self.base, x.codes.hi - self.base)
        return TensorType(x.shape, codes.union(Codes(0, 0)) if self.keep_in else codes)

    def _check_gate(self, gate: TensorType | None, keep: int, zero: int, channels: int) -> None:
        if gate is None:
            return
        if gate.pixels != 1 or channels % gate.channels:
            raise ValueError(f"a gate {gate.shape} does not suit {channels} channels")
        if not 1 <= keep < gate.channels:
            raise ValueError(f"{keep} of {gate.channels} groups cannot be chosen")
        if not gate.codes.lo <= zero <= gate.codes.hi:
            raise ValueError(f"what stands for 0, {zero}, is no code of a gate in {gate.fmt}")

    @property
    def gate_at(self) -> int | None:
        """Which argument is the gate of the result."""
        return 1 if self.keep else None

    @property
    def gate_in_at(self) -> int | None:
        """Which argument is the gate of the input."""
        return 1 + bool(self.keep) if self.keep_in else None

    def golden(self, args: Sequence[Array]) -> Array:
        x = args[0] - self.base
        if self.gate_in_at:
            x = _masked(x, chosen(args[self.gate_in_at], self.keep_in, self.zero_in))
        y = self.conv.golden([x])
        return _masked(y, chosen(args[self.gate_at], self.keep, self.zero)) if self.gate_at else y

    @property
    def constants(self) -> tuple[Tensor, ...]:
        return self.conv.constants

    @property
    def weights(self) -> Mapping[str, Tensor]:
        return self.conv.weights

    def macs(self, args: Sequence[TensorType]) -> int:
        count = self.conv.macs(args[:1])
        for at, keep in ((self.gate_at, self.keep), (self.gate_in_at, self.keep_in)):
            count = count * keep // args[at].channels if at else count
        return count

    def __str__(self) -> str:
        kept = [f"{n} {text}" for n, text in ((self.keep, "kept"), (self.keep_in, "kept of the input")) if n]
        return f"gated<{self.conv}, {', '.join(kept)}>"


def _masked(x: Array, picked: Array) -> Array:
    """x where its group of neighbouring channels is picked, else 0."""
    return np.asarray(np.where(picked.repeat(x.shape[3] // picked.shape[3], axis=3), x, 0))
