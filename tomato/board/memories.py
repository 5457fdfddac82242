"""Registers behind the block memories of the ECP5 go into them: Yosys leaves the block's own unused.

What leaves the memory takes 5.8 ns of a cycle, from its register 1 ns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tomato.board.flipflops import ZERO, Cell, Pin, enable, readers, sole, starts

MEMORY = "DP16KD"
BITS, WIDE = 18, 36
"""Bits of a port, and of both where they are one."""


@dataclass(frozen=True, slots=True)
class Side:
    """What leaves a memory by one clock: of port A, of port B, or of both for a word of 36 bits, which B reads."""

    ports: str
    clock: str

    @property
    def outputs(self) -> list[str]:
        """The pins of its data."""
        return [f"DO{port}{i}" for port in self.ports for i in range(BITS)]

    def is_free(self, cell: Cell) -> bool:
        """Whether a memory's register is unused, and can be used."""
        wires, parameters = cell["connections"], cell["parameters"]
        unused = all(parameters[f"REGMODE_{p}"] == "NOREG" and wires[f"RST{p}"] == [ZERO] for p in self.ports)
        return unused and parameters[f"{self.clock}MUX"] == self.clock

    def remember(self, cell: Cell, enable: Any) -> None:
        """Let data of a memory leave through its register, which has an enable."""
        for port in self.ports:
            cell["parameters"][f"REGMODE_{port}"] = "OUTREG"
            cell["connections"][f"OCE{port}"] = [enable]


def with_registers(netlist: dict[str, Any]) -> dict[str, Any]:
    """The netlist, in which memories hold what was in registers right behind them.

    Registers go into the block if flip-flops of its clock are all that reads its data, one for each bit, with one
    enable or none, and without a reset: that of the block clears what the memory itself read as well.
    """
    for module in netlist["modules"].values():
        memories = [cell for cell in module["cells"].values() if cell["type"] == MEMORY]
        read = readers(module) if memories else {}
        gone = {id(flop) for cell in memories for side in sides(cell) for flop in _absorb(cell, side, read)}
        module["cells"] = {name: cell for name, cell in module["cells"].items() if id(cell) not in gone}
    return netlist


def sides(cell: Cell) -> tuple[Side, ...]:
    """What leaves a memory by one clock each."""
    wide = int(cell["parameters"]["DATA_WIDTH_B"], 2) == WIDE
    return (Side("AB", "CLKB"),) if wide else (Side("A", "CLKA"), Side("B", "CLKB"))


def _absorb(cell: Cell, side: Side, read: Mapping[Any, list[Pin]]) -> list[Cell]:
    """Let the registers of a block stand for the flip-flops behind one side; returns those, none if they cannot."""
    wires = cell["connections"]
    behind = {pin: found for pin in side.outputs if (found := read.get(wires.get(pin, [None])[0]))}
    flops = sole(behind.values())
    clocks, enables = {flop["connections"]["CLK"][0] for flop in flops}, {enable(flop) for flop in flops}
    alike = clocks == {*wires[side.clock]} and len(enables) == 1 and all(map(starts, flops))
    if not alike or not side.is_free(cell):
        return []
    for pin, flop in zip(behind, flops, strict=True):
        wires[pin] = flop["connections"]["Q"]
    side.remember(cell, *enables)
    return flops
