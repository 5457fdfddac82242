"""When a layer that shares an engine is asked for a beat: in some cycles of a round that repeats."""

from bisect import bisect_left
from math import ceil

from tomato.engines.parts.rounds import Round

BEGINS = 1
"""The cycle behind the reset in which the first round begins."""


class Slots:
    """The cycles in which a layer is asked."""

    def __init__(self, order: Round, layer: int) -> None:
        self.cycles = len(order.order)
        self.places = [cycle for cycle, asked in enumerate(order.order) if asked == layer]

    @property
    def gap(self) -> float:
        """Cycles from one of them to the next, on average."""
        return self.cycles / len(self.places)

    def after(self, cycle: float, count: int = 1) -> int:
        """The count-th of them from a cycle on."""
        whole, rest = divmod(ceil(cycle) - BEGINS, self.cycles)
        rounds, place = divmod(bisect_left(self.places, rest) + count - 1, len(self.places))
        return (whole + rounds) * self.cycles + self.places[place] + BEGINS
