"""Print a netlist as HLS C++: a dataflow function with one engine call per instance, and what checks it."""

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from tomato.backend import library, vectors
from tomato.backend.buses import bus_name
from tomato.backend.render import render
from tomato.backend.verilog import describe, memory_file, port_name
from tomato.core.formats import Array
from tomato.hardware.memory import LOAD_BITS
from tomato.hardware.netlist import (
    FRAME_CHECK,
    FRAME_END,
    LOADER,
    Instance,
    Memory,
    MemoryMaster,
    Netlist,
    Stream,
    load_count,
    pack,
)

PIECE = 64
"""Bits of the plain numbers that a memory word is made of."""
WIDTH = 116
"""Longest line of lists and comments."""
FRAME_BEATS = "FrameBeats"
"""The template parameter that no Verilog parameter stands for: a loop has an end, a circuit runs for ever."""
PLACES = "Places"
"""The parameter for beats that may wait behind an engine: no loop has such a queue, the stream behind it is one."""
PARAMETER = re.compile(r"\b(unsigned|int|bool|long long|typename) (\w+)(?=,|$)")
STORAGE = ("LUTRAM", "BRAM", "URAM")
"""Memory kinds as directives name them, by the number in the RTL."""
QUEUES = {"tom_fifo", "tom_register"}
"""Parts that are no calls: an hls::stream is a queue itself."""
EDGES = {LOADER, FRAME_END, FRAME_CHECK}
"""Parts that are no calls: ports of the function, and what fills memories in front of it, do their work, or nobody."""


@dataclass(frozen=True, slots=True)
class PortView:
    """An AXI4-Stream port and the stream behind it; of an input, its `queue`."""

    name: str
    stream: str
    queue: "StreamView | None"
    width: int
    beats: int
    comment: str


@dataclass(frozen=True, slots=True)
class StreamView:
    """A stream of the dataflow region. `storage` is the memory of its queue, "" where the tool shall choose."""

    name: str
    width: int
    depth: int
    storage: str
    comment: str


@dataclass(frozen=True, slots=True)
class MemoryView:
    """A constant array: `pieces` numbers of 64 bits for each of `words` words of `width` bits.

    `ports` and `storage`: type and implementation, as directives name them.
    """

    name: str
    file: str
    words: int
    pieces: int
    width: int
    ports: str
    storage: str
    loaded: bool


@dataclass(frozen=True, slots=True)
class CallView:
    """One engine call, the streams that it fills and the memories that it reads.

    `params` are lines of template arguments, each with its name.
    """

    module: str
    comment: tuple[str, ...]
    params: tuple[str, ...]
    args: str
    streams: tuple[StreamView, ...]
    memories: tuple[MemoryView, ...]


@dataclass(frozen=True, slots=True)
class MasterView:
    """A port to memory, as a pointer to words of `bits` bits."""

    name: str
    bits: int
    writes: bool


@dataclass(frozen=True, slots=True)
class TopView:
    """Everything the templates of hls/ may look at."""

    name: str
    title: str
    headers: tuple[str, ...]
    inputs: tuple[PortView, ...]
    outputs: tuple[PortView, ...]
    masters: tuple[MasterView, ...]
    memories: tuple[MemoryView, ...]
    calls: tuple[CallView, ...]
    load_bits: int
    table: tuple[str, ...]


def files(netlist: Netlist, title: str, layers: Sequence[Mapping[str, Any]] = ()) -> dict[str, str]:
    """File name, below hls/, to text: the accelerator, its weights, its testbench and the library that it uses.

    layers: those of report.json, for what to expect of each engine.
    """
    view = _view(netlist, title, layers)
    used = library.sources(library.HLS, _modules(netlist)).values()
    return {
        f"{netlist.name}.hpp": render("hls/top.hpp.j2", view),
        f"{netlist.name}.cpp": render("hls/top.cpp.j2", view),
        "tb.cpp": render("hls/tb.cpp.j2", _testbench(netlist)),
        **{
            f"weights/{m.file}": _contents(p.memories[n], m)
            for (p, n), m in zip(_memories(netlist), view.memories, strict=True)
            if not p.memories[n].loaded
        },
        **{f"include/{path.name}": path.read_text() for path in used},
    }


def _modules(netlist: Netlist) -> list[str]:
    """What the accelerator uses: the edges, the directives, and what it calls."""
    calls = [p.module for p in netlist.instances if p.module not in {*QUEUES, *EDGES}]
    return list(dict.fromkeys(["tom_axis", "tom_memory", *calls, *(["tom_load"] if netlist.loaded else [])]))


@cache
def parameters(module: str) -> tuple[tuple[str, str], ...]:
    """Type and name of every template parameter of a module's function, in order."""
    text = re.sub(r"//.*", "", library.file(library.HLS, module).read_text())
    head = text[: text.index(f"void {module}(")]
    listed = head[head.rindex("template <") + len("template <") :].rstrip().removesuffix(">")
    return tuple((kind, name) for part in listed.split(",") for kind, name in PARAMETER.findall(part.strip()))


def literal(kind: str, value: int) -> str:
    """A template argument of a type."""
    if kind == "bool":
        return "true" if value else "false"
    if kind == "typename":
        pieces = [f"0x{value >> i & (1 << PIECE) - 1:x}" for i in range(0, max(value.bit_length(), 1), PIECE)]
        return f"tom_bits<{', '.join(pieces)}>"
    return str(value)


def _expected(layer: Mapping[str, Any]) -> str:
    """What to expect of a layer's engine, in a line."""
    n = layer["multipliers"]
    multipliers = f"{n:,} multiplier{'s' if n > 1 else ''}, " if n else ""
    used = ", ".join(f"{amount:,} {kind.upper()}" for kind, amount in layer["resources"].items() if amount)
    return f"expect {layer['cycles']:,} cycles a frame, {multipliers}{used}"


def _table(layers: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The layers in columns: what makes each of them, how fast, and what its weights are."""
    rows = [("layer", "engine", "cycles", "multipliers", "weights", "output")] if layers else []
    rows += [
        (
            layer["name"],
            layer["engine"],
            f"{layer['cycles']:,}",
            f"{layer['multipliers']:,}" if layer["multipliers"] else "",
            layer["weight_format"] or "",
            layer["output"].split("[")[0],
        )
        for layer in layers
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    right = (False, False, True, True, False, False)
    return tuple(
        "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)).rstrip()
        for row in rows
    )


def _view(netlist: Netlist, title: str, layers: Sequence[Mapping[str, Any]]) -> TopView:
    queues = _Queues(netlist)
    expected = {layer["name"]: _expected(layer) for layer in layers}
    calls = tuple(_call(p, queues, expected) for p in netlist.instances if p.module not in {*QUEUES, *EDGES})
    return TopView(
        name=netlist.name,
        title=title,
        headers=tuple(sorted({f"{module}.hpp" for module in _modules(netlist)})),
        inputs=tuple(_port(s, queues, is_input=True) for s in netlist.inputs),
        outputs=tuple(_port(s, queues, is_input=False) for s in netlist.outputs),
        masters=tuple(
            MasterView(bus_name(bus), bus.data_bits, bus.writes)
            for bus in netlist.buses
            if isinstance(bus, MemoryMaster)  # registers are those of the function's arguments
        ),
        memories=tuple(m for call in calls for m in call.memories),
        calls=calls,
        load_bits=LOAD_BITS if netlist.loaded else 0,
        table=_table(layers),
    )


class _Queues:
    """Streams behind queues are the streams in front of them, but deeper."""

    def __init__(self, netlist: Netlist) -> None:
        self.source: dict[str, str] = {}
        self.extra: dict[str, int] = {}
        self.ram: dict[str, int] = {}
        for part in netlist.instances:
            if PLACES in part.params:  # an engine's own queue is the stream behind it
                name = self.of(part.outputs[0])
                self.extra[name] = self.extra.get(name, 0) + int(part.params[PLACES])
            if part.module == FRAME_END:
                self.source[part.outputs[0].name] = self.of(part.inputs[0])
            if part.module in QUEUES:
                (before,), (after,) = part.inputs, part.outputs
                name = self.source[after.name] = self.of(before)
                self.extra[name] = self.extra.get(name, 0) + int(part.params.get("Depth", 0))
                if "Ram" in part.params:
                    self.ram[name] = int(part.params["Ram"])

    def of(self, port: Stream) -> str:
        """The name of the stream that a call sees."""
        return self.source.get(port.name, port.signal)

    def view(self, port: Stream) -> StreamView:
        """A stream that a call fills."""
        depth, ram = self.extra.get(port.signal, 0), self.ram.get(port.signal)
        return StreamView(port.signal, port.width, depth + 2, "" if ram is None else STORAGE[ram], describe(port))


def _port(port: Stream, queues: _Queues, *, is_input: bool) -> PortView:
    comment = f"{describe(port)}, {port.frame_beats:,} beats a frame"
    queue = queues.view(port) if is_input else None
    return PortView(port_name(port), queues.of(port), queue, port.width, port.frame_beats, comment)


def _call(part: Instance, queues: _Queues, expected: Mapping[str, str]) -> CallView:
    known = {**part.params, FRAME_BEATS: part.outputs[0].frame_beats}
    params = [f"/*{name}*/ {literal(kind, int(known[name]))}" for kind, name in parameters(part.module)]
    ins, outs = ([queues.of(s) for s in side] for side in (part.inputs, part.outputs))
    streams = [*outs, *ins] if len(ins) > 1 else [*ins, *outs]
    masters = [bus_name(bus) for bus in part.buses.values() if isinstance(bus, MemoryMaster)]
    args = ["frames", *(_memory_name(part, n) for n in part.memories), *masters, *streams]
    return CallView(
        module=part.module,
        comment=(
            *textwrap.wrap(part.comment, WIDTH, subsequent_indent="  "),
            *(e for e in [expected.get(part.name)] if e),
        ),
        params=tuple(_wrapped(params)),
        args=", ".join(args),
        streams=tuple(queues.view(s) for s in part.outputs),
        memories=tuple(_memory(part, n) for n in part.memories),
    )


def _wrapped(items: list[str]) -> Iterator[str]:
    """Items joined by commas, in lines that are not too long."""
    line = ""
    for i, item in enumerate(items):
        text = item + ("," if i < len(items) - 1 else "")
        if line and len(line) + len(text) >= WIDTH - 8:
            yield line
            line = ""
        line = f"{line} {text}" if line else text
    yield line


def _memory_name(part: Instance, parameter: str) -> str:
    return memory_file(part, parameter).removesuffix(".mem") + "_words"


def _memory(part: Instance, parameter: str) -> MemoryView:
    memory = part.memories[parameter]
    ports = "RAM_S2P" if memory.loaded else "ROM_1P" if memory.reads == 1 else "ROM_nP"
    return MemoryView(
        name=_memory_name(part, parameter),
        file=memory_file(part, parameter).replace(".mem", ".hpp"),
        words=memory.depth,
        pieces=-(-memory.width // PIECE),
        width=memory.width,
        ports=ports,
        storage=STORAGE[memory.ram],
        loaded=memory.loaded,
    )


def _memories(netlist: Netlist) -> list[tuple[Instance, str]]:
    """Every memory as its part and the name of the parameter."""
    return [(part, name) for part in netlist.instances for name in part.memories]


def _contents(memory: Memory, view: MemoryView) -> str:
    """A memory as a constant array: one word a line, in pieces, the lowest first."""
    words = b"".join(word.to_bytes(8 * view.pieces, "little") for word in pack(memory.fields, memory.bits))
    pieces: Array = np.frombuffer(words, dtype="<u8").reshape(-1, view.pieces)
    rows = "".join("    {" + ", ".join(f"0x{n:x}" for n in row) + "},\n" for row in pieces.tolist())
    return (
        f"// {view.words:,} words of {view.width:,} bits, each as numbers of {PIECE} bits, the lowest first.\n"
        f"static const tom_piece {view.name}[{view.words}][{view.pieces}] = {{\n{rows}}};\n"
    )


@dataclass(frozen=True, slots=True)
class TestPortView:
    """A port as the testbench sees it; `file` holds its vectors."""

    name: str
    layer: str
    file: str
    width: int
    beats: int
    bits: int
    signed: bool
    lanes: int
    shape: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class TestView:
    """Everything tb.cpp.j2 may look at. `load_beats`: of the weights that the bitstream cannot hold.

    lasting: states, or numbers of frames, last from frame to frame.
    """

    name: str
    lasting: bool
    inputs: tuple[TestPortView, ...]
    outputs: tuple[TestPortView, ...]
    load_beats: int
    load_bits: int
    load_file: str


def _testbench(netlist: Netlist) -> TestView:
    return TestView(
        name=netlist.name,
        lasting=netlist.lasting or any(s.number for s in netlist.outputs),
        inputs=tuple(_test_port(s, is_input=True) for s in netlist.inputs),
        outputs=tuple(_test_port(s, is_input=False) for s in netlist.outputs),
        load_beats=load_count(netlist.loaded, LOAD_BITS) if netlist.loaded else 0,
        load_bits=LOAD_BITS,
        load_file=vectors.LOADER,
    )


def _test_port(port: Stream, *, is_input: bool) -> TestPortView:
    return TestPortView(
        name=port_name(port),
        layer=port.value,
        file=vectors.file_of(port, is_input=is_input),
        width=port.width,
        beats=port.frame_beats,
        bits=port.bits,
        signed=port.signed,
        lanes=port.lanes,
        shape=port.shape,
    )
