"""Counts of FPGA primitives: what a chip has and what a circuit costs."""

from dataclasses import astuple, dataclass, fields
from typing import Self


@dataclass(frozen=True, slots=True)
class Resources:
    """Counts of FPGA primitives. Used both for a budget and for a cost."""

    lut: int = 0
    ff: int = 0
    dsp: int = 0
    bram18: int = 0
    uram: int = 0

    def __add__(self, other: "Resources") -> Self:
        return type(self)(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: "Resources") -> Self:
        return type(self)(*(a - b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __mul__(self, n: int) -> Self:
        return type(self)(*(a * n for a in astuple(self)))

    __rmul__ = __mul__

    def fits(self, budget: "Resources") -> bool:
        """Whether no kind exceeds the budget."""
        return not self.shortfall(budget)

    def shortfall(self, budget: "Resources") -> dict[str, int]:
        """By how much the budget is exceeded, for the kinds that exceed it."""
        return {k: n - budget[k] for k, n in self.counts().items() if n > budget[k]}

    def counts(self) -> dict[str, int]:
        """Kind to count, every kind, in a fixed order."""
        return {f.name: self[f.name] for f in fields(self)}

    def __getitem__(self, kind: str) -> int:
        return int(getattr(self, kind))

    def __str__(self) -> str:
        return ", ".join(f"{n:,} {k}" for k, n in self.counts().items() if n) or "nothing"
