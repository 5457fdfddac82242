"""The serial shell of an accelerator: its description, its Verilog, and the top of a board around it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from math import ceil, log2
from typing import Any

from tomato.backend import library, verilog
from tomato.backend.render import render
from tomato.board.boards import Board
from tomato.board.number import number
from tomato.board.pll import Kind, Pll, pll
from tomato.hardware.memory import LOAD_BITS, Ram, memory_cost
from tomato.hardware.netlist import Netlist, Stream, load_count
from tomato.targets import Resources, Target

ROOTS = ("tom_serial", "tom_store_in", "tom_store_out")
"""Modules of the shell that are instantiated by name."""
BAUDS = (3_000_000, 2_000_000, 1_500_000, 1_000_000, 500_000, 230_400, 115_200)
"""Rates that adapters and their drivers know, bits a second."""
LEAST_BIT_CLOCKS = 8
MOST_DRIFT = 0.01
"""By how much the rate that a divider makes may be off."""
TIMEOUT_SECONDS = 0.1
"""A pause in the middle of a packet after which it is given up: longer than a USB adapter makes one."""
SMALL_STORE = 64
"""Beats up to which a store is in LUTs."""
SHELL_LUT, SHELL_FF = 1560, 760
"""What the shell takes beside its stores on the ECP5: by synthesis, and two LUTs into and out of each carry chain."""
MOST_PART = 32
"""Beats of the loader in one packet at most."""


@dataclass(frozen=True, slots=True)
class Port:
    """A stream behind the serial line: `bits` of a beat in whole bytes, beats of a frame."""

    name: str
    bits: int
    beats: int

    @property
    def bytes(self) -> int:
        """Bytes of a frame."""
        return self.bits // 8 * self.beats

    @property
    def ram(self) -> Ram:
        """What its store is made of."""
        return Ram.BLOCK if self.beats > SMALL_STORE else Ram.LUT


@dataclass(frozen=True, slots=True)
class Shell:
    """Everything that the templates of the serial shell may look at, and what the host must know.

    `flow`: whose tools build it. `part_beats`: beats of the loader in a packet, 0 if there is no loader. `placing`: the
    placer's options, a line for each.
    """

    flow: str
    name: str
    title: str
    build: int
    clock_mhz: float
    baud: int
    bit_clocks: int
    timeout: int
    blink_bits: int
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    part_beats: int
    parts: int
    load_bits: int
    board: Board
    pll: Pll
    placing: tuple[str, ...] = ()

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame's inputs, one behind the other."""
        return sum(p.bytes for p in self.inputs)

    @property
    def answer_bytes(self) -> int:
        """Bytes of a frame's outputs."""
        return sum(p.bytes for p in self.outputs)

    @property
    def serial(self) -> str:
        """The module with the accelerator behind a serial line."""
        return f"{self.name}_serial"

    @property
    def top(self) -> str:
        """The module whose ports are pins of the board."""
        return f"{self.name}_{self.board.name.replace('-', '_')}"


def shell(
    netlist: Netlist, target: Target, board: Board, flow: str, kind: Kind, clock_mhz: float, title: str
) -> Shell:  # fmt: skip
    """The serial shell of a design on a board, for a flow. Raises TomatoError where no clock or rate can be made."""
    made = pll(kind, board.clock_mhz, clock_mhz)
    baud = rate(made.mhz, board.most_baud)
    beats = load_count(netlist.loaded, LOAD_BITS)
    part = max((n for n in range(1, MOST_PART + 1) if beats and beats % n == 0), default=0)
    return Shell(
        flow=flow,
        name=netlist.name,
        title=title,
        build=number(netlist, target),
        clock_mhz=made.mhz,
        baud=baud,
        bit_clocks=round(made.mhz * 1e6 / baud),
        timeout=round(made.mhz * 1e6 * TIMEOUT_SECONDS),
        blink_bits=ceil(log2(made.mhz * 1e6)),
        inputs=tuple(map(port_of, netlist.inputs)),
        outputs=tuple(map(port_of, netlist.outputs)),
        part_beats=part,
        parts=beats // part if part else 0,
        load_bits=LOAD_BITS,
        board=board,
        pll=made,
    )


def port_of(stream: Stream) -> Port:
    """A stream of the accelerator as the shell has it."""
    return Port(verilog.port_name(stream), verilog.padded(stream.width), stream.frame_beats)


def rate(clock_mhz: float, most: int) -> int:
    """The fastest rate up to `most` that a whole number of clock cycles a bit meets; the slowest meets always."""
    clock = clock_mhz * 1e6
    fits = [
        baud
        for baud in BAUDS
        if baud <= most
        and clock / baud >= LEAST_BIT_CLOCKS
        and abs(clock / baud / round(clock / baud) - 1) <= MOST_DRIFT
    ]
    return fits[0] if fits else BAUDS[-1]


def store_blocks(ports: Iterable[Port], target: Target) -> int:
    """Block RAMs of the stores of some ports."""
    return sum(target.bram18_for(p.bits, p.beats) for p in ports if p.ram == Ram.BLOCK)


def cost(made: Shell, target: Target) -> Resources:
    """What the shell takes: a constant, and for every stream a memory, its addresses, and a beat."""
    return cost_of((*made.inputs, *made.outputs), target)


def cost_of(ports: Iterable[Port], target: Target) -> Resources:
    """What a shell with these streams takes."""
    stores = [memory_cost(p.bits, p.beats, p.ram, target) + Resources(lut=45, ff=20 + p.bits) for p in ports]
    return sum(stores, Resources(lut=SHELL_LUT, ff=SHELL_FF))


def rtl(made: Shell, netlist: Netlist) -> dict[str, str]:
    """File name to text: the shell, the board's top, and those of their modules that the design itself does not use."""
    present = verilog.sources(dict.fromkeys(i.module for i in netlist.instances))
    used = verilog.sources(ROOTS)
    files = {path.name: path.read_text() for name, path in used.items() if name not in present}
    files |= {name: path.read_text() for name, path in library.includes(used.values()).items()}
    files[f"{made.serial}.sv"] = render("board/serial.sv.j2", made)
    files[f"{made.top}.sv"] = render(f"board/{made.flow}_top.sv.j2", made)
    return files


def description(made: Shell, target: Target) -> Mapping[str, Any]:
    """What the host must know of the line: contents of serial.json."""
    keep = ("name", "build", "clock_mhz", "baud", "part_beats", "parts")
    ports = {side: [{**asdict(p), "bytes": p.bytes} for p in getattr(made, side)] for side in ("inputs", "outputs")}
    return {
        **{key: getattr(made, key) for key in keep},
        "board": made.board.name,
        "resources": cost(made, target).counts(),
        "frame_bytes": made.frame_bytes,
        "answer_bytes": made.answer_bytes,
        "part_bytes": made.part_beats * made.load_bits // 8,
        **ports,
    }
