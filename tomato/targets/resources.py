"""Counts of FPGA primitives: what a chip has and what a circuit costs."""

from typing import NamedTuple


class Resources(NamedTuple):
    """Counts of FPGA primitives. Used both for a budget and for a cost. A tuple: the scheduler adds up millions."""

    lut: int = 0
    ff: int = 0
    dsp: int = 0
    bram18: int = 0
    uram: int = 0

    def __add__(self, other: "Resources") -> "Resources":  # type: ignore[override]
        a, b, c, d, e = self
        v, w, x, y, z = other
        return Resources(a + v, b + w, c + x, d + y, e + z)

    def __sub__(self, other: "Resources") -> "Resources":
        a, b, c, d, e = self
        v, w, x, y, z = other
        return Resources(a - v, b - w, c - x, d - y, e - z)

    def __mul__(self, n: int) -> "Resources":  # type: ignore[override]
        a, b, c, d, e = self
        return Resources(a * n, b * n, c * n, d * n, e * n)

    def __rmul__(self, n: int) -> "Resources":  # type: ignore[override]
        return self * n

    def fits(self, budget: "Resources") -> bool:
        """Whether no kind exceeds the budget."""
        return all(n <= most for n, most in zip(self, budget, strict=True))

    def shortfall(self, budget: "Resources") -> dict[str, int]:
        """By how much the budget is exceeded, for the kinds that exceed it."""
        return {k: n - most for k, n, most in zip(KINDS, self, budget, strict=True) if n > most}

    def counts(self) -> dict[str, int]:
        """Kind to count, every kind, in a fixed order."""
        return dict(zip(KINDS, self, strict=True))

    def of(self, kind: str) -> int:
        """The count of one kind."""
        return self[KINDS.index(kind)]

    def __str__(self) -> str:
        return ", ".join(f"{n:,} {k}" for k, n in self.counts().items() if n) or "nothing"


KINDS = Resources._fields
"""Kinds of resources, in the order of their fields."""
