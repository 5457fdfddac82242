"""Registers around the multipliers of the ECP5 go into them: Yosys leaves the block's own unused."""

from collections.abc import Callable, Mapping
from typing import Any

Cell = dict[str, Any]

MULTIPLIER, FLIPFLOP = "MULT18X18D", "TRELLIS_FF"
OPERANDS = {"A": 18, "B": 18}
"""Inputs that have a register in the block, with their bits."""
RESULT, RESULT_BITS = "P", 36
CONTROLS = ("CLK0", "CE0", "RST0")
"""The pins of the block that its registers are to obey."""
PLAIN = {"CLKMUX": "CLK", "REGSET": "RESET"}
"""Parameters of a flip-flop that the block's can stand for: the clock is not inverted, and 0 is what it begins with."""
RESET = {"LSRMUX": "LSR", "SRMODE": "LSR_OVER_CE"}
"""Parameters of a reset that a LUT in front of the flip-flop can stand for."""
UNLESS = {"INIT": "0010001000100010"}
"""The LUT4 for that: input A unless B."""
ZERO, ONE, ANY = "0", "1", "x"


def with_registers(netlist: dict[str, Any]) -> dict[str, Any]:
    """The netlist, in which multipliers hold what was in registers right before and behind them.

    A register goes into the block if all its bits are flip-flops of one clock without an enable. That of an operand
    stays where something else reads it, too; a result that something else reads as well stays outside. Constant bits
    go through the register: they are there one cycle behind the chip's start, when nothing is valid yet.
    """
    for module in netlist["modules"].values():
        _Module(module).pack()
    return netlist


class _Module:
    """The cells of a module, who drives each bit and who reads it."""

    def __init__(self, module: Mapping[str, Any]) -> None:
        self.cells: dict[str, Cell] = module["cells"]
        self.source: dict[Any, str] = {}
        self.readers: dict[Any, list[tuple[str, str]]] = {}
        self.fresh = 0
        for name, cell in self.cells.items():
            for port, bits in cell["connections"].items():
                for bit in bits:
                    self.fresh = max(self.fresh, bit if isinstance(bit, int) else 0)
                    if cell["port_directions"][port] == "output":
                        self.source[bit] = name
                    else:
                        self.readers.setdefault(bit, []).append((name, port))
        for name, port in module["ports"].items():
            for bit in port["bits"]:
                self.readers.setdefault(bit, []).append(("", name))

    def pack(self) -> None:
        """Every multiplier in turn, then without the flip-flops that nothing reads any more."""
        for name in [name for name, cell in self.cells.items() if cell["type"] == MULTIPLIER]:
            for operand, width in OPERANDS.items():
                self._absorb(name, [f"{operand}{i}" for i in range(width)], f"INPUT{operand}", self._before)
            self._absorb(name, [f"{RESULT}{i}" for i in range(RESULT_BITS)], "OUTPUT", self._behind)
        read = {bit for bit, readers in self.readers.items() if readers}
        for name in [name for name, cell in self.cells.items() if cell["type"] == FLIPFLOP]:
            if not read.intersection(self.cells[name]["connections"]["Q"]):
                del self.cells[name]

    def _absorb(self, name: str, ports: list[str], register: str, beside: Callable[[Any], str]) -> None:
        """Let a register of the block stand for the flip-flops on all used bits of some ports, if it can."""
        cell = self.cells[name]
        pins = {port: cell["connections"][port][0] for port in ports}
        result = register == "OUTPUT"
        used = {
            port: bit
            for port, bit in pins.items()
            if not isinstance(bit, str) and (not result or self.readers.get(bit))
        }
        flops = {port: beside(bit) for port, bit in used.items()}
        if not used or not all(flops.values()):
            return
        clocks = {self.cells[flop]["connections"]["CLK"][0] for flop in flops.values()}
        if len(clocks | set(cell["connections"].get("CLK0", ()))) > 1:
            return
        for port, flop in flops.items():
            if result:
                self._leave(name, port, flop)
            else:
                self._enter(name, port, flop)
        cell["parameters"] |= {"GSR": "DISABLED"} | dict(
            zip((f"REG_{register}_{end}" for end in ("CLK", "CE", "RST")), CONTROLS, strict=True)
        )
        for port, bit in zip(CONTROLS, (*clocks, ONE, ZERO), strict=True):
            cell["connections"][port], cell["port_directions"][port] = [bit], "input"

    def _enter(self, name: str, port: str, flop: str) -> None:
        """Connect an operand to what enters a flip-flop."""
        ends = self.cells[flop]["connections"]
        bit, reset = ends["DI"][0], ends.get("LSR", [ZERO])[0]
        if reset != ZERO:
            bit = self._unless(bit, reset)
        pins = self.cells[name]["connections"]
        self.readers[pins[port][0]].remove((name, port))
        self.readers.setdefault(bit, []).append((name, port))
        pins[port] = [bit]

    def _leave(self, name: str, port: str, flop: str) -> None:
        """Connect a result to what leaves a flip-flop, and others with the same input."""
        pins = self.cells[name]["connections"]
        twins = [twin for twin, _ in self.readers.pop(pins[port][0])]
        (kept,) = pins[port] = self.cells[flop]["connections"]["Q"]
        self.source[kept] = name
        for twin in twins:
            (other,) = self.cells.pop(twin)["connections"]["Q"]
            for reader, entry in self.readers.pop(other, []) if twin != flop else ():
                ends = self.cells[reader]["connections"]
                ends[entry] = [kept if bit == other else bit for bit in ends[entry]]
                self.readers.setdefault(kept, []).append((reader, entry))

    def _unless(self, bit: Any, reset: Any) -> int:
        """The wire of a new LUT: a bit, and 0 while another is set."""
        self.fresh += 1
        name = f"unless_{self.fresh}"
        ways = {"A": "input", "B": "input", "C": "input", "D": "input", "Z": "output"}
        pins = {"A": [bit], "B": [reset], "C": [ZERO], "D": [ZERO], "Z": [self.fresh]}
        self.cells[name] = {
            "hide_name": 0, "type": "LUT4", "parameters": UNLESS, "attributes": {},
            "port_directions": ways, "connections": pins,
        }  # fmt: skip
        self.source[self.fresh] = name
        for port in "AB":
            self.readers.setdefault(pins[port][0], []).append((name, port))
        return self.fresh

    def _before(self, bit: Any) -> str:
        """The flip-flop that drives a bit, or ""."""
        name = self.source.get(bit, "")
        return name if self._fits(name) else ""

    def _behind(self, bit: Any) -> str:
        """A flip-flop that reads a bit, if only such do, or ""."""
        readers = self.readers[bit]
        flops = [n for n, port in readers if port == "DI" and self._fits(n) and self._unreset(n) and not self._shown(n)]
        return flops[0] if len(flops) == len(readers) and len({self._clock(n) for n in flops}) == 1 else ""

    def _fits(self, name: str) -> bool:
        """Whether a cell is a flip-flop without an enable, and whose reset, if any, a LUT can stand for."""
        cell = self.cells.get(name)
        if cell is None or cell["type"] != FLIPFLOP:
            return False
        parameters = cell["parameters"]
        enabled = str(parameters.get("CEMUX", ONE)).strip() == ONE or cell["connections"].get("CE") == [ONE]
        kind = PLAIN if self._unreset(name) else PLAIN | RESET
        return enabled and all(parameters.get(name) == value for name, value in kind.items())

    def _unreset(self, name: str) -> bool:
        reset: list[Any] = self.cells[name]["connections"].get("LSR", [ZERO])
        return reset == [ZERO]

    def _clock(self, name: str) -> Any:
        return self.cells[name]["connections"]["CLK"][0]

    def _shown(self, name: str) -> bool:
        """Whether a port of the module shows what a flip-flop holds."""
        return any(not reader for reader, _ in self.readers.get(self.cells[name]["connections"]["Q"][0], ()))
