"""In which order layers that share an engine are asked for beats: those that have more of them oftener."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import ceil

NOBODY = 255
"""Who is asked in a cycle in which nobody is."""
LONGEST = 6
"""Cycles of a round for each layer, about."""


@dataclass(frozen=True)
class Round:
    """A round: the number of a layer, or NOBODY, for every cycle."""

    order: tuple[int, ...]

    @cached_property
    def gaps(self) -> tuple[int, ...]:
        """Cycles for each beat of every layer, on average."""
        layers = len(set(self.order) - {NOBODY})
        return tuple(ceil(len(self.order) / self.order.count(layer)) for layer in range(layers))

    @property
    def packed(self) -> int:
        """A byte for each cycle, the first in the low bits."""
        return int.from_bytes(bytes(self.order), "little")


@lru_cache
def fair(beats: tuple[int, ...], apart: int) -> Round:
    """Layers with so many beats a frame are asked as often as they have beats, each once at least.

    apart: cycles from one time that a layer is asked to the next, at least, also from one round to another.
    """
    total = LONGEST * len(beats)
    most = max(1, total // (2 * apart))
    counts = [min(most, max(1, round(total * n / sum(beats)))) for n in beats]
    total = sum(counts)
    order: list[int] = []
    given, last = [0] * len(beats), [-apart] * len(beats)
    while sum(given) < total:
        free = [m for m, n in enumerate(counts) if given[m] < n and len(order) - last[m] >= apart]
        chosen = min(free, key=lambda m: ((given[m] + 0.5) / counts[m], m), default=NOBODY)
        if chosen != NOBODY:
            given[chosen], last[chosen] = given[chosen] + 1, len(order)
        order.append(chosen)
    short = max(apart - (len(order) - last[m] + order.index(m)) for m in range(len(beats)))
    return Round((*order, *[NOBODY] * max(0, short)))
