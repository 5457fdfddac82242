"""Where vendors' tools put a design: the processing systems of Zynq, their ports into memory, Alveo and its banks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tomato.board.registers import Master


@dataclass(frozen=True, slots=True)
class Slave:
    """A port of a processing system into memory: what switches it on, its name, and that of its clock."""

    setting: str
    name: str
    clock: str


@dataclass(frozen=True, slots=True)
class Processor:
    """A processing system: its IP, what its automation is told, its settings, and the pins that are used.

    automation: of AMD's rule for the IP. slaves: its ports into memory. master: its port to registers.
    """

    ip: str
    automation: str
    settings: tuple[tuple[str, str], ...]
    clock: str
    reset: str
    master: str
    master_clock: str
    interrupt: str
    slaves: tuple[Slave, ...]


@dataclass(frozen=True, slots=True)
class Zynq:
    """A board by its name in Vivado's board files (all versions of the file will do), and its processor."""

    board: str
    processor: str


@dataclass(frozen=True, slots=True)
class Alveo:
    """A card: the platform that its scripts name, and the memory of SLR 0 (AMD UG1120).

    banks: kind and number of its memories, of which each channel of fetched weights has one. others: the first ones,
    which are left to frames as long as there are enough.
    """

    platform: str
    bank: str
    banks: tuple[str, int]
    others: int
    slr: int = 0

    def bank_of(self, channel: int, channels: int) -> str:
        """The memory of a channel of fetched weights."""
        kind, count = self.banks
        first = self.others if channels <= count - self.others else 0
        return f"{kind}[{(first + channel) % count}]"


ZYNQ: Mapping[str, Zynq] = {
    "pynq-z2": Zynq("pynq-z2", "zynq"),
    "zcu102": Zynq("zcu102", "ultrascale"),
    "zcu104": Zynq("zcu104", "ultrascale"),
    "kv260": Zynq("kv260_som", "ultrascale"),
}
ALVEO: Mapping[str, Alveo] = {
    "u250": Alveo("xilinx_u250_gen3x16_xdma_4_1_202210_1", "DDR[0]", ("DDR", 4), 0),
    "u280": Alveo("xilinx_u280_gen3x16_xdma_1_202211_1", "HBM[0:3]", ("HBM", 32), 4),
    "u55c": Alveo("xilinx_u55c_gen3x16_xdma_3_202210_1", "HBM[0:3]", ("HBM", 32), 4),
    "u50": Alveo("xilinx_u50_gen3x16_xdma_5_202210_1", "HBM[0:3]", ("HBM", 32), 4),
}
HIGH_PERFORMANCE = 4
"""Ports of a Zynq's processing system into memory that are no processor's business."""


def processor(kind: str, clock_mhz: float, ports: int = 1) -> Processor:
    """The processing system of Zynq-7000 (PG082) or of Zynq UltraScale+ (PG201), with a clock for the accelerator.

    ports: of those into memory that are used.
    """
    settings: tuple[tuple[str, str], ...]
    slaves: tuple[Slave, ...]
    if kind == "zynq":
        slaves = tuple(Slave(f"CONFIG.PCW_USE_S_AXI_HP{i}", f"S_AXI_HP{i}", f"S_AXI_HP{i}_ACLK") for i in range(ports))
        settings = (
            *((slave.setting, "1") for slave in slaves),
            ("CONFIG.PCW_USE_M_AXI_GP0", "1"),
            ("CONFIG.PCW_USE_FABRIC_INTERRUPT", "1"),
            ("CONFIG.PCW_IRQ_F2P_INTR", "1"),
            ("CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ", f"{clock_mhz:g}"),
        )
        return Processor(
            "processing_system7", 'make_external "FIXED_IO, DDR" apply_board_preset "1"', settings, "FCLK_CLK0",
            "FCLK_RESET0_N", "M_AXI_GP0", "M_AXI_GP0_ACLK", "IRQ_F2P", slaves,
        )  # fmt: skip
    slaves = tuple(
        Slave(f"CONFIG.PSU__USE__S_AXI_GP{2 + i}", f"S_AXI_HP{i}_FPD", f"saxihp{i}_fpd_aclk") for i in range(ports)
    )
    settings = (
        ("CONFIG.PSU__USE__M_AXI_GP0", "1"),
        ("CONFIG.PSU__USE__M_AXI_GP1", "0"),
        ("CONFIG.PSU__USE__M_AXI_GP2", "0"),
        *((slave.setting, "1") for slave in slaves),
        ("CONFIG.PSU__USE__IRQ0", "1"),
        ("CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ", f"{clock_mhz:g}"),
    )
    return Processor(
        "zynq_ultra_ps_e", 'apply_board_preset "1"', settings, "pl_clk0", "pl_resetn0", "M_AXI_HPM0_FPD",
        "maxihpm0_fpd_aclk", "pl_ps_irq0", slaves,
    )  # fmt: skip


def shared_by(masters: Sequence[Master]) -> tuple[tuple[str, ...], ...]:
    """Masters by the port of a Zynq's memory that they share: fetched weights keep off the first one if they can."""
    shared = [[m.name for m in masters if not m.fetched]]
    for i, name in enumerate(m.name for m in masters if m.fetched):
        port = (i + 1) % HIGH_PERFORMANCE
        if port == len(shared):
            shared.append([])
        shared[port].append(name)
    return tuple(map(tuple, shared))


def banks_of(masters: Sequence[Master], card: Alveo) -> tuple[tuple[str, str], ...]:
    """The memory of every master on an Alveo."""
    fetched = [m.name for m in masters if m.fetched]
    return tuple(
        (m.name, card.bank_of(fetched.index(m.name), len(fetched)) if m.fetched else card.bank) for m in masters
    )
