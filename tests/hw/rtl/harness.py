"""Simulates one module against golden beats, under random stalls and without, and measures it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import toolchain

from tests.hw.hls import harness as hls
from tests.lock import locked
from tests.networks.cases import make_site, make_unit, random_frames
from tomato.backend.library import sources_with_blocks
from tomato.backend.verilog import hexadecimal, literal
from tomato.backend.verilog import sources as verilog_sources
from tomato.core.assets import asset
from tomato.core.formats import Array
from tomato.core.ir import Op, TensorType
from tomato.engines import CATALOGUE
from tomato.engines.base import AnyUnit, Knobs
from tomato.hardware.memory import LOAD_BITS
from tomato.hardware.netlist import Memory, lane_mask, load_beats, to_beats

ROOT = Path(__file__).parents[3]
PAIR = 2
"""Frames over which an interval is measured."""
PATIENCE = 20_000
"""Cycles without any transfer after which a run has failed."""
WARM_UP = 4
"""Cycles between the reset and cycle 0, in which the first beat is offered unless it is stalled."""


@dataclass(frozen=True, slots=True)
class Port:
    """The beats of one stream, each `width` bits, compared under `masks`, which repeat.

    number: where a frame says its number, if frames come in any order, as in a build's design.json.
    """

    width: int
    beats: list[int]
    masks: list[int] = field(default_factory=list)
    number: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Stall:
    """How often an input has no beat and an output takes none."""

    source: float
    sink: float


@dataclass(frozen=True, slots=True)
class Load:
    """The beats, each `width` bits, that fill a memory which starts empty."""

    width: int
    beats: list[int]


FREE = Stall(0.0, 0.0)
STALLS = (FREE, Stall(0.3, 0.7), Stall(0.7, 0.3), Stall(0.5, 0.5))
"""The first run is never stalled: the others are not measured."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run that nothing stalled: cycles between the ends of frames, and of the first frame.

    `interval` is the mean of the last two, rounded up: engines that keep two frames may give them in pairs. It is 0 if
    there is one frame only. `latency` counts from the cycle in which the first beat is offered to the last beat of the
    first frame out.
    """

    interval: int
    latency: int


def run(
    module: str,
    params: Mapping[str, int],
    inputs: Sequence[Port],
    outputs: Sequence[Port],
    *,
    memories: Mapping[str, Memory] | None = None,
    load: Load | None = None,
    frames: int = 1,
    stalls: Sequence[Stall] = STALLS,
    seed: int = 1,
    sources: Sequence[Path] = (),
) -> Measured:
    """Play `frames` frames, all in the beats of the ports, through a module once per stall pattern.

    The first pattern is measured, at the slowest output. Fails when a beat is wrong, missing or too many. `sources` has
    the module where it is none of ours.
    """
    files = memories or {}
    values: dict[str, int | str] = {**params, **{name: f"{name}.hex" for name in files}}
    job = {
        "pins": "packed",
        "runs": [{"source": s.source, "sink": s.sink, "seed": seed + i} for i, s in enumerate(stalls)],
        "received": False,
        "restarts": [],
        "warm_up": WARM_UP,
        "patience": PATIENCE,
    }
    found = sources or list(verilog_sources([module]).values())
    results = _simulate(module, found, values, files, job, inputs, outputs, load, frames)
    for stall, result in zip(stalls, results, strict=True):
        assert result["finished"], f"stuck, or a beat too many: {result} ({stall})"
        assert not any(o["mismatches"] for o in result["outputs"]), f"{result['outputs']} ({stall})"
    ends = [o["ends"] for o in results[0]["outputs"]]
    last = min(frames - 1, PAIR)
    interval = max(-(-(e[-1] - e[-1 - last]) // last) for e in ends) if last else 0
    return Measured(interval, max(e[0] for e in ends))


def check_engine(
    stem: str, op: Op, args: Sequence[TensorType], knobs: Knobs, *, frames: int = 4, seed: int = 1
) -> None:
    """An engine's Verilog and its HLS C++ compute what the operator means, both on the same random frames."""
    assert CATALOGUE[stem].refuses(make_site(op, args)) == ""
    wrong = []
    for twin, check in (("RTL", check_rtl), ("HLS", hls.check_engine)):
        try:
            check(stem, op, args, knobs, frames=frames, seed=seed)
        except (AssertionError, toolchain.ToolError) as reason:
            wrong.append(f"{twin}: {reason}")
    assert not wrong, "\n".join(wrong)


def check_rtl(
    stem: str, op: Op, args: Sequence[TensorType], knobs: Knobs, *,
    frames: int = 4, seed: int = 1, vendor: str = "", changed: Mapping[str, int] | None = None,
) -> None:  # fmt: skip
    """An engine's Verilog computes what the operator means, as fast as it says, whoever stalls.

    `vendor`: whose blocks stand in for modules, see hw/rtl/vendor. `changed`: parameters of the module that are not
    those of the engine.
    """
    unit, netlist = make_unit(stem, op, args, knobs), hls.one_engine(stem, op, args, knobs)
    (part,) = netlist.instances
    in_lanes, out_lanes = unit.lanes
    values, golden = random_frames(op, args, frames, seed)
    inputs = [port(v, kind, lanes) for v, kind, lanes in zip(values, unit.views, in_lanes, strict=True)]
    if fetched := unit.fetched:
        words = np.repeat(fetched.codes, frames, axis=0)
        inputs.append(port(words, fetched.stream, fetched.stream.channels))
    measured = run(
        part.module,
        {**unit.params, **(changed or {})},
        inputs,
        [port(golden, unit.out, out_lanes)],
        memories=part.memories,
        load=Load(LOAD_BITS, list(load_beats([part], LOAD_BITS))) if part.loaded else None,
        frames=frames,
        seed=seed,
        sources=list(sources_with_blocks(vendor, [part.module]).values()),
    )
    predicted = Measured(unit.cycles if frames > 1 else 0, predicted_latency(unit))
    if measured.latency < predicted.latency and unit.timing.later is not None:
        measured = replace(measured, latency=predicted.latency)  # some wait for less than all of a tile
    if not unit.exact:
        measured = Measured(max(measured.interval, predicted.interval), max(measured.latency, predicted.latency))
    assert measured == predicted, f"measured {measured}, predicted {predicted}"


def predicted_latency(unit: AnyUnit) -> int:
    """Cycle of the frame's last beat out by `Unit.timing`, when beat i of every input could come in cycle i.

    Of a unit that may be faster than it says, when they come as evenly as it says.
    """
    timing = unit.timing
    in_lanes, _ = unit.lanes
    pixels = np.arange(unit.out.pixels)
    ready = np.zeros(unit.out.pixels, dtype=np.int64)
    for need, kind, lanes in zip(timing.need, unit.views, in_lanes, strict=True):
        beats = -(-kind.channels // lanes)
        gap = beats if unit.exact else unit.cycles / kind.pixels
        ready = np.maximum(ready, np.ceil((need + 1) * gap).astype(np.int64) - 1)
    started = np.maximum.accumulate(ready - pixels * timing.pixel_cycles) + pixels * timing.pixel_cycles
    return int(started[-1]) + timing.latency + (0 if timing.later is None else int(timing.later[-1]))


def port(values: Array, kind: TensorType, lanes: int) -> Port:
    """Frames of codes as the beats of one stream."""
    bits = kind.codes.bits
    values = values.reshape(-1, *kind.shape)
    return Port(lanes * bits, to_beats(values, lanes, bits), lane_mask(kind.channels, lanes, bits))


def _simulate(
    module: str,
    sources: Sequence[Path],
    params: Mapping[str, int | str],
    memories: Mapping[str, Memory],
    job: dict[str, Any],
    inputs: Sequence[Port],
    outputs: Sequence[Port],
    load: Load | None,
    frames: int,
) -> list[dict[str, Any]]:
    """The results of the job's runs, see sim/testbench.py."""
    key = hashlib.sha256(repr(sorted(params.items())).encode())
    for path in [*sources, *sorted(asset("hw", "include").iterdir()), asset("sim", "toolchain.py")]:
        key.update(path.read_bytes())
    work = ROOT / "build" / "rtl" / f"{module}_{key.hexdigest()[:12]}"
    parameters = {name: literal(value) for name, value in params.items()}
    build = toolchain.Build(module, sources, [asset("hw", "include")], work, parameters, checked=True, quick=True)
    with locked(work):
        if not (work / "built").exists():
            toolchain.build(build)
            (work / "built").touch()
    with TemporaryDirectory(dir=work) as folder:
        here = Path(folder)
        for name, memory in memories.items():
            (here / f"{name}.hex").write_text(hexadecimal(memory))
        job |= {side: _ports(here, side, ports, frames) for side, ports in (("inputs", inputs), ("outputs", outputs))}
        job["loader"] = {"width": load.width, "beats": _written(here / "load", load.beats)} if load else None
        job |= {"progress": str(here / "progress"), "result": str(here / "result.json")}
        (here / "job.json").write_text(json.dumps(job))
        with toolchain.importable(asset("sim")):
            toolchain.play(build, "testbench", here, {"TOM_JOB": str(here / "job.json")}, logs=here)
        results: list[dict[str, Any]] = json.loads((here / "result.json").read_text())
    return results


def _ports(folder: Path, side: str, ports: Sequence[Port], frames: int) -> list[dict[str, Any]]:
    """The streams of one side, as the testbench is told of them."""
    return [
        {
            "name": f"{side}{i}",
            "width": p.width,
            "beats": _written(folder / f"{side}{i}", p.beats),
            "masks": [f"{m:x}" for m in p.masks or [(1 << p.width) - 1]],
            "frame_beats": max(1, len(p.beats) // frames),
            "number": p.number,
        }
        for i, p in enumerate(ports)
    ]


def _written(path: Path, beats: Sequence[int]) -> str:
    path.write_text("".join(f"{b:x}\n" for b in beats))
    return str(path)
