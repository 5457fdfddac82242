"""Print a netlist as SystemVerilog: one top module, the modules it uses, and the memories' contents."""

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tomato.backend import library
from tomato.backend.buses import bus_name, describe_bus, ports_of
from tomato.backend.quoting import string
from tomato.backend.render import render
from tomato.core.assets import asset
from tomato.hardware.memory import LOAD_BITS
from tomato.hardware.netlist import (
    FRAME_END,
    LOADER,
    READERS,
    Bus,
    Instance,
    Memory,
    MemoryMaster,
    Netlist,
    Stream,
    Whereabouts,
    pack,
)

COMMENT_WIDTH = 112
WATCHERS = ("tom_probe.sv", "tom_times.sv")
"""What watches streams in simulation."""
SIGNALS = (("valid", "i"), ("ready", "o"), ("data", "i"))
"""The signals of a stream at the part that reads it, and their direction."""


@dataclass(frozen=True, slots=True)
class PortView:
    """An AXI4-Stream port, as wide as whole bytes. `no_range` is as long as `range`."""

    name: str
    stream: str
    width: int
    range: str
    no_range: str
    comment: str


@dataclass(frozen=True, slots=True)
class BusPortView:
    """A port of a bus: its direction and range, padded to the longest of its bus, and its name."""

    direction: str
    range: str
    name: str


@dataclass(frozen=True, slots=True)
class BusView:
    """A port that is no stream."""

    comment: str
    ports: tuple[BusPortView, ...]


@dataclass(frozen=True, slots=True)
class StreamView:
    """The wires of a stream. `range` is padded to the longest of all streams, `no_range` as long."""

    name: str
    width: int
    range: str
    no_range: str
    comment: str


@dataclass(frozen=True, slots=True)
class TimedView:
    """A stream whose first frame is timed in simulation: its name, and beats of a frame."""

    name: str
    beats: int


@dataclass(frozen=True, slots=True)
class InstanceView:
    """One instance, ready to print; the names of its parameters, and of its pins, are padded to equal length.

    `unused`: bits of the end of a loader's chain, where the module could be in one and is not.
    """

    module: str
    name: str
    comment: tuple[str, ...]
    params: tuple[tuple[str, str], ...]
    pins: tuple[tuple[str, str], ...]
    unused: int


@dataclass(frozen=True, slots=True)
class LoaderView:
    """The part that fills memories the bitstream cannot: its stream's width and beats, links from memory to memory."""

    part: InstanceView
    bits: int
    beats: int
    links: int


@dataclass(frozen=True, slots=True)
class TopView:
    """Everything top.sv.j2 may look at."""

    name: str
    title: str
    inputs: tuple[PortView, ...]
    outputs: tuple[PortView, ...]
    buses: tuple[BusView, ...]
    streams: tuple[StreamView, ...]
    instances: tuple[InstanceView, ...]
    loader: LoaderView | None
    doubled: bool
    checks: int
    timed: tuple[TimedView, ...]


def top(netlist: Netlist, title: str) -> str:
    """The top module of a netlist."""
    view = TopView(
        name=netlist.name,
        title=title,
        inputs=tuple(port(s) for s in netlist.inputs),
        outputs=tuple(port(s) for s in netlist.outputs),
        streams=_streams(netlist),
        buses=tuple(map(_bus, netlist.buses)),
        instances=tuple(_instance(i, netlist) for i in netlist.instances if i.module != LOADER),
        loader=_loader(netlist),
        doubled=netlist.doubled,
        checks=len(netlist.checks),
        timed=tuple(TimedView(s.name, s.frame_beats) for s in timed(netlist)),
    )
    return render("top.sv.j2", view)


def timed(netlist: Netlist) -> tuple[Stream, ...]:
    """The streams that simulation times: inputs, and what each layer gives, in front of everything between layers."""
    return tuple(s for s in netlist.streams if s.name == s.value)


def _loader(netlist: Netlist) -> LoaderView | None:
    part = netlist.loader
    if part is None:
        return None
    return LoaderView(_instance(part, netlist), LOAD_BITS, int(part.params["Beats"]), len(netlist.loaded))


def _bus(bus: Bus) -> BusView:
    """The ports of a bus at the top level."""
    ranges = [_range(p.width) if p.width > 1 else "" for p in ports_of(bus)]
    longest = max(map(len, ranges))
    ports = (
        BusPortView("output wire" if p.output else "input  wire", text.rjust(longest), f"{bus_name(bus)}_{p.name}")
        for p, text in zip(ports_of(bus), ranges, strict=True)
    )
    return BusView(describe_bus(bus), tuple(ports))


def _streams(netlist: Netlist) -> tuple[StreamView, ...]:
    longest = max(len(_range(s.width)) for s in netlist.streams)
    return tuple(
        StreamView(s.name, s.width, _range(s.width).rjust(longest), " " * longest, describe(s)) for s in netlist.streams
    )


def _range(width: int) -> str:
    return f"[{width - 1}:0]"


def port_name(port: Stream) -> str:
    """Name of the AXI4-Stream port behind a stream at the edge: the value's."""
    return port.value


def padded(width: int) -> int:
    """Bits of the whole bytes that hold `width` bits."""
    return -(-width // 8) * 8


def port(of: Stream) -> PortView:
    """A port of the top level."""
    return PortView(
        name=port_name(of),
        stream=of.signal,
        width=of.width,
        range=_range(padded(of.width)),
        no_range=" " * len(_range(padded(of.width))),
        comment=f"{describe(of)}, {of.frame_beats:,} beats a frame",
    )


def describe(port: Stream) -> str:
    """Shape, format and lanes of a stream, for a comment."""
    kind = f"{'s' if port.signed else 'u'}{port.bits}"
    return f"{'x'.join(map(str, port.shape))} {kind}, {port.lanes} a beat"


def _instance(part: Instance, netlist: Netlist) -> InstanceView:
    files = {
        name: '""' if memory.loaded else string(f"mem/{memory_file(part, name)}")
        for name, memory in part.memories.items()
    }
    numbers = {name: literal(value) for name, value in part.params.items()}
    return InstanceView(
        module=part.module,
        name=part.label,
        comment=tuple(textwrap.wrap(part.comment, COMMENT_WIDTH, subsequent_indent="  ")),
        params=_aligned(numbers | files),
        pins=_aligned(_pins(part, netlist)),
        unused=_unused(part),
    )


def _unused(part: Instance) -> int:
    """Bits of the end of the chain of a part that is in none."""
    return 0 if part.loaded or part.module == LOADER else int(part.params.get("LoadBits", 0))


def _pins(part: Instance, netlist: Netlist) -> dict[str, str]:
    """What every port of a part is connected to."""
    chain = netlist.loaded
    pins = {"clk_i": "clk", **({"clk2x_i": "clk2x"} if part.doubled else {}), "rst_i": "rst"}
    if part.watches:
        pins |= {f"{kind}_i": f"s_axis_{port_name(part.watches)}_t{kind}" for kind in ("valid", "ready", "last")}
        return pins | {"error_o": f"frame_errors[{netlist.checks.index(part)}]"}
    if part.loaded:
        pins |= {"load_i": f"load_{chain.index(part)}", "load_o": f"load_{chain.index(part) + 1}"}
    if _unused(part):
        pins["load_o"] = f"unused_load_{part.label}"
    if part.module == LOADER:
        pins |= {f"in_{kind}_{way}": f"s_axis_weights_t{kind}" for kind, way in SIGNALS}
        return pins | {"load_o": "load_0", "done_o": "loaded"}
    data = _bundle(part.inputs, "data") if part.inputs else ""
    extra = sum(padded(s.width) for s in part.outputs if s.framed) - sum(s.width for s in part.outputs if s.framed)
    if part.inputs:
        pins |= {
            "in_valid_i": _bundle(part.inputs, "valid"),
            "in_ready_o": _bundle(part.inputs, "ready"),
            "in_data_i": f"{{{extra}'b0, {data}}}" if extra else data,
        }
    pins |= {
        "out_valid_o": _bundle(part.outputs, "valid"),
        "out_ready_i": _bundle(part.outputs, "ready"),
        "out_data_o": _bundle(part.outputs, "data"),
    }
    if part.module == FRAME_END:
        pins["out_last_o"] = _bundle(part.outputs, "last")
    way = {True: "o", False: "i"}
    if part.module in READERS:
        return pins | _reader(part, way)
    for prefix, bus in part.buses.items():
        pins |= {f"{prefix}_{p.name}_{way[p.output]}": f"{bus_name(bus)}_{p.name}" for p in ports_of(bus)}
    return pins


def _reader(part: Instance, way: Mapping[bool, str]) -> dict[str, str]:
    """The buses of a reader that has one for each channel, side by side."""
    masters = [bus for bus in part.buses.values() if isinstance(bus, MemoryMaster)]
    pins = {}
    for p in ports_of(masters[0]):
        names = [f"{bus_name(bus)}_{p.name}" for bus in reversed(masters)]
        pins[f"{p.name}_{way[p.output]}"] = names[0] if len(names) == 1 else f"{{{', '.join(names)}}}"
    told = (bus for bus in part.buses.values() if isinstance(bus, Whereabouts))
    return pins | {f"{p.name}_{way[p.output]}": f"{bus_name(bus)}_{p.name}" for bus in told for p in ports_of(bus)}


def _aligned(params: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    longest = max(map(len, params), default=0)
    return tuple((name.ljust(longest), value) for name, value in params.items())


def _bundle(streams: Iterable[Stream], signal: str) -> str:
    """One signal of one stream, or of several concatenated with the first in the low bits."""
    names = [f"m_axis_{port_name(s)}_t{signal}" if s.framed else f"{s.signal}_{signal}" for s in streams]
    return names[0] if len(names) == 1 else f"{{{', '.join(reversed(names))}}}"


def literal(value: int | str) -> str:
    """A parameter's value: text in quotes, an integer sized when it exceeds 32 bits."""
    if isinstance(value, str):
        return string(value)
    return str(value) if -(1 << 31) <= value < 1 << 31 else f"{value.bit_length()}'h{value:x}"


def memory_file(part: Instance, parameter: str) -> str:
    """File name, below mem/, of one memory of an instance."""
    suffix = "" if parameter == "MemFile" else f"_{parameter.lower()}"
    return f"{part.name}{suffix}.mem"


def memories(netlist: Netlist) -> dict[str, str]:
    """File name to contents, for $readmemh."""
    return {
        memory_file(part, name): hexadecimal(memory)
        for part in netlist.instances
        for name, memory in part.memories.items()
        if not memory.loaded
    }


def hexadecimal(memory: Memory) -> str:
    """A memory as text: one word a line."""
    digits = -(-memory.width // 4)
    return "".join(f"{word:0{digits}x}\n" for word in pack(memory.fields, memory.bits))


def sources(roots: Iterable[str]) -> dict[str, Path]:
    """Module name to file for the modules named and all that they instantiate, in the order to read them."""
    return library.sources(library.RTL, roots)


def rtl(netlist: Netlist, title: str) -> Mapping[str, str]:
    """File name, below rtl/, to text: the top module and everything it needs."""
    used = sources(dict.fromkeys(i.module for i in netlist.instances))
    paths = [*used.values(), *library.includes(used.values()).values()]
    files = {path.name: path.read_text() for path in paths}
    files |= {name: asset("sim", name).read_text() for name in WATCHERS}
    files[f"{netlist.name}.sv"] = top(netlist, title)
    return files
