"""Registers behind the block memories of the ECP5 go into them: Yosys leaves the block's own unused.

What leaves a memory takes 5.8 ns of a cycle, from its own register 1 ns. Logic that lies between it and a register, as
the multiplexer behind a memory of several blocks, computes the same behind the register, if all else that it reads
comes through such registers, too: C. Leiserson and J. Saxe, Retiming Synchronous Circuitry, Algorithmica 6, 1991.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from tomato.board.flipflops import (
    FLIPFLOP,
    ONE,
    PLAIN,
    RESET,
    STARTS,
    ZERO,
    Cell,
    enable,
    has,
    pins,
    readers,
    reset,
    shown,
    unless,
)  # fmt: skip
from tomato.board.memories import MEMORY, Side, sides
from tomato.board.paths import FLIPFLOP_NS, MEMORY_NS, NEAR_NS, REGISTER_NS, STEPS, Paths

LUT, OUT = "LUT4", "Z"
INSIDE = {"PFUMX": ("ALUT", "BLUT"), "L6MUX21": ("D0", "D1")}
"""The multiplexers of a slice, and the pins on which only other cells of the slice can be."""
LOGIC = {LUT, *INSIDE}
"""What registers move over."""


@dataclass(slots=True)
class Cone:
    """Sides of memories, all logic behind them, and the flip-flops that it ends in.

    `logic`: by the bit that it drives, with cells of a slice in front of which nothing can lie. `late`: by bit,
    nanoseconds from what leaves a memory, of bits that memories tell of.
    """

    memories: list[tuple[Cell, Side]] = field(default_factory=list)
    logic: dict[Any, Cell] = field(default_factory=dict)
    flops: list[Cell] = field(default_factory=list)
    late: dict[Any, float] = field(default_factory=dict)


def with_registers(netlist: dict[str, Any]) -> dict[str, Any]:
    """The netlist, in which memories hold what was in registers behind them, and logic between them is behind.

    Registers move if flip-flops of the memory's clock are all that its data gets to, through LUTs and the multiplexers
    of slices; if all have one enable, or none; and if the longest path gets shorter. One that is reset leaves a LUT, as
    the block's reset clears what the memory itself read as well.
    What the logic reads beside memories gets a flip-flop in front. What registers hold when the chip starts may change:
    the RTL gives no register behind a memory a value then, so nothing depends on it.
    """
    for module in netlist["modules"].values():
        found = _Module(module)
        for cell in [cell for cell in module["cells"].values() if cell["type"] == MEMORY]:
            for side in sides(cell):
                cone = found.cone(cell, side)
                if cone and found.pays(cone):
                    found.move(cone)
                    found = _Module(module)
    return netlist


class _Module:
    """The cells of a module, who drives each bit and who reads it."""

    def __init__(self, module: dict[str, Any]) -> None:
        self.module = module
        self.cells: dict[str, Cell] = module["cells"]
        self.read = readers(module)
        self.source = {bit: (cell, port) for bit, cell, port in pins(self.cells.values(), leaving=True)}
        self.fresh = max((bit for bit in (*self.read, *self.source) if isinstance(bit, int)), default=1)
        self.name = {id(cell): name for name, cell in self.cells.items()}
        self.paths = Paths(module)

    def cone(self, memory: Cell, side: Side) -> Cone | None:
        """What is behind a side of a memory and those that the same logic reads; None if registers cannot move."""
        cone, flops = Cone(), dict[int, Cell]()
        ahead = self._enter(cone, memory, side)
        while ahead:
            for cell, port in self.read.get(ahead.pop(), ()):
                if cell["type"] == FLIPFLOP and port == "DI":
                    flops[id(cell)] = cell
                elif cell["type"] not in LOGIC:
                    return None
                elif cell["connections"][OUT][0] not in cone.logic:
                    ahead += self._take(cone, cell)
        cone.flops = [*flops.values()]
        if not flops or not _alike(cone):
            return None
        for cell in [*cone.logic.values()]:
            self._beside(cone, cell)
        return cone

    def _enter(self, cone: Cone, memory: Cell, side: Side) -> list[Any]:
        """Take a side of a memory into a cone, unless it is there; its bits."""
        if any(cell is memory and there == side for cell, there in cone.memories):
            return []
        cone.memories.append((memory, side))
        found = side.bits(memory)
        cone.late |= dict.fromkeys(found, 0.0)
        return found

    def _take(self, cone: Cone, cell: Cell) -> list[Any]:
        """Take logic into a cone; the bits that go on: of it, and of other memories that it reads."""
        (made,) = cell["connections"][OUT]
        cone.logic[made] = cell
        found = [made]
        for bit, _, _ in pins([cell], leaving=False):
            if bit in self.source and self.source[bit][0]["type"] == MEMORY:
                other, pin = self.source[bit]
                found += self._enter(cone, other, next(side for side in sides(other) if pin in side.outputs))
        return found

    def _beside(self, cone: Cone, cell: Cell) -> None:
        """Take in those cells of a slice in front of which no flip-flop can lie."""
        for port in INSIDE.get(cell["type"], ()):
            (bit,) = cell["connections"][port]
            if bit not in cone.logic and isinstance(bit, int):
                cone.logic[bit] = self.source[bit][0]
                self._beside(cone, cone.logic[bit])

    def pays(self, cone: Cone) -> bool:
        """Whether the longest path from the memories or behind the flip-flops is shorter when the registers moved."""
        before = after = 0.0
        for flop in cone.flops:
            late = self._late(cone, flop["connections"]["DI"][0])
            rest = self.paths.rest(flop["connections"]["Q"][0])
            before = max(before, MEMORY_NS + late + NEAR_NS, FLIPFLOP_NS + rest)
            after = max(after, REGISTER_NS + late + (0 if reset(flop) == ZERO else STEPS[LUT]) + rest)
        return after < before

    def _late(self, cone: Cone, bit: Any) -> float:
        """Nanoseconds from what leaves a memory to a bit; less than 0 for what no memory tells of."""
        if bit not in cone.late:
            cell = cone.logic.get(bit)
            inputs = () if cell is None else [self._late(cone, told) for told, _, _ in pins([cell], leaving=False)]
            cone.late[bit] = max(inputs, default=-MEMORY_NS) + (0 if cell is None else STEPS[cell["type"]])
        return cone.late[bit]

    def move(self, cone: Cone) -> None:
        """Let the registers of the memories stand for the flip-flops."""
        model, gone = cone.flops[0], {id(flop) for flop in cone.flops}
        for memory, side in cone.memories:
            side.remember(memory, enable(model))
        moved = {bit: self._copy(cell) for bit, cell in cone.logic.items()}
        at = {bit: cell["connections"][OUT][0] for bit, cell in moved.items()}
        at |= {bit: bit for memory, side in cone.memories for bit in side.bits(memory)}
        for cell in moved.values():
            for bit, _, port in pins([cell], leaving=False):
                cell["connections"][port] = [self._moved(at, bit, model)]
        ends = {}
        for flop in cone.flops:
            (entry,), (end,) = flop["connections"]["DI"], flop["connections"]["Q"]
            ends[end] = at[entry]
            if reset(flop) != ZERO:
                ends[end] = self._new()
                made = unless(flop, at[entry], ends[end])
                made["connections"]["B"] = [self._moved(at, reset(flop), model)]
                self._add(made, flop)
        for name in [name for name, cell in self.cells.items() if id(cell) in gone]:
            del self.cells[name]
        for cell in self.cells.values():
            for port, bits in cell["connections"].items():
                cell["connections"][port] = [ends.get(bit, bit) for bit in bits]
        for port in self.module["ports"].values():
            port["bits"] = [ends.get(bit, bit) for bit in port["bits"]]
        self._sweep()

    def _moved(self, at: dict[Any, Any], bit: Any, model: Cell) -> Any:
        """A bit behind the registers; one that no register is made for yet gets a flip-flop."""
        if not isinstance(bit, int):
            return bit
        if bit not in at:
            at[bit] = self._new()
            made = deepcopy(model)
            made["parameters"] |= STARTS
            made["connections"] |= {"DI": [bit], "Q": [at[bit]], "LSR": [ZERO]}
            self._add(made, self.source[bit][0] if bit in self.source else model)
        return at[bit]

    def _copy(self, cell: Cell) -> Cell:
        """A copy of logic that drives a new bit."""
        made = deepcopy(cell)
        made["connections"][OUT] = [self._new()]
        self._add(made, cell)
        return made

    def _add(self, made: Cell, like: Cell) -> None:
        """A cell more, named after another and the bit that it drives."""
        ((bit, _, _),) = pins([made], leaving=True)
        self.cells[f"{self.name[id(like)]}_moved_{bit}"] = made

    def _new(self) -> int:
        self.fresh += 1
        return self.fresh

    def _sweep(self) -> None:
        """Leave out logic that nothing reads any more."""
        while True:
            read = shown(self.module) | {bit for bit, _, _ in pins(self.cells.values(), leaving=False)}
            idle = [
                name for name, cell in self.cells.items()
                if cell["type"] in LOGIC and not read.intersection(cell["connections"][OUT])
            ]  # fmt: skip
            if not idle:
                return
            for name in idle:
                del self.cells[name]


def _alike(cone: Cone) -> bool:
    """Whether registers of the memories can stand for the flip-flops."""
    clocks, enables = {flop["connections"]["CLK"][0] for flop in cone.flops}, {enable(flop) for flop in cone.flops}
    free = all(side.is_free(cell) and {*cell["connections"][side.clock]} == clocks for cell, side in cone.memories)
    kinds = all(has(flop, PLAIN if reset(flop) == ZERO else PLAIN | RESET) for flop in cone.flops)
    once = enables == {ONE} or all(reset(flop) == ZERO for flop in cone.flops)
    return free and kinds and once and len(enables) == 1 and None not in enables
