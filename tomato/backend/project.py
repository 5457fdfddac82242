"""The build folder: everything an FPGA engineer needs, with or without Tomato installed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tomato.backend import constraints, hls, vectors, vendor, verilog
from tomato.backend.buses import Signal, bus_name, ports_of
from tomato.backend.quoting import markdown
from tomato.backend.render import render
from tomato.core.assets import asset
from tomato.core.errors import TomatoError
from tomato.core.files import write_text
from tomato.core.formats import Array
from tomato.hardware.memory import LOAD_BITS
from tomato.hardware.netlist import (
    READERS,
    SHARED_FETCHED,
    SHARED_FOLD,
    WEIGHTS,
    MemoryMaster,
    Netlist,
    Stream,
    lane_mask,
    load_beats,
    number_places,
)
from tomato.host import ports
from tomato.version import __version__

BENCH, MODEL, STORE = "_bench", "tom_memory.sv", "tom_store.sv"
"""What is added to a design's name where memory beside the chip is simulated with it, and models of that memory: of one
that is read, and of one that is written too.
"""
BACKENDS = ("verilog", "hls")
"""What can be written; they print the same netlist."""
DEFAULT = BACKENDS[:1]
SIM_FILES = ("run.py", "testbench.py", "toolchain.py", "alone.py", "objcache.py", "axi_bench.py", "axi_run.py")


@dataclass(frozen=True, slots=True)
class LayerView:
    """A row of the table in the folder's README."""

    name: str
    engine: str
    output: str
    weights: str
    unrolling: str
    cycles: str


@dataclass(frozen=True, slots=True)
class ReadmeView:
    """Everything README.md.j2 may look at."""

    name: str
    model: str
    target: str
    part: str
    clock_mhz: str
    speed: tuple[str, ...]
    latency: str
    resources: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    layers: tuple[LayerView, ...]
    notes: tuple[str, ...]
    verilog: bool
    hls: bool
    host: bool
    loader: str
    load_bits: int
    memory: tuple[str, ...]
    doubled: bool


def write(
    folder: Path,
    netlist: Netlist,
    report: Mapping[str, Any],
    plan: str,
    backends: Sequence[str] = DEFAULT,
    images: Sequence[bytes] = (),
) -> None:
    """Write a design into `folder`, which exists: rtl/ and mem/, hls/, sim/, plan.toml, report.json, README.md.

    images: what has to lie in memory beside the chip, for every channel.
    """
    rate = f"{report['fps']:,.0f} frames/s" + (" on average" if report["exits"] else "")
    title = f"{report['model']} for {report['target']}, {rate} at {report['clock_mhz']:g} MHz"
    (folder / "sim").mkdir()
    if netlist.loaded:
        (folder / "mem").mkdir()
        write_text(folder / vectors.LOADER, "".join(f"{b:x}\n" for b in load_beats(netlist.loaded, LOAD_BITS)))
    for channel, image in enumerate(images):
        (folder / "mem").mkdir(exist_ok=True)
        (folder / memory_image(channel)).write_bytes(image)
    sources: list[str] = []
    if "verilog" in backends:
        rtl = verilog.rtl(netlist, title)
        sources = [name for name in rtl if name.endswith(".sv")]
        _write_all(folder / "rtl", {**rtl, **(constraints.files(netlist) if report["vendor"] == vendor.AMD else {})})
        _write_all(folder / "mem", verilog.memories(netlist))
        _write_all(folder / "sim", {name: asset("sim", name).read_text() for name in SIM_FILES})
        if beside := _models(netlist):
            bench = render("bench.sv.j2", _bench(netlist, report))
            _write_all(folder / "sim", {name: asset("sim", name).read_text() for name in beside})
            write_text(folder / "sim" / f"{netlist.name}{BENCH}.sv", bench)
        write_text(folder / "Makefile", asset("templates", "Makefile").read_text())
    if "hls" in backends and _models(netlist):
        raise TomatoError(
            "HLS C++ has no weights and no queues in memory beside the chip",
            hint="compile with --backend verilog, or with --weights chip for a larger board",
        )
    if "hls" in backends and any(part.module in (SHARED_FOLD, SHARED_FETCHED) for part in netlist.instances):
        raise TomatoError(
            "HLS C++ has no engine that layers share", hint="compile with --backend verilog, or with --share never"
        )
    if "hls" in backends:
        _write_all(folder / "hls", hls.files(netlist, title, report["layers"]))
        _write_all(folder / "hls", vendor.files(netlist, report, title))
        write_text(folder / "hls" / "Makefile", asset("templates", "hls", "Makefile").read_text())
        _write_all(folder / "hls" / "csim", {path.name: path.read_text() for path in asset("sim", "hls").iterdir()})
    write_text(folder / "sim" / "design.json", json.dumps(_design(netlist, report, sources), indent=1) + "\n")
    write_text(folder / "plan.toml", plan)
    write_text(folder / "report.json", json.dumps(report, indent=1) + "\n")
    write_text(folder / "README.md", render("README.md.j2", _readme(netlist, report, backends)))


def write_vectors(folder: Path, netlist: Netlist, values: Mapping[str, Array]) -> None:
    """Write the beats of every port, for the frames in `values` (codes by graph value), below sim/vectors."""
    for port in (*netlist.inputs, *netlist.outputs):
        vectors.write(folder, port, values[port.value], is_input=port in netlist.inputs)


def _write_all(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_text(folder / name, text)


def _design(netlist: Netlist, report: Mapping[str, Any], sources: Sequence[str]) -> dict[str, Any]:
    memory, beside, bench = report["memory"], _models(netlist), f"{netlist.name}{BENCH}"
    return design_of(bench if beside else netlist.name, netlist.inputs, netlist.outputs, report) | {
        "sources": sources,
        "bench": [*beside, f"{bench}.sv"] if beside else [],
        "pauses": bool(netlist.spilled),
        "exits": bool(report["exits"]),
        "loader": {"vectors": vectors.LOADER} if netlist.loaded else None,
        "memory": memory and memory["simulated"],
        "timed": [s.value for s in verilog.timed(netlist)],
        "sequence": netlist.lasting,
        "doubled": netlist.doubled,
    }


def design_of(
    top: str, inputs: Sequence[Stream], outputs: Sequence[Stream], report: Mapping[str, Any]
) -> dict[str, Any]:
    """What is in the simulation's description of any design; `top` is what is simulated."""
    return {
        "tomato": __version__,
        "top": top,
        "interval_cycles": report["interval_cycles"],
        "latency_cycles": report["latency_cycles"],
        "loader": None,
        "inputs": [_port(s, is_input=True) for s in inputs],
        "outputs": [_port(s, is_input=False) for s in outputs],
    }


def _port(port: Stream, *, is_input: bool) -> dict[str, Any]:
    return {
        "name": verilog.port_name(port),
        "layer": port.value,
        "width": verilog.padded(port.width),
        "bits": port.bits,
        "signed": port.signed,
        "lanes": port.lanes,
        "shape": list(port.shape),
        "frame_beats": port.frame_beats,
        "masks": [f"{m:x}" for m in lane_mask(port.shape[2], port.lanes, port.bits)],
        "number": _number(port) if port.number else None,
        "vectors": vectors.file_of(port, is_input=is_input),
    }


def memory_image(channel: int) -> Path:
    """Where the contents of a channel of the memory beside the chip are, in a build folder."""
    return Path("mem", f"{WEIGHTS}{channel}.bin")


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue in memory beside the chip, as it is simulated: its port, and that memory."""

    name: str
    port: str
    signals: tuple[Signal, ...]
    data_bytes: int
    words: int
    latency: int
    per_mille: int


@dataclass(frozen=True, slots=True)
class BenchView:
    """Everything bench.sv.j2 may look at: the design, and the memory beside it as it is simulated."""

    name: str
    top: str
    inputs: tuple[verilog.PortView, ...]
    outputs: tuple[verilog.PortView, ...]
    load_bits: int
    channels: tuple[tuple[str, ...], ...]
    signals: tuple[Signal, ...]
    memory: Mapping[str, int]
    doubled: bool
    queues: tuple[QueueView, ...]


def _models(netlist: Netlist) -> tuple[str, ...]:
    """The models of memory beside the chip that a design is simulated with."""
    fetches = any(i.module in READERS for i in netlist.instances)
    return (*([MODEL] if fetches else []), *([STORE] if netlist.spilled else []))


def _bench(netlist: Netlist, report: Mapping[str, Any]) -> BenchView:
    masters = [bus for bus in netlist.buses if isinstance(bus, MemoryMaster) and not bus.writes]
    queues = [bus for bus in netlist.buses if isinstance(bus, MemoryMaster) and bus.writes]
    return BenchView(
        name=f"{netlist.name}{BENCH}",
        top=netlist.name,
        inputs=tuple(map(verilog.port, netlist.inputs)),
        outputs=tuple(map(verilog.port, netlist.outputs)),
        load_bits=LOAD_BITS if netlist.loaded else 0,
        channels=tuple((bus_name(bus), f"sim/work/{WEIGHTS}{i}.hex") for i, bus in enumerate(masters)),
        signals=ports_of(masters[0]) if masters else (),
        memory=report["memory"]["simulated"] if masters else {},
        doubled=netlist.doubled,
        queues=tuple(
            QueueView(bus.name, bus_name(bus), ports_of(bus), **seen["simulated"])
            for bus, seen in zip(queues, report["queues"], strict=True)
        ),
    )


def _number(port: Stream) -> dict[str, Any]:
    """Where a frame says its number: the beat of each digit, and its first bit."""
    return {"bits": port.number, "digit": port.bits, "places": number_places(port, port.number)}


def _speed(report: Mapping[str, Any]) -> Iterator[str]:
    """Cycles a frame and frames a second; where frames leave early, on average and guaranteed."""
    sure = f"{report['interval_cycles']:,} cycles a frame: {report['guaranteed_fps']:,.0f} frames/s"
    if report["exits"]:
        yield f"{report['expected_interval_cycles']:,.0f} cycles a frame: {report['fps']:,.0f} frames/s on average"
    yield f"{sure} guaranteed, if no frame leaves early" if report["exits"] else sure


def _memory(memory: Mapping[str, Any]) -> Iterator[str]:
    """The ports through which weights are read."""
    channels = range(memory["channels"])
    names = ", ".join(f"`m_axi_{WEIGHTS}{c}`" for c in channels)
    yield f"{names}: AXI4, reads {memory['data_bits']} bits a beat, {memory['channel_bytes']:,} bytes of weights each"
    yield (
        f"`{WEIGHTS}_base`: the address of each channel's part, 64 bits, channel 0 lowest, a border of 4 KB; "
        f"`{WEIGHTS}_go`: high once they are there; before a reset low, until `{WEIGHTS}_idle` is high; "
        f"`{WEIGHTS}_error`: a beat came with an error, until reset"
    )


def _queue(queue: Mapping[str, Any]) -> str:
    """The ports of a queue in memory."""
    port, name = queue["port"], queue["name"]
    return (
        f"`m_axi_{port}`: AXI4, writes and reads {queue['data_bits']} bits a beat, the queue of `{name}`. It needs "
        f"{queue['bytes']:,} bytes from `{port}_base` on, a border of 4 KB; `{port}_go`: high once there is room; "
        f"before a reset low, until `{port}_idle` is high; `{port}_error`: memory answered with an error, until reset"
    )


def _readme(netlist: Netlist, report: Mapping[str, Any], backends: Sequence[str]) -> ReadmeView:
    def describe(port: Stream, side: str) -> str:
        sign = "signed" if port.signed else "unsigned"
        return (
            f"`{side}_{verilog.port_name(port)}`: {'x'.join(map(str, port.shape))} (rows, columns, channels), "
            f"{port.bits} bits {sign}, {port.lanes} codes a beat, {port.frame_beats:,} beats a frame, "
            f"tdata {verilog.padded(port.width)} bits"
        )

    def of(side: str, stream: Stream) -> str:
        """What stands behind a stream: every ONNX input or output of its value."""
        known = [p for p in (report["ports"] or {}).get(side, []) if p["value"] == stream.value]
        return "".join(f". {markdown(ports.sentence(p, is_input=side == 'inputs'))}" for p in known)

    layers = tuple(
        LayerView(
            name=layer["name"],
            engine=layer["engine"],
            output=layer["output"],
            weights=layer["weight_format"] or "",
            unrolling=", ".join(f"{k} {v}" for k, v in layer["unrolling"].items()),
            cycles=f"{layer['cycles']:,}",
        )
        for layer in report["layers"]
    )
    used = (f"{n:,} of {report['budget'][kind]:,} {kind}" for kind, n in report["resources"].items())
    return ReadmeView(
        name=netlist.name,
        model=report["model"],
        target=report["target"],
        part=report["part"],
        clock_mhz=f"{report['clock_mhz']:g}",
        speed=tuple(_speed(report)),
        latency=f"{report['latency_cycles']:,}",
        resources=", ".join(used),
        host=report["host"] is not None,
        loader=f"{netlist.loader.params['Beats']:,}" if netlist.loader else "",
        load_bits=LOAD_BITS,
        memory=(*(_memory(report["memory"]) if report["memory"] else ()), *map(_queue, report["queues"])),
        inputs=tuple(describe(s, "s_axis") + of("inputs", s) for s in netlist.inputs),
        outputs=tuple(describe(s, "m_axis") + of("outputs", s) for s in netlist.outputs),
        layers=layers,
        notes=tuple(report["notes"]),
        verilog="verilog" in backends,
        hls="hls" in backends,
        doubled=netlist.doubled,
    )
