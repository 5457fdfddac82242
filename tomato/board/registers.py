"""The registers of the AXI shell: the one source for the RTL's parameters, the host, scripts, tests and the page.

The first words are laid out as HLS kernels have them (AMD UG1393, "Control Requirements for XRT-managed kernels").
`board/registers.json` is `Map.described`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tomato.backend.verilog import padded, port_name
from tomato.core.errors import TomatoError
from tomato.hardware.memory import LOAD_BITS
from tomato.hardware.netlist import QUEUE, WEIGHTS, Netlist, Stream, load_count
from tomato.hardware.parts import Spill
from tomato.host.written import LOADER
from tomato.schedule.border import Border
from tomato.schedule.fetching import Fetching

Direction = Literal["read", "write", "both"]
"""Of a master: it reads inputs and weights, writes outputs, and does both for a queue."""
Access = Literal["rw", "ro", "rc", "w1t", "w1c"]
"""Read and write; read only; cleared when read; a written one toggles; a written one clears."""

ADDRESS_BITS = 12
"""Of the registers: 4 KiB, the least that systems map."""
POINTERS = 0x10
POINTER_STEP = 0xC
"""Two words of an address, and one reserved."""
COUNTERS = 0x100
"""The counters' place, if the arguments end in front of it; else the next multiple."""
STATUS_ERRORS = 8
"""First error bit of the status."""
FETCH_ERROR = 3
"""The error bit of all masters that are the accelerator's own."""
WAITS = 0x20
"""Behind the counters' first."""
MOST_MASTERS = 24
"""The status has an error bit for each, besides those that fetch weights."""
PAGE = 4096
"""Fetched weights lie at a multiple of so many bytes: their bursts cross no border of 4 KB."""
NARROWEST, WIDEST = 4, 64
"""Bytes of a beat of AXI4: what Zynq's and Alveo's ports take."""
HEADROOM = 1.25
"""How much faster a master is than its stream needs on average: rows of memory are opened, and refreshed."""


@dataclass(frozen=True, slots=True)
class Field:
    """Some bits of a register."""

    name: str
    bit: int
    width: int
    access: Access
    what: str


@dataclass(frozen=True, slots=True)
class Register:
    """A register of `bits` bits, 32 or two words of 32, at `offset` bytes."""

    name: str
    offset: int
    bits: int
    access: Access
    what: str
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Master:
    """A master of AXI4, and the frames that it carries: one behind the other, each `frame_beats` of `beat_bytes`.

    port: the stream's name at the accelerator; weights have none, and are one frame. pointer: the register with the
    address of the first frame. file: of weights, what lies there, in host/. fetched: the accelerator reads them itself,
    again and again; the address is a multiple of PAGE. A queue is fetched and has no file: only room.
    """

    name: str
    port: str
    direction: Direction
    data_bits: int
    pointer: str
    beat_bytes: int
    frame_beats: int
    file: str = ""
    fetched: bool = False

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame in memory."""
        return self.beat_bytes * self.frame_beats


@dataclass(frozen=True, slots=True)
class Map:
    """The registers of a design: module `top` with these masters: inputs, outputs, weights, fetched weights."""

    top: str
    build: int
    masters: tuple[Master, ...]

    @property
    def frames_at(self) -> int:
        """Address of the number of frames."""
        return POINTERS + POINTER_STEP * len(self.masters)

    @property
    def counters_at(self) -> int:
        """Address of the first counter."""
        return -(-(self.frames_at + 4) // COUNTERS) * COUNTERS

    @property
    def registers(self) -> tuple[Register, ...]:
        """All of them, by address."""
        pointers = (
            Register(m.pointer, POINTERS + POINTER_STEP * i, 64, "rw", f"address of {_what(m)}")
            for i, m in enumerate(self.masters)
        )
        frames = Register("frames", self.frames_at, 32, "rw", "what a start runs", FRAMES)
        return (*CONTROL, *pointers, frames, *self._counters())

    def _counters(self) -> Iterator[Register]:
        errors = tuple(
            Field(f"error_{m.pointer}", STATUS_ERRORS + i, 1, "w1c", f"memory answered {m.name} with an error")
            for i, m in enumerate(self.masters)
            if not m.fetched
        )
        at, fields = self.counters_at, (*STATUS, *self._fetch_errors(), *errors)
        yield Register("status", at, 32, "w1c", "what goes on, and what went wrong", fields)
        for i, (name, what) in enumerate(COUNTED, 1):
            yield Register(name, at + 4 * i, 32, "ro", what)
        streams = [m for m in self.masters if m.port]
        at += WAITS
        for m in streams:
            waits = "had no beat for it" if m.direction == "read" else "took no beat of it"
            yield Register(f"waits_{m.pointer}", at, 32, "ro", f"cycles in which {m.name} {waits}, since clear")
            at += 4
        for m in streams:
            if m.direction == "write":
                yield Register(f"checksum_{m.pointer}", at, 32, "ro", "of its beats since clear: see tom_checksum.sv")
                at += 4

    def _fetch_errors(self) -> Iterator[Field]:
        if names := [m.name for m in self.masters if m.fetched]:
            what = f"memory answered {' or '.join(dict.fromkeys((names[0], names[-1])))} with an error"
            if len(names) > 2:
                what = f"memory answered one of {names[0]} to {names[-1]} with an error"
            yield Field("error_fetch", FETCH_ERROR, 1, "w1c", f"{what}: begin a new sequence, what is wrong may wait")

    def described(self) -> dict[str, Any]:
        """As plain data."""
        masters = [asdict(m) | {"frame_bytes": m.frame_bytes} for m in self.masters]
        return {
            "top": self.top,
            "address_bits": ADDRESS_BITS,
            "build": self.build,
            "registers": [asdict(r) for r in self.registers],
            "masters": masters,
        }


def _what(master: Master) -> str:
    if master.fetched and not master.file:
        return f"room for {master.frame_bytes:,} bytes, a multiple of {PAGE:,}; it stays until a new sequence begins"
    if master.fetched:
        return f"weights (host/{master.file}), in bytes, a multiple of {PAGE:,}; it stays until a new sequence begins"
    if not master.port:
        return f"the weights (host/{master.file}), in bytes, any"
    return f"the first frame of {'input' if master.direction == 'read' else 'output'} {master.port}, in bytes, any"


CONTROL: Sequence[Register] = (
    Register("control", 0x00, 32, "rw", "starts, and what became of them", (
        Field("ap_start", 0, 1, "rw", "write 1 to start; stays until the start is taken, also behind a running one"),
        Field("ap_done", 1, 1, "rc", "a run has ended"),
        Field("ap_idle", 2, 1, "ro", "nothing runs and no start waits"),
        Field("ap_ready", 3, 1, "rc", "a start was taken: the next may be written"),
        Field("auto_restart", 7, 1, "rw", "start again whenever a start was taken"),
    )),
    Register("gier", 0x04, 32, "rw", "interrupts at all", (Field("enable", 0, 1, "rw", "1 for yes"),)),
    Register("ier", 0x08, 32, "rw", "which interrupts", (
        Field("done", 0, 1, "rw", "of a run's end"),
        Field("ready", 1, 1, "rw", "of a start that was taken"),
    )),
    Register("isr", 0x0C, 32, "w1t", "which interrupts wait", (
        Field("done", 0, 1, "w1t", "write 1 to clear"),
        Field("ready", 1, 1, "w1t", "write 1 to clear"),
    )),
)  # fmt: skip
FRAMES: tuple[Field, ...] = (
    Field("count", 0, 31, "rw", "frames of the run"),
    Field("restart", 31, 1, "rw", "the run begins a new sequence: states are 0, and weights are read again"),
)
STATUS: Sequence[Field] = (
    Field("busy", 0, 1, "ro", "a run is on its way"),
    Field("loaded", 1, 1, "ro", "the weights have been read, or there are none to read"),
    Field("frame_error", 2, 1, "ro", "an input's frame ended where it should not: beats were lost; until reset"),
)
COUNTED: Sequence[tuple[str, str]] = (
    ("build", "what the accelerator was made from: the same number as `build` in this file"),
    ("frames_done", "frames of the first output since reset"),
    ("runs_done", "runs since reset"),
    ("cycles_last", "cycles between the last two frames"),
    ("cycles_least", "fewest cycles between two frames, since clear: a start while nothing runs"),
    ("cycles_most", "most cycles between two frames, since clear"),
    ("latency", "cycles from the first beat that came in to the end of the first frame, since clear"),
)


def of(netlist: Netlist, interval: int, build: int, reader: Fetching | None, queues: Sequence[Spill] = ()) -> Map:
    """The registers of a design with `interval` cycles between frames; `reader` fetches its weights.

    queues: those in memory beside the chip.

    Raises TomatoError where there are too many.
    """
    design = Border(netlist.inputs, netlist.outputs, interval, load_count(netlist.loaded, LOAD_BITS), reader,
                    tuple(queues))  # fmt: skip
    return Map(f"{netlist.name}_top", build, masters(design))


def masters(design: Border) -> tuple[Master, ...]:
    """The masters that a design needs. Raises TomatoError where there are too many."""
    inputs = tuple(_master(s, "read", design.interval) for s in design.inputs)
    outputs = tuple(_master(s, "write", design.interval) for s in design.outputs)
    loads = design.load_beats
    weights = (Master("m_axi_weights", "", "read", LOAD_BITS, WEIGHTS, LOAD_BITS // 8, loads, LOADER),) if loads else ()
    found = (*inputs, *outputs, *weights)
    if len(found) > MOST_MASTERS:
        raise TomatoError(
            f"the network has {len(found)} inputs and outputs: the AXI shell takes {MOST_MASTERS}",
            hint="compile with --shell none, and connect the streams yourself",
        )
    return (*found, *(_fetched(design.reader) if design.reader else ()), *_queued(design.queues))


def _fetched(reader: Fetching) -> Iterator[Master]:
    """The masters of a reader of weights, which are ports of the accelerator: one for every channel."""
    for channel in range(reader.channels):
        name, beat = f"{WEIGHTS}{channel}", reader.data_bits // 8
        yield Master(
            f"m_axi_{name}", "", "read", reader.data_bits, name, beat, reader.beats, f"{name}.bin", fetched=True
        )


def _queued(queues: Sequence[Spill]) -> Iterator[Master]:
    """The masters of queues in memory beside the chip."""
    for i, queue in enumerate(queues):
        name, beat = f"{QUEUE}{i}", queue.data_bits // 8
        yield Master(f"m_axi_{name}", "", "both", queue.data_bits, name, beat, queue.bytes // beat, fetched=True)


def _master(stream: Stream, direction: Direction, interval: int) -> Master:
    side = "in" if direction == "read" else "out"
    beat = padded(stream.width) // 8
    needed = HEADROOM * beat * stream.frame_beats / interval
    width = NARROWEST
    while width < min(needed, WIDEST):
        width *= 2
    pointer = f"{side}_{port_name(stream)}"
    name = port_name(stream)
    return Master(f"m_axi_{pointer}", name, direction, width * 8, pointer, beat, stream.frame_beats)
