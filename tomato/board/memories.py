"""The block memories of the ECP5, as far as their registers are concerned."""

from dataclasses import dataclass
from typing import Any

from tomato.board.flipflops import ZERO, Cell

MEMORY = "DP16KD"
BITS, WIDE = 18, 36
"""Bits of a port, and of both where they are one."""
ADDRESS = 14
"""Bits of an address."""


@dataclass(frozen=True, slots=True)
class Side:
    """What leaves a memory by one clock: of port A, of port B, or of both for a word of 36 bits, which B reads."""

    ports: str
    clock: str

    @property
    def outputs(self) -> list[str]:
        """The pins of its data."""
        return [f"DO{port}{i}" for port in self.ports for i in range(BITS)]

    @property
    def addresses(self) -> list[str]:
        """The pins of its address."""
        return [f"AD{self.ports[-1]}{i}" for i in range(ADDRESS)]

    @property
    def enable(self) -> str:
        """The pin without which nothing is read."""
        return f"CE{self.ports[-1]}"

    def bits(self, cell: Cell) -> list[Any]:
        """The wires of its data."""
        return [bit for pin in self.outputs for bit in cell["connections"].get(pin, ()) if isinstance(bit, int)]

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


def sides(cell: Cell) -> tuple[Side, ...]:
    """What leaves a memory by one clock each."""
    wide = int(cell["parameters"]["DATA_WIDTH_B"], 2) == WIDE
    return (Side("AB", "CLKB"),) if wide else (Side("A", "CLKA"), Side("B", "CLKB"))


def registered(cell: Cell, bit: Any) -> bool:
    """Whether a bit leaves a memory through its register."""
    return any(bit in s.bits(cell) and cell["parameters"][f"REGMODE_{s.ports[-1]}"] == "OUTREG" for s in sides(cell))
