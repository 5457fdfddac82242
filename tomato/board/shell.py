"""The AXI shell: frames from memory into the accelerator and its results back, under registers of AXI4-Lite."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tomato.backend import library
from tomato.backend.render import render
from tomato.backend.verilog import port_name
from tomato.board.registers import Map, Master
from tomato.hardware.memory import LOAD_BITS
from tomato.hardware.netlist import Netlist
from tomato.hardware.shell import (
    MEMORY_LATENCY,
    MOST_BEATS,
    WRITE_DEPTH,
    checksum_cost,
    control_cost,
    read_cost,
    write_cost,
)
from tomato.targets import Resources, Target

LEAST_DEPTH = 32
"""Of a reader."""
MODULES = ("tom_axi_control", "tom_axi_read", "tom_axi_write", "tom_checksum")


@dataclass(frozen=True, slots=True)
class Pin:
    """A port of the shell: its direction, bits and name."""

    direction: str
    width: int
    name: str

    @property
    def range(self) -> str:
        """Its range in Verilog, "" for one bit."""
        return f"[{self.width - 1}:0]" if self.width > 1 else ""


@dataclass(frozen=True, slots=True)
class MasterView:
    """A master, and the part of the shell that it is.

    stream: its port at the accelerator, without s_axis_ or m_axis_. beats: of a frame. depth: beats of AXI4 that it
    holds. used: bits of a beat that carry codes.
    """

    master: Master
    index: int
    stream: str
    depth: int
    used: int
    pins: tuple[Pin, ...]

    @property
    def data_bytes(self) -> int:
        """Bytes of a beat of AXI4."""
        return self.master.data_bits // 8


@dataclass(frozen=True, slots=True)
class ShellView:
    """Everything the templates of the shell may look at."""

    core: str
    title: str
    registers: Map
    inputs: tuple[MasterView, ...]
    outputs: tuple[MasterView, ...]
    weights: MasterView | None
    fetches: tuple[MasterView, ...] = ()
    doubled: bool = False
    most_beats: int = MOST_BEATS
    control: tuple[Pin, ...] = field(default_factory=lambda: tuple(_control()))

    @property
    def masters(self) -> tuple[MasterView, ...]:
        """All of them, as the registers have them."""
        return (*self.inputs, *self.outputs, *((self.weights,) if self.weights else ()), *self.fetches)

    @property
    def reads(self) -> tuple[MasterView, ...]:
        """Those of the accelerator's own that read weights."""
        return tuple(m for m in self.fetches if m.master.file)

    @property
    def queues(self) -> tuple[MasterView, ...]:
        """Those of queues."""
        return tuple(m for m in self.fetches if not m.master.file)

    @property
    def longest(self) -> int:
        """Of the ranges of all ports, in characters."""
        return max(len(pin.range) for pin in self.pins)

    @property
    def pins(self) -> tuple[Pin, ...]:
        """All ports, in order."""
        return (
            Pin("input", 1, "ap_clk"),
            *((Pin("input", 1, "ap_clk2x"),) if self.doubled else ()),
            Pin("input", 1, "ap_rst_n"),
            Pin("output", 1, "interrupt"),
            *self.control,
            *(pin for m in self.masters for pin in m.pins),
        )


def files(netlist: Netlist, registers: Map, title: str) -> Mapping[str, str]:
    """File name to text of the shell: its two modules and what they use besides the accelerator's."""
    view = look(netlist, registers, title)
    used = library.sources(library.RTL, MODULES).values()
    return {
        **{path.name: path.read_text() for path in used},
        **{name: path.read_text() for name, path in library.includes(used).items()},
        f"{netlist.name}_axi.sv": render("board/axi.sv.j2", view),
        f"{netlist.name}_top.v": render("board/top.v.j2", view),
    }


def look(netlist: Netlist, registers: Map, title: str) -> ShellView:
    """What the templates see."""
    streams = {True: iter(netlist.inputs), False: iter(netlist.outputs)}
    inputs: list[MasterView] = []
    outputs: list[MasterView] = []
    weights, fetches = None, list[MasterView]()
    for index, master in enumerate(registers.masters):
        reads = master.direction == "read"
        if master.fetched:
            fetches.append(MasterView(master, index, "", 0, master.data_bits, tuple(_memory(master))))
        elif not master.port:
            weights = MasterView(master, index, "weights", _depth(master), LOAD_BITS, tuple(_memory(master)))
        else:
            stream = next(streams[reads])
            depth = _depth(master)
            view = MasterView(master, index, port_name(stream), depth, stream.width, tuple(_memory(master)))
            (inputs if reads else outputs).append(view)
    streams_of = tuple(inputs), tuple(outputs)
    return ShellView(netlist.name, title, registers, *streams_of, weights, tuple(fetches), netlist.doubled)


def cost(masters: Sequence[Master], target: Target) -> Resources:
    """What the shell takes: registers, and a reader or a writer with its checksum for each master that is its own."""
    own = [m for m in masters if not m.fetched]
    reads, writes = ([m for m in own if m.direction == way] for way in ("read", "write"))
    loads, fetches = sum(not m.port for m in reads), len(masters) - len(own)
    taken = target.fitted("axi_control", control_cost(len(reads) - loads, len(writes), loads, fetches))
    for m in reads:
        part = read_cost(m.data_bits // 8, m.beat_bytes, m.frame_beats, _depth(m), target)
        taken += target.fitted("axi_read", part)
    for m in writes:
        taken += target.fitted("axi_write", write_cost(m.data_bits // 8, m.beat_bytes, m.frame_beats, target))
        taken += target.fitted("checksum", checksum_cost(8 * m.beat_bytes, target))
    return taken


def _depth(master: Master) -> int:
    """Beats of AXI4 that are held: of frames that are read, what covers the memory's latency at full speed."""
    if master.direction == "write":
        return WRITE_DEPTH
    depth = LEAST_DEPTH
    if not master.port:
        return depth
    while depth < min(MEMORY_LATENCY, master.frame_bytes * 8 / master.data_bits):
        depth *= 2
    return depth


def _control() -> Iterator[Pin]:
    """AXI4-Lite, as a slave has it."""
    for kind in ("aw", "ar"):
        yield Pin("input", 1, f"s_axi_control_{kind}valid")
        yield Pin("output", 1, f"s_axi_control_{kind}ready")
        yield Pin("input", 12, f"s_axi_control_{kind}addr")
        yield Pin("input", 3, f"s_axi_control_{kind}prot")
    yield from (
        Pin("input", 1, "s_axi_control_wvalid"),
        Pin("output", 1, "s_axi_control_wready"),
        Pin("input", 32, "s_axi_control_wdata"),
        Pin("input", 4, "s_axi_control_wstrb"),
        Pin("output", 1, "s_axi_control_bvalid"),
        Pin("input", 1, "s_axi_control_bready"),
        Pin("output", 2, "s_axi_control_bresp"),
        Pin("output", 1, "s_axi_control_rvalid"),
        Pin("input", 1, "s_axi_control_rready"),
        Pin("output", 32, "s_axi_control_rdata"),
        Pin("output", 2, "s_axi_control_rresp"),
    )


def _memory(master: Master) -> Iterator[Pin]:
    """AXI4, as a master has it that reads, writes or does both, and whose transactions have one identity."""
    if master.direction == "both":
        yield from _memory(replace(master, direction="read"))
        yield from _memory(replace(master, direction="write"))
        return
    kind = "ar" if master.direction == "read" else "aw"
    name, bits = master.name, master.data_bits
    yield Pin("output", 1, f"{name}_{kind}valid")
    yield Pin("input", 1, f"{name}_{kind}ready")
    yield Pin("output", 1, f"{name}_{kind}id")
    for what, width in (("addr", 64), ("len", 8), ("size", 3), ("burst", 2), ("lock", 1), ("cache", 4), ("prot", 3)):
        yield Pin("output", width, f"{name}_{kind}{what}")
    if kind == "ar":
        yield Pin("input", 1, f"{name}_rvalid")
        yield Pin("output", 1, f"{name}_rready")
        yield Pin("input", 1, f"{name}_rid")
        yield Pin("input", bits, f"{name}_rdata")
        yield Pin("input", 1, f"{name}_rlast")
        yield Pin("input", 2, f"{name}_rresp")
        return
    yield Pin("output", 1, f"{name}_wvalid")
    yield Pin("input", 1, f"{name}_wready")
    yield Pin("output", bits, f"{name}_wdata")
    yield Pin("output", bits // 8, f"{name}_wstrb")
    yield Pin("output", 1, f"{name}_wlast")
    yield Pin("input", 1, f"{name}_bvalid")
    yield Pin("output", 1, f"{name}_bready")
    yield Pin("input", 1, f"{name}_bid")
    yield Pin("input", 2, f"{name}_bresp")
