"""Signals of the ports that are no streams: AXI4 (memory) and AXI4-Lite (registers), as Arm's IHI 0022 names them."""

from dataclasses import dataclass

from tomato.hardware.netlist import Bus, Control, MemoryMaster, Whereabouts

REGISTER_BITS = 32
"""Width of a register of AXI4-Lite."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal of a bus; `output` as the accelerator sees it."""

    name: str
    width: int
    output: bool


def bus_name(bus: Bus) -> str:
    """Prefix of its ports at the top level."""
    if isinstance(bus, Whereabouts):
        return bus.name
    return f"{'m_axi' if isinstance(bus, MemoryMaster) else 's_axi'}_{bus.name}"


def describe_bus(bus: Bus) -> str:
    """What it is, for a comment."""
    if isinstance(bus, Control):
        return f"registers: AXI4-Lite, addresses of {bus.address_bits} bits"
    if isinstance(bus, Whereabouts):
        return "where in memory that is, each part at a border of 4 KB; used from `go` on"
    ways = " and ".join(way for way, used in (("reads", bus.reads), ("writes", bus.writes)) if used)
    return f"memory: AXI4, {ways} {bus.data_bits} bits a beat, addresses of {bus.address_bits} bits"


def ports_of(bus: Bus) -> tuple[Signal, ...]:
    """Its signals, address channels first. Bursts increment, all beats are full, transactions have one identity."""
    if isinstance(bus, Control):
        return (
            *_write(bus.address_bits, REGISTER_BITS, master=False),
            *_read(bus.address_bits, REGISTER_BITS, master=False),
        )
    if isinstance(bus, Whereabouts):
        told = (Signal("base", 64 * bus.channels, False), Signal("go", 1, False))
        return (*told, Signal("error", 1, True), Signal("idle", 1, True))
    write = _write(bus.address_bits, bus.data_bits, master=True) if bus.writes else ()
    return (*write, *(_read(bus.address_bits, bus.data_bits, master=True) if bus.reads else ()))


def _address(kind: str, bits: int, *, master: bool) -> tuple[Signal, ...]:
    burst = (Signal(f"{kind}len", 8, master),) if master else ()
    return (
        Signal(f"{kind}valid", 1, master),
        Signal(f"{kind}ready", 1, not master),
        Signal(f"{kind}addr", bits, master),
        *burst,
    )


def _write(address: int, data: int, *, master: bool) -> tuple[Signal, ...]:
    last = (Signal("wlast", 1, master),) if master else ()
    return (
        *_address("aw", address, master=master),
        Signal("wvalid", 1, master),
        Signal("wready", 1, not master),
        Signal("wdata", data, master),
        Signal("wstrb", data // 8, master),
        *last,
        Signal("bvalid", 1, not master),
        Signal("bready", 1, master),
        Signal("bresp", 2, not master),
    )


def _read(address: int, data: int, *, master: bool) -> tuple[Signal, ...]:
    last = (Signal("rlast", 1, not master),) if master else ()
    return (
        *_address("ar", address, master=master),
        Signal("rvalid", 1, not master),
        Signal("rready", 1, master),
        Signal("rdata", data, not master),
        *last,
        Signal("rresp", 2, not master),
    )
