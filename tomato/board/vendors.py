"""Scripts for the vendors' tools: Vivado for Zynq, Vitis for Alveo, Quartus for Intel. No IP's version is pinned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tomato.backend.render import render
from tomato.backend.verilog import WATCHERS
from tomato.board.registers import ADDRESS_BITS, Map
from tomato.board.shell import MasterView, Pin, ShellView
from tomato.core.errors import TomatoError
from tomato.targets import Target


@dataclass(frozen=True, slots=True)
class Processor:
    """A processing system: its IP, what its automation is told, its settings, and the pins that are used.

    automation: of AMD's rule for the IP. slave: its port into memory. master: its port to registers.
    """

    ip: str
    automation: str
    settings: tuple[tuple[str, str], ...]
    clock: str
    reset: str
    master: str
    master_clock: str
    slave: str
    slave_clock: str
    interrupt: str


@dataclass(frozen=True, slots=True)
class Zynq:
    """A board by its name in Vivado's board files (all versions of the file will do), and its processor."""

    board: str
    processor: str


@dataclass(frozen=True, slots=True)
class Alveo:
    """A card: the platform that its scripts name, and the memory of SLR 0 (AMD UG1120)."""

    platform: str
    bank: str
    slr: int = 0


ZYNQ: Mapping[str, Zynq] = {
    "pynq-z2": Zynq("pynq-z2", "zynq"),
    "zcu102": Zynq("zcu102", "ultrascale"),
    "zcu104": Zynq("zcu104", "ultrascale"),
    "kv260": Zynq("kv260_som", "ultrascale"),
}
ALVEO: Mapping[str, Alveo] = {
    "u250": Alveo("xilinx_u250_gen3x16_xdma_4_1_202210_1", "DDR[0]"),
    "u280": Alveo("xilinx_u280_gen3x16_xdma_1_202211_1", "HBM[0:3]"),
    "u55c": Alveo("xilinx_u55c_gen3x16_xdma_3_202210_1", "HBM[0:3]"),
    "u50": Alveo("xilinx_u50_gen3x16_xdma_5_202210_1", "HBM[0:3]"),
}
FAMILIES: Mapping[str, str] = {"arria10": "Arria 10", "stratix10": "Stratix 10"}
"""Families of Intel by their names in our targets, and in Quartus."""
KERNEL_NAMES: Mapping[str, str] = {"control": "CTRL", "gier": "GIER", "ier": "IP_IER", "isr": "IP_ISR"}
"""What a kernel's control registers are called, that no argument is made of them."""
MOST_SLAVES = 16
"""Of a SmartConnect (PG247): masters that reach one port of memory."""


def processor(kind: str, clock_mhz: float) -> Processor:
    """The processing system of Zynq-7000 (PG082) or of Zynq UltraScale+ (PG201), with a clock for the accelerator."""
    settings: tuple[tuple[str, str], ...]
    if kind == "zynq":
        settings = (
            ("CONFIG.PCW_USE_S_AXI_HP0", "1"),
            ("CONFIG.PCW_USE_M_AXI_GP0", "1"),
            ("CONFIG.PCW_USE_FABRIC_INTERRUPT", "1"),
            ("CONFIG.PCW_IRQ_F2P_INTR", "1"),
            ("CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ", f"{clock_mhz:g}"),
        )
        return Processor(
            "processing_system7", 'make_external "FIXED_IO, DDR" apply_board_preset "1"', settings, "FCLK_CLK0",
            "FCLK_RESET0_N", "M_AXI_GP0", "M_AXI_GP0_ACLK", "S_AXI_HP0", "S_AXI_HP0_ACLK", "IRQ_F2P",
        )  # fmt: skip
    settings = (
        ("CONFIG.PSU__USE__M_AXI_GP0", "1"),
        ("CONFIG.PSU__USE__M_AXI_GP1", "0"),
        ("CONFIG.PSU__USE__M_AXI_GP2", "0"),
        ("CONFIG.PSU__USE__S_AXI_GP2", "1"),
        ("CONFIG.PSU__USE__IRQ0", "1"),
        ("CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ", f"{clock_mhz:g}"),
    )
    return Processor(
        "zynq_ultra_ps_e", 'apply_board_preset "1"', settings, "pl_clk0", "pl_resetn0", "M_AXI_HPM0_FPD",
        "maxihpm0_fpd_aclk", "S_AXI_HP0_FPD", "saxihp0_fpd_aclk", "pl_ps_irq0",
    )  # fmt: skip


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

    sources, memories: files below the build folder, in order. regions: commands that assign cells to them.
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
    kernel: str = ""
    board: str = ""
    ps: Processor | None = None
    platform: str = ""
    bank: str = ""
    slr: int = 0
    family: str = ""
    flow: str = ""
    inputs: tuple[str, ...] = ()
    address_bits: int = ADDRESS_BITS

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
        """Nanoseconds of a clock cycle."""
        return f"{1000 / self.clock_mhz:.3f}"

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
        own = ("accelerator/ap_clk", "reset/slowest_sync_clk", "control/aclk", "memory/aclk")
        return (*own, f"ps/{self.ps.master_clock}", f"ps/{self.ps.slave_clock}")

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
        seen = replace(view, flow="vivado", board=known.board, ps=processor(known.processor, view.clock_mhz))
        made = _rendered(seen, "vivado", ("package_ip.tcl", "build.tcl", "Makefile"))
        made |= _clock(seen, "vivado")
    elif target.name in ALVEO:
        card = ALVEO[target.name]
        seen = replace(
            view, flow="vitis", kernel=f"{view.core}_1", platform=card.platform, bank=card.bank, slr=card.slr
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
        shell.control, shell.masters, tuple(regions), inputs=tuple(inputs),
    )  # fmt: skip


def _reachable(view: View) -> None:
    masters = len(view.registers.masters)
    if masters > MOST_SLAVES:
        raise TomatoError(
            f"the network has {masters} inputs and outputs: {MOST_SLAVES} reach the memory of {view.target}",
            hint="compile with --shell none, and connect the streams yourself",
        )


def _clock(view: View, folder: str) -> dict[str, str]:
    """The clock that synthesis alone is told of, where the accelerator is synthesised out of its context."""
    return {f"{folder}/{view.core}_ooc.xdc": render("board/vivado/ooc.xdc.j2", view)}


def _rendered(view: View, folder: str, names: tuple[str, ...]) -> dict[str, str]:
    return {f"{folder}/{name}": render(f"board/{folder}/{name}.j2", view) for name in names}
