"""Simulate a build folder with the runner that it carries, and find the first layer that goes wrong."""

import json
import os
import re
import shlex
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tomato.core.assets import tool
from tomato.core.errors import TomatoError, check_number
from tomato.core.files import refusals, write_text
from tomato.core.formats import Array
from tomato.core.interpret import interpret
from tomato.core.ir import Graph
from tomato.core.progress import Progress, silent
from tomato.engines.parts.shared_unit import Member
from tomato.hardware.netlist import Stream, lane_mask, number_places, to_beats
from tomato.lower import lower
from tomato.ops.exits import gates, number_bits
from tomato.schedule.fetching import WORDS
from tomato.schedule.plan import Plan
from tomato.schedule.units import bind
from tomato.targets import Target

PROBES = {"verilog": Path("sim", "work", "probes"), "hls": Path("hls", "probes")}
"""Where each simulation keeps what its streams carried."""
SOURCES = ("*.cpp", "*.hpp", "include/*.hpp", "csim/*.h*", "weights/*.hpp")
"""What the C++ is compiled from, below hls/."""
MOST_STALLS = 0.99
"""A side that always stalls would never end."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a stream first carries another code than the golden model's."""

    stream: str
    layer: str
    frame: int
    row: int
    column: int
    channel: int
    got: int
    expected: int

    def __str__(self) -> str:
        return (
            f"first difference: layer {self.layer} (stream {self.stream}), frame {self.frame}, row {self.row}, "
            f"column {self.column}, channel {self.channel}: got {self.got}, expected {self.expected}"
        )


DIFFERENCE = re.compile(
    r"difference: layer (?P<layer>.*), frame (?P<frame>\d+), row (?P<row>\d+), column (?P<column>\d+), "
    r"channel (?P<channel>\d+): got (?P<got>-?\d+), expected (?P<expected>-?\d+)"
)
"""What the testbench of the C++ says of a port's first difference."""
DIFFERING = re.compile(r"differs: layer .*: (\d+) of \d+ beats")
"""What it says at the end of a port that differs."""


@refusals("cannot simulate")
def simulate(
    folder: Path,
    *,
    frames: int = 4,
    stall: float = 0.0,
    seed: int = 1,
    waves: bool = False,
    checked: bool = False,
    probe: bool = False,
    lose: int | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Play `frames` frames through the RTL in `folder` and return what simulation.json says.

    lose: the number of a beat of the first input that is left out, from 1 on.
    Raises TomatoError when a tool is missing or fails.
    """
    check_number("stall", stall, 0, MOST_STALLS)
    runner = tool("run")
    options = runner.Options(
        frames=frames, stall=stall, seed=seed, waves=waves, checked=checked, probe=probe, lose=lose
    )
    try:
        summary: dict[str, Any] = runner.simulate(folder, options, progress)
    except runner.toolchain.ToolError as reason:
        raise TomatoError(str(reason), where=str(folder)) from reason
    return summary


def outputs(
    folder: Path, ports: Sequence[Stream], *, frames: int, stall: float, progress: Progress
) -> dict[str, Array]:  # fmt: skip
    """The codes that the RTL gives, by value. Raises TomatoError if a beat differs from the golden model's."""
    summary = simulate(folder, frames=frames, stall=stall, progress=progress)
    if not summary["bit_exact"]:
        raise TomatoError(f"the hardware differs from the golden model in {summary['mismatches']} beats")
    return {port.value: received(folder, port) for port in ports}


def choose(folder: Path, backend: str | None) -> str:
    """The backend to simulate: the one asked for, or what the folder has. Raises TomatoError if it has it not."""
    present = [name for name, place in (("verilog", "rtl"), ("hls", "hls")) if (folder / place).is_dir()]
    if backend is None and present:
        return present[0]
    if backend is None or backend not in present:
        raise TomatoError(
            f"there is no {backend or 'hardware'} in this folder", where=str(folder),
            hint=f"compile again with --backend {backend or 'verilog'}",
        )  # fmt: skip
    return backend


@refusals("cannot simulate")
def csim(folder: Path, *, frames: int = 4, probe: bool = False, progress: Progress = silent) -> dict[str, Any]:
    """Compile the HLS C++ in `folder` with g++, play `frames` frames, and return what hls/simulation.json says.

    Uses AMD's headers where a package that carries them is installed, else the stand-ins in the folder. Raises
    TomatoError when a tool is missing or fails.
    """
    place, began = folder.resolve() / "hls", time.monotonic()
    finder, toolchain = tool("hls_headers"), tool("run").toolchain
    try:
        toolchain.need_compiler()
        vendor = finder.find()
    except (finder.HeadersError, toolchain.ToolError) as reason:
        raise TomatoError(str(reason)) from reason
    include = shlex.quote(str(vendor)).replace("$", "$$") if vendor else "csim"
    command = ["make", "-s", "-j2", f"AP_INCLUDE={include}", f"FRAMES={frames}", *(["PROBES=1"] if probe else [])]
    progress("Compilation with g++", 0, 0)
    stamp, state = place / "objects" / ("built-probes" if probe else "built"), _state(place, vendor)
    again = [] if stamp.exists() and stamp.read_text() == state else ["--always-make"]
    stamp.unlink(missing_ok=True)
    built = _run([*command, *again, "build"], place)
    if built.returncode:
        write_text(place / "build.log", built.stdout + built.stderr)
        lines = [line for line in built.stderr.splitlines() if "error" in line][:3] or built.stderr.splitlines()[-3:]
        raise TomatoError("g++ failed: " + " | ".join(lines), where=str(place / "build.log"))
    write_text(stamp, state)
    ready = time.monotonic()
    progress("Simulation", 0, 0)
    ran = _run([*command, "csim"], place)
    places = [m.groupdict() for m in DIFFERENCE.finditer(ran.stderr)]
    first = [{k: v if k == "layer" else int(v) for k, v in m.items()} for m in places]
    if ran.returncode and not first:
        raise TomatoError(f"the simulation ended early: {ran.stderr.strip()[-400:]}", where=str(place))
    differing = sum(map(int, DIFFERING.findall(ran.stderr)))
    summary = {
        "backend": "hls", "bit_exact": ran.returncode == 0, "frames": frames, "frames_asked": frames,
        "mismatches": differing, "first_mismatches": first, "stall": 0.0, "interval_cycles": None,
        "latency_cycles": None, "headers": vendor.name if vendor else "csim", "build_seconds": round(ready - began, 2),
        "wall_seconds": round(time.monotonic() - began, 2),
    }  # fmt: skip
    write_text(place / "simulation.json", json.dumps(summary, indent=2) + "\n")
    return summary


def _run(command: list[str], place: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=place, capture_output=True, text=True, errors="replace", check=False)


def _state(place: Path, vendor: Path | None) -> str:
    """A hash of all that the simulation of the C++ is compiled from."""
    sources = [p for pattern in SOURCES for p in sorted(place.glob(pattern))]
    variables = [os.environ.get(name) for name in ("CXX", "CXXFLAGS")]
    state: str = tool("run").digest([place / "Makefile", *sources], str(vendor), variables)
    return state


def describe(summary: dict[str, Any]) -> list[str]:
    """The outcome in a few lines."""
    lines: list[str] = tool("run").describe(summary)
    return lines


def received(folder: Path, port: Stream) -> Array:
    """The codes that came out of an output in the last simulation: (frames, height, width, channels)."""
    lines = (folder / "sim" / "work" / f"{port.value}.received.hex").read_text().split()
    return unpack([int(line, 16) for line in lines], port)


def unpack(words: list[int], port: Stream) -> Array:
    """Beats of a stream as codes: (frames, height, width, channels), whole frames only."""
    mask = (1 << port.bits) - 1
    lanes = np.array([[word >> lane * port.bits & mask for lane in range(port.lanes)] for word in words], np.int64)
    if port.signed:
        lanes -= (lanes >> (port.bits - 1)) << port.bits
    whole = len(words) // port.frame_beats
    pixels = lanes[: whole * port.frame_beats].reshape(whole, port.shape[0], port.shape[1], port.beats * port.lanes)
    return pixels[..., : port.shape[2]]


def first_difference(
    folder: Path, graph: Graph, plan: Plan, target: Target, frames: int, *, backend: str = "verilog"
) -> Difference | None:
    """After a simulation with probes of `frames` frames: the first stream, in graph order, that differs."""
    netlist = lower(graph, plan, target).netlist
    inputs = json.loads((folder / "sim" / "design.json").read_text())["inputs"]
    codes = {p.value: _stored(folder / v["vectors"], p)[:frames] for p, v in zip(netlist.inputs, inputs, strict=True)}
    values: dict[str, Array] = {}
    stored = len(next(iter(codes.values())))
    played = np.arange(frames) % stored
    if not netlist.lasting:  # frames that are played again have numbers of their own
        codes, played = {name: x[played] for name, x in codes.items()}, np.arange(frames)
    interpret(graph, codes, watch=values.__setitem__)
    units = bind(graph, plan.layers, target)
    for name, unit in units.items():
        if unit.fetches and not isinstance(unit, Member) and unit.fetched:
            values[f"{name}.{WORDS}"] = np.repeat(unit.fetched.codes, frames, axis=0)
    behind = gates(graph) if backend == "verilog" else {}
    place = {value: at for at, value in enumerate(graph.types)}  # a shared engine drives streams of many
    for port in sorted(netlist.streams, key=lambda stream: place.get(stream.value, -1)):
        if port.value not in values:
            continue  # beats of memory
        path = folder / PROBES[backend] / f"{port.name}.hex"
        if backend == "hls" and not path.exists():
            continue  # a queue, which there is the stream in front of it
        got = [int(line, 16) for line in path.read_text().split()]
        gone = [values[bit][played].reshape(frames) != 0 for bit in behind.get(port.value, ())]
        here = np.flatnonzero(~np.any(gone, axis=0)) if gone else np.arange(frames)
        if backend == "verilog" and (bits := number_bits(graph, port.value)):
            here = _arrived(got, port, bits, here, stored if netlist.lasting else 0)
        want = to_beats(values[port.value][played[here]].reshape(-1, *port.shape), port.lanes, port.bits)
        masks = lane_mask(port.shape[2], port.lanes, port.bits)
        for i, (g, w) in enumerate(zip(got, want, strict=False)):
            if (g ^ w) & masks[i % len(masks)]:
                found = _difference(port, i, g, w)
                return replace(found, frame=int(here[found.frame]))
    return None


def _arrived(got: Sequence[int], port: Stream, bits: int, here: Array, sequence: int) -> Array:
    """The frames `here` in the order in which a stream carried them; as they are where it has others, or one twice.

    sequence: frames after which their numbers begin again at 0, or 0.
    """
    count, mask = len(got) // port.frame_beats, (1 << port.bits) - 1
    words = np.array(got[: count * port.frame_beats], dtype=object).reshape(count, -1)
    digits = [words[:, beat] >> bit & mask for beat, bit in number_places(port, bits)]
    numbers = sum((digit << i * port.bits for i, digit in enumerate(digits)), start=np.zeros(count, object))
    about = here[:count]
    first = about // sequence * sequence if sequence else 0
    off = (numbers.astype(np.int64) - (about - first) + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)
    found = about + off
    rest = np.setdiff1d(here, found)
    return np.concatenate([found, rest]) if len(rest) + count == len(here) else here


def _stored(vectors: Path, port: Stream) -> Array:
    """The codes of the frames in a file of vectors, which the testbench plays again and again."""
    return unpack([int(line, 16) for line in vectors.read_text().split()], port)


def _difference(port: Stream, beat: int, got: int, want: int) -> Difference:
    (ours,), (golden,) = ((unpack([word] * port.frame_beats, port)) for word in (got, want))
    pixel, part = divmod(beat % port.frame_beats, port.beats)
    row, column = divmod(pixel, port.shape[1])
    first = part * port.lanes
    channels = slice(first, first + port.lanes)
    lane = int(np.flatnonzero(ours[row, column, channels] != golden[row, column, channels])[0])
    place = row, column, first + lane
    return Difference(port.signal, port.value, beat // port.frame_beats, *place, int(ours[place]), int(golden[place]))
