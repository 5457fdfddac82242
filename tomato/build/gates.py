"""What synthesis made of an accelerator, cell by cell, against the golden vectors: simulated in Verilator."""

import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tomato import targets
from tomato.backend.verilog import WATCHERS
from tomato.board import tools
from tomato.board.blocks import with_registers
from tomato.board.synthesis import ECP5, GATES, SERIES7, ULTRASCALE_PLUS, Flow, core, simulated
from tomato.build.folder import TARGET
from tomato.build.simulation import simulate
from tomato.core.assets import asset
from tomato.core.errors import TomatoError
from tomato.core.files import reading, write_text
from tomato.core.progress import Progress, silent
from tomato.hardware.memory import LOAD_BITS

FOLDER = Path("sim", "gates")
NETLIST, CELLS = "netlist.v", "cells.json"
NO_CELL = "$scopeinfo"
"""What Yosys keeps beside the cells, for names."""


@dataclass(frozen=True, slots=True)
class Cells:
    """A family's synthesis, and models of its cells: files of Yosys' own, below its share, and ours in sim/gates.

    `ours` are named after their cells, `parts` are modules that they have in common. `prepared` packs what Yosys wrote
    as it will be placed.
    """

    flow: Flow
    prepared: Callable[[dict[str, Any]], dict[str, Any]]
    yosys: tuple[str, ...]
    ours: tuple[str, ...]
    parts: tuple[str, ...] = ()

    @property
    def models(self) -> list[str]:
        """The files of ours."""
        return [f"{module}.sv" for module in (*self.parts, *self.ours)]

    def simulated(self, top: str, cells: str, netlist: str) -> list[str]:
        """Commands for Yosys that write cells, read as JSON, in Verilog for the models."""
        return simulated(self.flow, top, self.yosys, self.ours, cells, netlist)


def _amd(flow: Flow, *blocks: str) -> Cells:
    """A family of AMD, by its blocks; Yosys itself packs those."""
    return Cells(flow, lambda netlist: netlist, ("xilinx/cells_sim.v",), blocks, ("tom_cell_ramb", "tom_cell_dsp48"))


FAMILIES: Mapping[str, Cells] = {
    "ecp5": Cells(ECP5, with_registers, ("lattice/common_sim.vh", "lattice/ccu2c_sim.vh"), ("DP16KD", "MULT18X18D")),
    "series7": _amd(SERIES7, "RAMB18E1", "RAMB36E1", "DSP48E1"),
    "ultrascale_plus": _amd(ULTRASCALE_PLUS, "RAMB18E2", "RAMB36E2", "URAM288", "DSP48E2"),
}


def check(folder: Path, *, frames: int = 2, progress: Progress = silent) -> dict[str, Any]:
    """Synthesise the accelerator of a build folder and play frames through the cells; returns the simulation's outcome.

    With it `cells`, how many there are of each kind, most first, and `synthesis_seconds`. Raises TomatoError for a
    family without models, or when a tool is missing or fails.
    """
    with reading("the build folder is damaged", where=folder, hint="compile the model again"):
        design = json.loads((folder / "sim" / "design.json").read_text())
        target = targets.restore(json.loads((folder / TARGET).read_text()), str(folder / TARGET))
    cells = FAMILIES.get(target.family)
    if cells is None:
        raise TomatoError(
            f"the cells of {target.family} have no models here", where=str(folder),
            hint=f"a netlist can be checked for boards of {', '.join(FAMILIES)}",
        )  # fmt: skip
    here = folder / FOLDER
    (here / "rtl").mkdir(parents=True, exist_ok=True)
    sources = [f"rtl/{name}" for name in design["sources"] if name not in WATCHERS]
    progress("Synthesis", 0, 0)
    began = time.monotonic()
    written, netlist = FOLDER / CELLS, FOLDER / "rtl" / NETLIST
    tools.yosys(core(cells.flow, design["top"], sources, str(written)), folder, here / "yosys.log")
    synthesised = round(time.monotonic() - began, 1)
    placed = cells.prepared(json.loads((folder / written).read_text()))
    write_text(folder / written, json.dumps(placed))
    tools.yosys(cells.simulated(design["top"], str(written), str(netlist)), folder, here / "cells.log")
    for file in cells.models:
        shutil.copyfile(asset("sim", "gates", file), here / "rtl" / file)
    write_text(here / "rtl" / f"{design['top']}.sv", wrapper(design))
    (here / "sim").mkdir(exist_ok=True)
    for side in ("inputs", "outputs"):
        for port in design[side]:
            port["vectors"] = str(Path("..", "..", port["vectors"]))
    if design["loader"]:
        design["loader"]["vectors"] = str(Path("..", "..", design["loader"]["vectors"]))
    write_text(
        here / "sim" / "design.json",
        json.dumps({**design, "quick": True, "sources": [*cells.models, NETLIST, f"{design['top']}.sv"]}) + "\n",
    )
    found = {"cells": counted(placed, design["top"]), "synthesis_seconds": synthesised}
    return simulate(here, frames=frames, progress=progress) | found


def counted(netlist: Mapping[str, Any], top: str) -> dict[str, int]:
    """How many cells of each kind a netlist of Yosys has, most first."""
    kinds = Counter(cell["type"] for cell in netlist["modules"][top]["cells"].values() if cell["type"] != NO_CELL)
    return dict(kinds.most_common())


def wrapper(design: Mapping[str, Any]) -> str:
    """A top around the netlist: signals of the top stay visible to the testbench, which those of the cells need not."""
    ports = ["input wire aclk", "input wire aresetn", "output wire frame_error"]
    ports += ["input wire aclk2x"] if design.get("doubled") else []
    streams = [("s_axis", "input", "output", port) for port in design["inputs"]]
    streams += [("m_axis", "output", "input", port) for port in design["outputs"]]
    if design["loader"]:
        streams.append(("s_axis", "input", "output", {"name": "weights", "width": LOAD_BITS, "last": False}))
    for side, way, back, port in streams:
        name = f"{side}_{port['name']}"
        ports += [f"{way} wire {name}_tvalid", f"{back} wire {name}_tready"]
        ports.append(f"{way} wire [{port['width'] - 1}:0] {name}_tdata")
        ports += [f"{way} wire {name}_tlast"] if port.get("last", True) else []
    pins = [port.split()[-1] for port in ports]
    return (
        f"module {design['top']} (\n  " + ",\n  ".join(ports) + "\n);\n"
        f"  {GATES} u_gates (\n    " + ",\n    ".join(f".{pin}({pin})" for pin in pins) + "\n  );\nendmodule\n"
    )
