"""Block memories of constants on the ECP5 are read a cycle ahead, into their own registers.

What leaves a memory takes 5.8 ns of a cycle, from its own register 1 ns. Where the address is in flip-flops, the memory
takes what they are about to hold, in every cycle: its word is there a cycle before it is asked for, and the register,
by the enable that the memory had, holds in each cycle what the memory held. A memory that is written could miss a word.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from tomato.board.flipflops import FLIPFLOP, ONE, PLAIN, RESET, ZERO, Cell, enable, has, lut, reset
from tomato.board.memories import MEMORY, Side, sides
from tomato.board.paths import FAR_NS, MEMORY_NS, REGISTER_NS, STEPS, Paths

Read = tuple[Cell, Side]


def with_registers(netlist: dict[str, Any]) -> dict[str, Any]:
    """The netlist, in which memories that nothing writes are read ahead where the longest path gets shorter by that.

    Memories with one address and one enable, the blocks of a larger one, are all read so or none.
    """
    for module in netlist["modules"].values():
        cells, paths = module["cells"], Paths(module)
        alike: dict[Any, list[Read]] = defaultdict(list)
        for memory, side in _constant(cells.values()):
            if flops := _addressing(paths, memory, side):
                asked = (*memory["connections"][side.enable], *(flop["connections"]["Q"][0] for flop in flops))
                alike[asked].append((memory, side))
        told = _Told(cells, paths)
        for memory, side in [read for reads in alike.values() if _pays(paths, reads) for read in reads]:
            wires = memory["connections"]
            for pin in side.addresses:
                wires[pin] = [told.soon(bit) for bit in wires[pin]]
            side.remember(memory, *wires[side.enable])
            wires[side.enable] = [ONE]
    return netlist


def _constant(cells: Any) -> Iterator[Read]:
    """Sides of memories that nothing writes, whose registers are free."""
    for cell in cells:
        if cell["type"] == MEMORY and not any(_is_written(cell, port) for port in "AB"):
            yield from ((cell, side) for side in sides(cell) if side.is_free(cell))


def _is_written(memory: Cell, port: str) -> bool:
    """Whether a port of a memory writes, ever."""
    return [ZERO] not in (memory["connections"].get(f"{pin}{port}") for pin in ("WE", "CE"))


def _addressing(paths: Paths, memory: Cell, side: Side) -> list[Cell]:
    """The flip-flops that address a side, in the order of its pins; none if anything else does, or nothing reads it."""
    wires = memory["connections"]
    if not any(paths.read.get(bit) for bit in side.bits(memory)):
        return []
    bits = [bit for pin in side.addresses for bit in wires[pin] if isinstance(bit, int)]
    found = [cell for bit in bits if (cell := paths.source.get(bit)) and _can_tell(cell, wires[side.clock])]
    return found if len(found) == len(bits) else []


def _can_tell(cell: Cell, clock: Sequence[Any]) -> bool:
    """Whether a cell is a flip-flop of a clock of which a LUT tells what it is about to hold."""
    if cell["type"] != FLIPFLOP or cell["connections"]["CLK"] != clock or enable(cell) is None:
        return False
    return has(cell, PLAIN if reset(cell) == ZERO else PLAIN | RESET)


def _pays(paths: Paths, reads: Sequence[Read]) -> bool:
    """Whether the longest path to the address or from the memories is shorter than it was."""
    memory, side = reads[0]
    told = (_controls(flop) for flop in _addressing(paths, memory, side))
    address = max(paths.late(bit) for bits in told for bit in bits) + STEPS["LUT4"] + FAR_NS
    rest = max(paths.rest(bit) for memory, side in reads for bit in side.bits(memory))
    return max(address, REGISTER_NS + rest) < MEMORY_NS + rest


def _controls(flop: Cell) -> tuple[Any, Any, Any, Any]:
    """The bits that tell what a flip-flop is about to hold."""
    return (*flop["connections"]["DI"], *flop["connections"]["Q"], enable(flop), reset(flop))


class _Told:
    """What flip-flops of a module are about to hold, each by a LUT at most."""

    def __init__(self, cells: dict[str, Cell], paths: Paths) -> None:
        self.cells, self.paths = cells, paths
        self.fresh = max((bit for bit in (*paths.read, *paths.source) if isinstance(bit, int)), default=1)
        self.made: dict[Any, Any] = {}

    def soon(self, bit: Any) -> Any:
        """The bit that a bit is about to be; a constant is itself."""
        if isinstance(bit, int) and bit not in self.made:
            flop = self.paths.source[bit]
            entry, now, on, off = _controls(flop)
            self.made[bit] = entry
            if (on, off) != (ONE, ZERO):
                self.fresh += 1
                brings = flop["parameters"]["REGSET"] == "SET"
                made = lut((entry, now, on, off), self.fresh, lambda a, b, c, d: brings if d else a if c else b)
                self.cells[f"soon_{self.fresh}"], self.made[bit] = made, self.fresh
        return self.made.get(bit, bit)
