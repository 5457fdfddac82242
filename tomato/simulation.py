"""Simulate a build folder with the runner that it carries, and find the first layer that goes wrong."""

import importlib.util
import sys
from collections.abc import Callable
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


def first_difference(
    folder: Path, graph: Graph, plan: Plan, target: Target, codes: dict[str, Array]
) -> tuple[Stream, int] | None:
    """After a simulation with probes: the first stream, in graph order, that differs, and its first wrong beat."""
    values: dict[str, Array] = {}
    interpret(graph, codes, watch=values.__setitem__)
    frames = len(next(iter(codes.values())))
    for port in lower(graph, plan, target).netlist.streams:
        path = folder / "sim" / "work" / "probes" / f"{port.name.removeprefix('s_')}.hex"
        got = [int(line, 16) for line in path.read_text().split()]
        kind = values[port.value].reshape(frames, *port.shape)
        masks = lane_mask(port.shape[2], port.lanes, port.bits)
        for i, (g, want) in enumerate(zip(got, beats(kind, port.lanes, port.bits), strict=False)):
            if (g ^ want) & masks[i % len(masks)]:
                return port, i
    return None
