"""Counts of FPGA primitives: what a chip has and what a circuit costs."""

import operator
from dataclasses import dataclass, fields
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
        return type(self)(*map(operator.add, self.values(), other.values()))

    def __sub__(self, other: "Resources") -> Self:
        return type(self)(*map(operator.sub, self.values(), other.values()))

    def __mul__(self, n: int) -> Self:
        return type(self)(*(a * n for a in self.values()))

    __rmul__ = __mul__

    def fits(self, budget: "Resources") -> bool:
        """Whether no kind exceeds the budget."""
        return not self.shortfall(budget)

    def shortfall(self, budget: "Resources") -> dict[str, int]:
        """By how much the budget is exceeded, for the kinds that exceed it."""
        return {k: n - budget[k] for k, n in self.counts().items() if n > budget[k]}

    def counts(self) -> dict[str, int]:
        """Kind to count, every kind, in a fixed order."""
        return dict(zip(KINDS, self.values(), strict=True))

    def values(self) -> tuple[int, ...]:
        """The counts of every kind, in the same order. The scheduler asks for millions."""
        return self.lut, self.ff, self.dsp, self.bram18, self.uram

    def __getitem__(self, kind: str) -> int:
        return int(getattr(self, kind))

    def __str__(self) -> str:
        return ", ".join(f"{n:,} {k}" for k, n in self.counts().items() if n) or "nothing"


KINDS = tuple(f.name for f in fields(Resources))
"""Kinds of resources, in the order of their fields."""
