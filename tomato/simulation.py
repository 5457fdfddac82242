"""Simulate a build folder with the runner that it carries, and find the first layer that goes wrong."""

import importlib.util
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tomato.assets import asset
from tomato.errors import TomatoError
from tomato.formats import Array
from tomato.interpret import interpret
from tomato.ir import Graph
from tomato.lower import lower
from tomato.netlist import Stream, beats, lane_mask
from tomato.schedule.plan import Plan
from tomato.targets import Target

Progress = Callable[[str, int, int], None]


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


def _runner() -> ModuleType:
    """sim/run.py as a module: the very file that stands in every build folder."""
    spec = importlib.util.spec_from_file_location("tomato_sim_run", asset("sim", "run.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def simulate(
    folder: Path,
    *,
    frames: int = 4,
    stall: float = 0.0,
    seed: int = 1,
    waves: bool = False,
    checked: bool = False,
    probe: bool = False,
    progress: Progress = lambda *_: None,
) -> dict[str, Any]:
    """Play `frames` frames through the RTL in `folder` and return what simulation.json says.

    Raises TomatoError when a tool is missing or fails.
    """
    runner = _runner()
    options = runner.Options(frames=frames, stall=stall, seed=seed, waves=waves, checked=checked, probe=probe)
    try:
        summary: dict[str, Any] = runner.simulate(folder, options, progress)
    except runner.toolchain.ToolError as reason:
        raise TomatoError(str(reason), where=str(folder)) from reason
    return summary


def describe(summary: dict[str, Any]) -> list[str]:
    """The outcome in a few lines."""
    lines: list[str] = _runner().describe(summary)
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
    whole = len(words) // port.cycles
    pixels = lanes[: whole * port.cycles].reshape(whole, port.shape[0], port.shape[1], port.beats * port.lanes)
    return pixels[..., : port.shape[2]]


def first_difference(folder: Path, graph: Graph, plan: Plan, target: Target, frames: int) -> Difference | None:
    """After a simulation with probes of `frames` frames: the first stream, in graph order, that differs."""
    netlist = lower(graph, plan, target).netlist
    inputs = json.loads((folder / "sim" / "design.json").read_text())["inputs"]
    codes = {p.value: _played(folder / v["vectors"], p, frames) for p, v in zip(netlist.inputs, inputs, strict=True)}
    values: dict[str, Array] = {}
    interpret(graph, codes, watch=values.__setitem__)
    for port in netlist.streams:
        path = folder / "sim" / "work" / "probes" / f"{port.name.removeprefix('s_')}.hex"
        got = [int(line, 16) for line in path.read_text().split()]
        want = beats(values[port.value].reshape(frames, *port.shape), port.lanes, port.bits)
        masks = lane_mask(port.shape[2], port.lanes, port.bits)
        for i, (g, w) in enumerate(zip(got, want, strict=False)):
            if (g ^ w) & masks[i % len(masks)]:
                return _difference(port, i, g, w)
    return None


def _played(vectors: Path, port: Stream, frames: int) -> Array:
    """The codes of the frames that the testbench played: those of a file of vectors, repeated."""
    stored = unpack([int(line, 16) for line in vectors.read_text().split()], port)
    return stored[np.arange(frames) % len(stored)]


def _difference(port: Stream, beat: int, got: int, want: int) -> Difference:
    (ours,), (golden,) = ((unpack([word] * port.cycles, port)) for word in (got, want))
    pixel, part = divmod(beat % port.cycles, port.beats)
    row, column = divmod(pixel, port.shape[1])
    first = part * port.lanes
    channels = slice(first, first + port.lanes)
    lane = int(np.flatnonzero(ours[row, column, channels] != golden[row, column, channels])[0])
    place = row, column, first + lane
    return Difference(port.name, port.value, beat // port.cycles, *place, int(ours[place]), int(golden[place]))
