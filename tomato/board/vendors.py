"""Scripts for the vendors' tools: Vivado for Zynq, Vitis for Alveo, Quartus for Intel. No IP's version is pinned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tomato.backend.constraints import CLOCKS
from tomato.backend.render import render
from tomato.backend.verilog import WATCHERS
from tomato.board.platforms import ALVEO, ZYNQ, Processor, Slave, banks_of, processor, shared_by
from tomato.board.registers import ADDRESS_BITS, Map, Master
from tomato.board.shell import MasterView, Pin, ShellView
from tomato.core.errors import TomatoError
from tomato.targets import Target

FAMILIES: Mapping[str, str] = {"arria10": "Arria 10", "stratix10": "Stratix 10"}
"""Families of Intel by their names in our targets, and in Quartus."""
KERNEL_NAMES: Mapping[str, str] = {"control": "CTRL", "gier": "GIER", "ier": "IP_IER", "isr": "IP_ISR"}
"""What a kernel's control registers are called, that no argument is made of them."""
MOST_SLAVES = 16
"""Of a SmartConnect (PG247): masters that reach one port of memory."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to memory of a Zynq: a SmartConnect, the masters that go through it, and the port behind it."""

    cell: str
    masters: tuple[str, ...]
    slave: Slave


@dataclass(frozen=True, slots=True)
class Row:
    """A register as IP-XACT has it; `master` is whose address it holds."""

    name: str
    offset: int
    bits: int
    access: str
    master: str


@dataclass(frozen=True, slots=True)
class View:
    """Everything the vendors' templates may look at.

    sources, memories: files below the build folder, in order. regions: commands that assign cells to them. banks: of
    an Alveo, the memory of every master.
    """

    core: str
    target: str
    part: str
    clock_mhz: float
    registers: Map
    sources: tuple[str, ...]
    memories: tuple[str, ...]
    control: tuple[Pin, ...]
    masters: tuple[MasterView, ...]
    regions: tuple[str, ...]
    doubled: bool = False
    kernel: str = ""
    board: str = ""
    ps: Processor | None = None
    platform: str = ""
    banks: tuple[tuple[str, str], ...] = ()
    slr: int = 0
    family: str = ""
    flow: str = ""
    inputs: tuple[str, ...] = ()
    address_bits: int = ADDRESS_BITS

    @property
    def fetched(self) -> tuple[Master, ...]:
        """The masters that fetch weights."""
        return tuple(m for m in self.registers.masters if m.fetched)

    @property
    def name(self) -> str:
        """Of what is built."""
        return self.core

    @property
    def device(self) -> str:
        """What a session is told."""
        return {"vivado": "pynq", "vitis": "xrt"}.get(self.flow, "sim")

    @property
    def period(self) -> str:
        """Nanoseconds of a clock cycle: twice those of the clock of twice the rate, which are whole picoseconds."""
        return f"{2 * float(self.period2x):.3f}" if self.doubled else f"{1000 / self.clock_mhz:.3f}"

    @property
    def period2x(self) -> str:
        """Nanoseconds of a cycle of the clock of twice the rate."""
        return f"{500 / self.clock_mhz:.3f}"

    @property
    def clock_source(self) -> str:
        """The pin of the block design that the clock comes from."""
        assert self.ps is not None
        return "clocks/clk_out1" if self.doubled else f"ps/{self.ps.clock}"

    @property
    def constraints(self) -> tuple[str, ...]:
        """Files of constraints below the build folder, which travel with the IP."""
        return (f"rtl/{CLOCKS}",) if self.doubled else ()

    @property
    def clock_whole(self) -> int:
        """Whole megahertz, not more."""
        return int(self.clock_mhz)

    @property
    def clock_hz(self) -> int:
        """Hertz."""
        return round(self.clock_mhz * 1e6)

    @property
    def clocked(self) -> tuple[str, ...]:
        """Pins of the block design that get the clock."""
        assert self.ps is not None
        own = ("accelerator/ap_clk", "reset/slowest_sync_clk", "control/aclk", f"ps/{self.ps.master_clock}")
        return (*own, *(pin for way in self.ways for pin in (f"{way.cell}/aclk", f"ps/{way.slave.clock}")))

    @property
    def ways(self) -> tuple[Way, ...]:
        """Of a Zynq, the ways of all masters to memory."""
        assert self.ps is not None
        shared = shared_by(self.registers.masters)
        return tuple(
            Way(f"memory{i or ''}", masters, slave)
            for i, (masters, slave) in enumerate(zip(shared, self.ps.slaves, strict=True))
        )

    @property
    def rows(self) -> tuple[Row, ...]:
        """The registers; of a kernel those alone that start it and hold its arguments, as a caller gives each one."""
        pointers = {m.pointer: m.name for m in self.registers.masters}
        access = {"ro": "read-only", "rc": "read-only"}
        rename = KERNEL_NAMES if self.kernel else {}
        return tuple(
            Row(rename.get(r.name, r.name), r.offset, r.bits, access.get(r.access, "read-write"),
                pointers.get(r.name, ""))
            for r in self.registers.registers
            if not self.kernel or r.offset < self.registers.counters_at
        )  # fmt: skip


def files(view: View, target: Target) -> dict[str, str]:
    """File name, below board/, to text: the scripts for the target's tools, and what to do with them.

    Raises TomatoError where the board cannot take so many masters.
    """
    seen, made = view, dict[str, str]()
    if target.name in ZYNQ:
        _reachable(view)
        known = ZYNQ[target.name]
        ports = len(shared_by(view.registers.masters))
        seen = replace(view, flow="vivado", board=known.board, ps=processor(known.processor, view.clock_mhz, ports))
        made = _rendered(seen, "vivado", ("package_ip.tcl", "build.tcl", "Makefile"))
        made |= _clock(seen, "vivado")
    elif target.name in ALVEO:
        card = ALVEO[target.name]
        seen = replace(
            view,
            flow="vitis",
            kernel=f"{view.core}_1",
            platform=card.platform,
            slr=card.slr,
            banks=banks_of(view.registers.masters, card),
        )
        hooks = ("regions.tcl",) if view.regions else ()
        made = _rendered(seen, "vitis", ("package_xo.tcl", "link.cfg", "Makefile", *hooks)) | _clock(seen, "vitis")
        made["vitis/package_ip.tcl"] = render("board/vivado/package_ip.tcl.j2", seen)
    elif target.family in FAMILIES:
        seen = replace(view, flow="quartus", family=FAMILIES[target.family])
        made = {
            "quartus/Makefile": render("board/quartus/Makefile.j2", seen),
            "quartus/project.tcl": render("board/quartus/project.tcl.j2", seen),
            f"quartus/{view.name}.sdc": render("board/quartus/clock.sdc.j2", seen),
            f"quartus/{view.registers.top}_hw.tcl": render("board/quartus/component_hw.tcl.j2", seen),
        }
    return {**made, "README.md": render("board/README.md.j2", seen)}


def look(
    shell: ShellView,
    target: Target,
    clock_mhz: float,
    files: Sequence[str],
    inputs: Sequence[str],
    regions: Sequence[str] = (),
) -> View:
    """What the templates see of a design behind its shell; `files` lie in the build folder, in the order to read."""
    sources = [f for f in files if f.endswith((".sv", ".svh", ".v")) and Path(f).name not in WATCHERS]
    memories = [f for f in files if f.endswith(".mem")]
    return View(
        shell.core, target.name, target.part, clock_mhz, shell.registers, tuple(sources), tuple(memories),
        shell.control, shell.masters, tuple(regions), shell.doubled, inputs=tuple(inputs),
    )  # fmt: skip


def _reachable(view: View) -> None:
    most = max(map(len, shared_by(view.registers.masters)))
    if most > MOST_SLAVES:
        raise TomatoError(
            f"the network has {most} inputs and outputs: {MOST_SLAVES} reach the memory of {view.target}",
            hint="compile with --shell none, and connect the streams yourself",
        )


def _clock(view: View, folder: str) -> dict[str, str]:
    """The clock that synthesis alone is told of, where the accelerator is synthesised out of its context."""
    return {f"{folder}/{view.core}_ooc.xdc": render("board/vivado/ooc.xdc.j2", view)}


def _rendered(view: View, folder: str, names: tuple[str, ...]) -> dict[str, str]:
    return {f"{folder}/{name}": render(f"board/{folder}/{name}.j2", view) for name in names}
