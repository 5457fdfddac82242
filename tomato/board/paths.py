"""How long the paths of a netlist of the ECP5 will be, about: before placement, of what nextpnr reports behind it."""

from collections.abc import Mapping
from typing import Any

from tomato.board.flipflops import FLIPFLOP, Cell, pins, readers
from tomato.board.memories import MEMORY, registered

STEPS = {
    "LUT4": 1.05, "PFUMX": 0.3, "L6MUX21": 0.3, "CCU2C": 1.9, "MULT18X18D": 4.3, "TRELLIS_DPR16X4": 1.05,
}  # fmt: skip
"""Nanoseconds through a cell and the route to it, of speed grade 6."""
CARRY, ALONG = "CIN", 0.1
"""The pin by which a carry comes from the cell before, and how long it takes."""
WRITTEN = {"DI", "WAD", "WCK", "WRE"}
"""The pins of a distributed memory from which nothing goes through."""
MEMORY_NS, REGISTER_NS, FLIPFLOP_NS = 6.6, 1.8, 0.5
"""From the clock to what leaves a block memory, the register of a block, a flip-flop: routes from blocks are longer."""
NEAR_NS, FAR_NS = 0.4, 1.5
"""The route that ends a path: to a flip-flop beside its LUT, to a block."""


class Paths:
    """The paths of a module as it is now."""

    def __init__(self, module: Mapping[str, Any]) -> None:
        self.read = readers(module)
        self.source = {bit: cell for bit, cell, _ in pins(module["cells"].values(), leaving=True)}
        self.before: dict[Any, float] = {}
        self.behind: dict[Any, float] = {}

    def late(self, bit: Any) -> float:
        """Nanoseconds from the clock to a bit, on the longest path."""
        if bit not in self.before:
            cell = self.source.get(bit)
            self.before[bit] = FLIPFLOP_NS
            if cell and cell["type"] in STEPS:
                self.before[bit] = max(self.late(told) + step for told, step in _through(cell))
            elif cell and cell["type"] != FLIPFLOP:
                own = cell["type"] == MEMORY and registered(cell, bit)
                self.before[bit] = REGISTER_NS if own else MEMORY_NS
        return self.before[bit]

    def rest(self, bit: Any) -> float:
        """Nanoseconds from a bit to the end of the longest path that it is on."""
        if bit not in self.behind:
            self.behind[bit] = NEAR_NS
            for cell, port in self.read.get(bit, ()):
                if (step := _step(cell, port)) is not None:
                    ahead = max(self.rest(told) for told, _, _ in pins([cell], leaving=True))
                    self.behind[bit] = max(self.behind[bit], ahead + step)
        return self.behind[bit]


def _step(cell: Cell, port: str) -> float | None:
    """Nanoseconds from the route to a pin until it is through the cell; None if no path goes on."""
    return None if cell["type"] not in STEPS or port in WRITTEN else ALONG if port == CARRY else STEPS[cell["type"]]


def _through(cell: Cell) -> list[tuple[Any, float]]:
    """The bits from which paths go through a cell, and how long it takes."""
    steps = [(bit, _step(cell, port)) for bit, _, port in pins([cell], leaving=False)]
    return [(bit, step) for bit, step in steps if step is not None]
