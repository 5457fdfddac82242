"""Simulates one module against golden beats, under random stalls and without, and measures it."""

import hashlib
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import toolchain

from tests.cases import make_site, make_unit, random_frames
from tests.hls import harness as hls
from tests.lock import locked
from tests.rtl.play import Job, Load, Port, Stall, Times
from tomato.backend.verilog import hexadecimal, literal
from tomato.backend.verilog import sources as verilog_sources
from tomato.core.assets import asset
from tomato.core.formats import Array
from tomato.core.ir import Op, TensorType
from tomato.engines import CATALOGUE
from tomato.engines.base import AnyUnit, Knobs
from tomato.hardware.memory import LOAD_BITS
from tomato.hardware.netlist import Memory, beats, lane_mask, load_beats

ROOT = Path(__file__).parents[2]
FREE = Stall(0.0, 0.0)
STALLS = (FREE, Stall(0.3, 0.7), Stall(0.7, 0.3), Stall(0.5, 0.5))
"""The first run is never stalled: the others are not measured."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run that nothing stalled: cycles between the ends of the last two frames, and of the first frame.

    `latency` counts from the cycle in which the first beat is offered to the last beat of the first frame out.
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
) -> Measured:
    """Play `frames` frames, all in the beats of the ports, through a module once per stall pattern.

    The first pattern is measured, at the slowest output. Fails when a beat is wrong, missing or too many.
    """
    files = memories or {}
    values: dict[str, int | str] = {**params, **{name: f"{name}.hex" for name in files}}
    times = _simulate(module, values, files, Job(list(inputs), list(outputs), list(stalls), seed, load))[0]
    ends = [[t[len(t) * (f + 1) // frames - 1] for f in range(frames)] for t in times.outputs]
    interval = max(e[-1] - e[-2] for e in ends) if frames > 1 else 0
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


def check_rtl(stem: str, op: Op, args: Sequence[TensorType], knobs: Knobs, *, frames: int = 4, seed: int = 1) -> None:
    """An engine's Verilog computes what the operator means, as fast as it says, whoever stalls."""
    unit, netlist = make_unit(stem, op, args, knobs), hls.one_engine(stem, op, args, knobs)
    (part,) = netlist.instances
    in_lanes, out_lanes = unit.lanes
    values, golden = random_frames(op, args, frames, seed)
    measured = run(
        part.module,
        unit.params,
        [port(v, kind, lanes) for v, kind, lanes in zip(values, unit.views, in_lanes, strict=True)],
        [port(golden, unit.out, out_lanes)],
        memories=part.memories,
        load=Load(LOAD_BITS, list(load_beats([part], LOAD_BITS))) if part.loaded else None,
        frames=frames,
        seed=seed,
    )
    predicted = Measured(unit.cycles, predicted_latency(unit))
    assert measured == predicted, f"measured {measured}, predicted {predicted}"


def predicted_latency(unit: AnyUnit) -> int:
    """Cycle of the frame's last beat out by `Unit.timing`, when beat i of every input could come in cycle i."""
    timing = unit.timing
    in_lanes, _ = unit.lanes
    pixels = np.arange(unit.out.pixels)
    ready = np.zeros(unit.out.pixels, dtype=np.int64)
    for need, kind, lanes in zip(timing.need, unit.views, in_lanes, strict=True):
        ready = np.maximum(ready, (need + 1) * -(-kind.channels // lanes) - 1)
    started = np.maximum.accumulate(ready - pixels * timing.cycles) + pixels * timing.cycles
    return int(started[-1]) + timing.latency


def port(values: Array, kind: TensorType, lanes: int) -> Port:
    """Frames of codes as the beats of one stream."""
    bits = kind.codes.bits
    values = values.reshape(-1, *kind.shape)
    return Port(lanes * bits, beats(values, lanes, bits), lane_mask(kind.channels, lanes, bits))


def _simulate(module: str, params: Mapping[str, int | str], memories: Mapping[str, Memory], job: Job) -> list[Times]:
    sources = list(verilog_sources([module]).values())
    key = hashlib.sha256(repr(sorted(params.items())).encode())
    for path in [*sources, *sorted(asset("hw", "include").iterdir()), asset("sim", "toolchain.py")]:
        key.update(path.read_bytes())
    work = ROOT / "build" / "rtl" / f"{module}_{key.hexdigest()[:12]}"
    parameters = {name: literal(value) for name, value in params.items()}
    build = toolchain.Build(module, sources, [asset("hw", "include")], work, parameters, checked=True)
    with locked(work):
        if not (work / "built").exists():
            toolchain.build(build)
            (work / "built").touch()
    with TemporaryDirectory(dir=work) as folder:
        here = Path(folder)
        for name, memory in memories.items():
            (here / f"{name}.hex").write_text(hexadecimal(memory))
        (here / "job").write_bytes(pickle.dumps(job))
        extra = {"TOM_JOB": str(here / "job"), "TOM_TIMES": str(here / "times")}
        toolchain.play(build, "tests.rtl.play", here, extra, logs=here)
        times: list[Times] = pickle.loads((here / "times").read_bytes())
    return times
