"""Registers in front of the multipliers of the ECP5 go into them: Yosys leaves the block's own unused.

Those behind stay outside. The routes to what reads them are long where blocks are far apart, and a product takes less
than 4 ns of a cycle that begins in the block.
"""

from collections.abc import Mapping
from typing import Any

Cell = dict[str, Any]

MULTIPLIER, FLIPFLOP, MEMORY = "MULT18X18D", "TRELLIS_FF", "DP16KD"
OPERANDS, BITS = "AB", 18
CONTROLS = ("CLK0", "CE0", "RST0")
"""The pins of the block that its registers are to obey."""
PLAIN = {"CLKMUX": "CLK"}
"""Parameters of a flip-flop that the block's can stand for: the clock is not inverted."""
RESET = {"LSRMUX": "LSR", "SRMODE": "LSR_OVER_CE"}
"""Parameters of a reset that a LUT in front of the flip-flop can stand for."""
AFTER = {"RESET": "0010001000100010", "SET": "1110111011101110"}
"""The LUT4 for that, by REGSET, which says what a reset brings: A unless B, A or B."""
ZERO, ONE = "0", "1"


def with_registers(netlist: dict[str, Any]) -> dict[str, Any]:
    """The netlist, in which multipliers hold the operands that were in registers right in front of them.

    Registers go into the block if all bits of both operands are flip-flops of one clock without an enable, as nextpnr
    takes a block with one register for one without; where something else reads them, they stay as well. Those behind a
    block memory stay: without them the way from there would be the longest.
    Constant bits go through the register: they are there one cycle behind the chip's start, when nothing is valid yet.
    """
    for module in netlist["modules"].values():
        _Module(module).pack()
    return netlist


class _Module:
    """The cells of a module, and who drives each bit."""

    def __init__(self, module: Mapping[str, Any]) -> None:
        self.cells: dict[str, Cell] = module["cells"]
        self.shown = {bit for port in module["ports"].values() for bit in port["bits"]}
        self.source: dict[Any, Cell] = {}
        for cell in self.cells.values():
            for port, bits in cell["connections"].items():
                if cell["port_directions"][port] == "output":
                    self.source.update((bit, cell) for bit in bits)
        self.fresh = max((bit for bit in self.source if isinstance(bit, int)), default=0)

    def pack(self) -> None:
        """Every multiplier in turn, then without the flip-flops that nothing reads any more."""
        for cell in [cell for cell in self.cells.values() if cell["type"] == MULTIPLIER]:
            self._absorb(cell)
        read = self.shown | {
            bit for cell in self.cells.values() for port, bits in cell["connections"].items()
            if cell["port_directions"][port] != "output" for bit in bits
        }  # fmt: skip
        for name in [name for name, cell in self.cells.items() if cell["type"] == FLIPFLOP]:
            if not read.intersection(self.cells[name]["connections"]["Q"]):
                del self.cells[name]

    def _absorb(self, cell: Cell) -> None:
        """Let the registers of a block stand for the flip-flops on its operands, if they can."""
        pins = cell["connections"]
        wired = [port for x in OPERANDS for port in (f"{x}{i}" for i in range(BITS)) if isinstance(pins[port][0], int)]
        flops = [self.source.get(pins[port][0]) for port in wired]
        found = [flop for flop in flops if flop is not None and self._fits(flop)]
        clocks = {flop["connections"]["CLK"][0] for flop in found}
        if len(found) < len(flops) or len(clocks) != 1:
            return
        for port, flop in zip(wired, found, strict=True):
            pins[port] = [self._entry(flop)]
        for operand in OPERANDS:
            ends = (f"REG_INPUT{operand}_{end}" for end in ("CLK", "CE", "RST"))
            cell["parameters"] |= {"GSR": "DISABLED"} | dict(zip(ends, CONTROLS, strict=True))
        for port, bit in zip(CONTROLS, (*clocks, ONE, ZERO), strict=True):
            pins[port], cell["port_directions"][port] = [bit], "input"

    def _fits(self, flop: Cell) -> bool:
        """Whether a cell is a flip-flop that the block's can stand for, with a LUT in front if need be."""
        if flop["type"] != FLIPFLOP:
            return False
        pins, parameters = flop["connections"], flop["parameters"]
        enabled = str(parameters.get("CEMUX", ONE)).strip() == ONE or pins.get("CE") == [ONE]
        kind = PLAIN if _reset(flop) == ZERO else PLAIN | RESET
        fed = self.source.get(pins["DI"][0])
        remembered = fed is not None and fed["type"] == MEMORY
        return enabled and not remembered and all(parameters.get(name) == value for name, value in kind.items())

    def _entry(self, flop: Cell) -> Any:
        """The wire that a flip-flop takes over; that of a new LUT where it has a reset."""
        (entry,) = flop["connections"]["DI"]
        if _reset(flop) == ZERO:
            return entry
        self.fresh += 1
        made = {
            "hide_name": 0, "type": "LUT4", "attributes": {},
            "parameters": {"INIT": AFTER[flop["parameters"]["REGSET"]]},
            "port_directions": dict.fromkeys("ABCD", "input") | {"Z": "output"},
            "connections": {"A": [entry], "B": [_reset(flop)], "C": [ZERO], "D": [ZERO], "Z": [self.fresh]},
        }  # fmt: skip
        self.cells[f"unless_{self.fresh}"] = self.source[self.fresh] = made
        return self.fresh


def _reset(flop: Cell) -> Any:
    """The wire that resets a flip-flop, or ZERO."""
    return flop["connections"].get("LSR", [ZERO])[0]
