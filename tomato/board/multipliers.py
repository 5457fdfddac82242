"""Registers in front of the multipliers of the ECP5 go into them, or else those behind: Yosys leaves them all outside.

Those behind stay outside where those in front go in. The routes to what reads them are long where blocks are far apart,
and a product takes less than 4 ns of a cycle that begins in the block. The routes to those in front are as long: where
much logic lies there, they stay outside, and those behind go in.
"""

from collections.abc import Mapping
from typing import Any

from tomato.board.flipflops import (
    FLIPFLOP,
    ONE,
    PLAIN,
    RESET,
    ZERO,
    Cell,
    Pin,
    enable,
    has,
    pins,
    readers,
    reset,
    shown,
    sole,
    starts,
    unless,
)  # fmt: skip
from tomato.board.memories import MEMORY, registered
from tomato.board.paths import FAR_NS, STEPS, Paths

MULTIPLIER = "MULT18X18D"
OPERANDS, BITS = "AB", 18
PRODUCT = tuple(f"P{i}" for i in range(2 * BITS))
CONTROLS = ("CLK0", "CE0", "RST0")
"""The pins of the block that its registers are to obey."""
CYCLE_NS = 6.6
"""What a path to an operand's register may take, 150 MHz."""


def with_registers(netlist: dict[str, Any]) -> dict[str, Any]:
    """The netlist, in which multipliers hold the operands that were in registers in front of them, or their products.

    Registers go into the block if all bits of both operands are flip-flops of one clock without an enable, as nextpnr
    takes a block with one register for one without; where something else reads them, they stay as well. Those behind a
    block memory without a register stay: without them the way from there would be the longest. So do those behind much
    logic, if the product can go in. Then, and behind logic without a register, the block holds the product if
    flip-flops without an enable or a reset are all that reads it, one for each bit.
    Constant bits go through the register: they are there one cycle behind the chip's start, when nothing is valid yet.
    """
    for module in netlist["modules"].values():
        _Module(module).pack()
    return netlist


class _Module:
    """The cells of a module, and who drives each bit."""

    def __init__(self, module: Mapping[str, Any]) -> None:
        self.module = module
        self.cells: dict[str, Cell] = module["cells"]
        self.source: dict[Any, Cell] = {bit: cell for bit, cell, _ in pins(self.cells.values(), leaving=True)}
        self.paths = Paths(module)
        self.fresh = max((bit for bit in self.source if isinstance(bit, int)), default=0)

    def pack(self) -> None:
        """Operands of every multiplier, then products of those that are left."""
        left = [cell for cell in self.cells.values() if cell["type"] == MULTIPLIER]
        left = [cell for cell in left if not self._absorb_operands(cell)]
        self._sweep()
        read = readers(self.module)
        for cell in left:
            _absorb_product(cell, read)
        self._sweep()

    def _sweep(self) -> None:
        """Leave out the flip-flops that nothing reads any more."""
        read = shown(self.module) | {bit for bit, _, _ in pins(self.cells.values(), leaving=False)}
        for name in [name for name, cell in self.cells.items() if cell["type"] == FLIPFLOP]:
            if not read.intersection(self.cells[name]["connections"]["Q"]):
                del self.cells[name]

    def _absorb_operands(self, cell: Cell) -> bool:
        """Let the registers of a block stand for the flip-flops on its operands; whether they can."""
        wires = cell["connections"]
        wired = [port for x in OPERANDS for port in (f"{x}{i}" for i in range(BITS)) if isinstance(wires[port][0], int)]
        flops = [self.source.get(wires[port][0]) for port in wired]
        found = [flop for flop in flops if flop is not None and self._fits(flop)]
        clocks = {flop["connections"]["CLK"][0] for flop in found}
        if len(found) < len(flops) or len(clocks) != 1:
            return False
        if max(map(self._late, found)) + FAR_NS > CYCLE_NS and _products(cell, self.paths.read):
            return False
        for port, flop in zip(wired, found, strict=True):
            wires[port] = [self._entry(flop)]
        for operand in OPERANDS:
            _clock(cell, f"INPUT{operand}", *clocks)
        return True

    def _fits(self, flop: Cell) -> bool:
        """Whether a cell is a flip-flop that the block's can stand for, with a LUT in front if need be."""
        if flop["type"] != FLIPFLOP:
            return False
        kind = PLAIN if reset(flop) == ZERO else PLAIN | RESET
        (entry,) = flop["connections"]["DI"]
        fed = self.source.get(entry)
        remembered = fed is not None and fed["type"] == MEMORY and not registered(fed, entry)
        return enable(flop) == ONE and not remembered and has(flop, kind)

    def _late(self, flop: Cell) -> float:
        """When what a flip-flop takes is there, with a LUT for its reset."""
        (entry,) = flop["connections"]["DI"]
        return self.paths.late(entry) + (0 if reset(flop) == ZERO else STEPS["LUT4"])

    def _entry(self, flop: Cell) -> Any:
        """The wire that a flip-flop takes over; that of a new LUT where it has a reset."""
        (entry,) = flop["connections"]["DI"]
        if reset(flop) == ZERO:
            return entry
        self.fresh += 1
        made = unless(flop, entry, self.fresh)
        self.cells[f"unless_{self.fresh}"] = self.source[self.fresh] = made
        return self.fresh


def _products(cell: Cell, read: Mapping[Any, list[Pin]]) -> dict[str, Cell]:
    """By pin of a product the flip-flop behind it; empty if the block's register cannot stand for them."""
    behind = {port: found for port in PRODUCT if (found := read.get(cell["connections"].get(port, [None])[0]))}
    flops = sole(behind.values())
    clocks = {flop["connections"]["CLK"][0] for flop in flops}
    fit = len(clocks) == 1 and all(starts(flop) and enable(flop) == ONE for flop in flops)
    return dict(zip(behind, flops, strict=True)) if fit else {}


def _absorb_product(cell: Cell, read: Mapping[Any, list[Pin]]) -> None:
    """Let the register of a block stand for the flip-flops on its product, if it can."""
    found = _products(cell, read)
    for port, flop in found.items():
        _clock(cell, "OUTPUT", *flop["connections"]["CLK"])
        cell["connections"][port], flop["connections"]["Q"] = flop["connections"]["Q"], []


def _clock(cell: Cell, register: str, clock: Any) -> None:
    """Connect a register of a block."""
    ends = (f"REG_{register}_{end}" for end in ("CLK", "CE", "RST"))
    cell["parameters"] |= {"GSR": "DISABLED"} | dict(zip(ends, CONTROLS, strict=True))
    for port, bit in zip(CONTROLS, (clock, ONE, ZERO), strict=True):
        cell["connections"][port], cell["port_directions"][port] = [bit], "input"
