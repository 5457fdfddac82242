"""Print a netlist as SystemVerilog: one top module, the modules it uses, and the memories' contents."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tomato.backend import library
from tomato.backend.quoting import string
from tomato.backend.render import render
from tomato.core.assets import asset
from tomato.hardware.netlist import Instance, Memory, Netlist, Stream, load_count, pack
from tomato.hardware.plumbing import LOAD_BITS

COMMENT_WIDTH = 112


@dataclass(frozen=True, slots=True)
class PortView:
    """An AXI4-Stream port. `padded` is its width in whole bytes; `no_range` is as long as `range`."""

    name: str
    stream: str
    width: int
    padded: int
    range: str
    no_range: str
    beats: int
    extended: str
    comment: str


@dataclass(frozen=True, slots=True)
class StreamView:
    """The wires of a stream. `range` is padded to the longest of all streams, `no_range` as long."""

    name: str
    width: int
    range: str
    no_range: str
    comment: str


@dataclass(frozen=True, slots=True)
class InstanceView:
    """One instance, ready to print; the names of its parameters are padded to equal length.

    `load_bits`: of the end of a loader's chain, where the module could be in one and is not.
    """

    module: str
    name: str
    comment: tuple[str, ...]
    params: tuple[tuple[str, str], ...]
    in_valid: str
    in_ready: str
    in_data: str
    out_valid: str
    out_ready: str
    out_data: str
    load_in: str
    load_out: str
    load_bits: int


@dataclass(frozen=True, slots=True)
class LoaderView:
    """The stream that fills memories the bitstream cannot: its width, beats, and links from memory to memory."""

    bits: int
    beats: int
    drain: int
    links: int


@dataclass(frozen=True, slots=True)
class TopView:
    """Everything top.sv.j2 may look at."""

    name: str
    title: str
    inputs: tuple[PortView, ...]
    outputs: tuple[PortView, ...]
    streams: tuple[StreamView, ...]
    instances: tuple[InstanceView, ...]
    loader: LoaderView | None


def top(netlist: Netlist, title: str) -> str:
    """The top module of a netlist."""
    view = TopView(
        name=netlist.name,
        title=title,
        inputs=tuple(_port(s) for s in netlist.inputs),
        outputs=tuple(_port(s) for s in netlist.outputs),
        streams=_streams(netlist),
        instances=tuple(_instance(i, netlist.loaded) for i in netlist.instances),
        loader=_loader(netlist.loaded),
    )
    return render("top.sv.j2", view)


def _loader(parts: Sequence[Instance]) -> LoaderView | None:
    if not parts:
        return None
    return LoaderView(LOAD_BITS, load_count(parts, LOAD_BITS), len(parts) + 4, len(parts))


def _streams(netlist: Netlist) -> tuple[StreamView, ...]:
    longest = max(len(_range(s.width)) for s in netlist.streams)
    return tuple(
        StreamView(_short(s), s.width, _range(s.width).rjust(longest), " " * longest, describe(s))
        for s in netlist.streams
    )


def _range(width: int) -> str:
    return f"[{width - 1}:0]"


def port_name(port: Stream) -> str:
    """Name of the AXI4-Stream port behind a stream at the edge: the value's."""
    return port.value


def padded(width: int) -> int:
    """Bits of the whole bytes that hold `width` bits."""
    return -(-width // 8) * 8


def _port(port: Stream) -> PortView:
    extra = padded(port.width) - port.width
    data = f"s_{_short(port)}_data"
    return PortView(
        name=port_name(port),
        stream=_short(port),
        width=port.width,
        padded=padded(port.width),
        range=_range(padded(port.width)),
        no_range=" " * len(_range(padded(port.width))),
        beats=port.cycles,
        extended=f"{{{extra}'b0, {data}}}" if extra else data,
        comment=f"{describe(port)}, {port.cycles:,} beats a frame",
    )


def _short(port: Stream) -> str:
    return port.name.removeprefix("s_")


def describe(port: Stream) -> str:
    """Shape, format and lanes of a stream, for a comment."""
    kind = f"{'s' if port.signed else 'u'}{port.bits}"
    return f"{'x'.join(map(str, port.shape))} {kind}, {port.lanes} a beat"


def _instance(part: Instance, chain: Sequence[Instance]) -> InstanceView:
    files = {name: '""' if part.loaded else string(f"mem/{memory_file(part, name)}") for name in part.memories}
    numbers = {name: literal(value) for name, value in part.params.items()}
    return InstanceView(
        module=part.module,
        name=part.name,
        comment=tuple(textwrap.wrap(part.comment, COMMENT_WIDTH, subsequent_indent="  ")),
        params=_aligned(numbers | files),
        in_valid=_bundle(part.inputs, "valid"),
        in_ready=_bundle(part.inputs, "ready"),
        in_data=_bundle(part.inputs, "data"),
        out_valid=_bundle(part.outputs, "valid"),
        out_ready=_bundle(part.outputs, "ready"),
        out_data=_bundle(part.outputs, "data"),
        load_in=f"load_{chain.index(part)}" if part.loaded else "",
        load_out=f"load_{chain.index(part) + 1}" if part.loaded else "",
        load_bits=0 if part.loaded else int(part.params.get("LoadBits", 0)),
    )


def _aligned(params: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    longest = max(map(len, params), default=0)
    return tuple((name.ljust(longest), value) for name, value in params.items())


def _bundle(streams: Iterable[Stream], signal: str) -> str:
    """One signal of one stream, or of several concatenated with the first in the low bits."""
    names = [f"s_{_short(s)}_{signal}" for s in streams]
    return names[0] if len(names) == 1 else f"{{{', '.join(reversed(names))}}}"


def literal(value: int | str) -> str:
    """A parameter's value: text in quotes, an integer sized when it exceeds 32 bits."""
    if isinstance(value, str):
        return string(value)
    return str(value) if -(1 << 31) <= value < 1 << 31 else f"{value.bit_length()}'h{value:x}"


def memory_file(part: Instance, parameter: str) -> str:
    """File name, below mem/, of one memory of an instance."""
    suffix = "" if parameter == "MemFile" else f"_{parameter.lower()}"
    return f"{part.name.removeprefix('u_')}{suffix}.mem"


def memories(netlist: Netlist) -> dict[str, str]:
    """File name to contents, for $readmemh."""
    return {
        memory_file(part, name): hexadecimal(memory)
        for part in netlist.instances
        if not part.loaded
        for name, memory in part.memories.items()
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
    loader = ["tom_loader"] if netlist.loaded else []
    used = sources(dict.fromkeys([*(i.module for i in netlist.instances), "tom_frame_end", *loader]))
    paths = [*used.values(), *library.includes(used.values()).values()]
    files = {path.name: path.read_text() for path in paths}
    files["tom_probe.sv"] = asset("sim", "tom_probe.sv").read_text()
    files[f"{netlist.name}.sv"] = top(netlist, title)
    return files
