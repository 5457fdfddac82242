"""What synthesis made of an accelerator, cell by cell, against the golden vectors: simulated in Verilator."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from tomato import targets
from tomato.board import tools
from tomato.board.synthesis import ECP5, Flow, core
from tomato.build.folder import TARGET
from tomato.build.simulation import simulate
from tomato.core.assets import asset
from tomato.core.errors import TomatoError
from tomato.core.files import reading, write_text
from tomato.core.progress import Progress, silent

FOLDER = Path("sim", "gates")
NETLIST = "netlist.v"
PROBE = "tom_probe.sv"


@dataclass(frozen=True, slots=True)
class Cells:
    """A family's synthesis, and the models of its cells: files of Yosys' own, below its share, and ours in sim/gates.

    `included`: files that those of Yosys include.
    """

    flow: Flow
    yosys: tuple[str, ...]
    included: tuple[str, ...]
    ours: tuple[str, ...]


FAMILIES: Mapping[str, Cells] = {
    "ecp5": Cells(
        ECP5,
        yosys=("lattice/common_sim.vh", "lattice/ccu2c_sim.vh"),
        included=("lattice/cells_ff.vh", "lattice/cells_io.vh"),
        ours=("DP16KD.sv", "MULT18X18D.sv"),
    ),
}


def check(folder: Path, *, frames: int = 2, progress: Progress = silent) -> dict[str, Any]:
    """Synthesise the accelerator of a build folder and play frames through the cells; returns the simulation's outcome.

    Raises TomatoError for a family without models, or when a tool is missing or fails.
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
    sources = [f"rtl/{name}" for name in design["sources"] if name != PROBE]
    progress("Synthesis", 0, 0)
    netlist = FOLDER / "rtl" / NETLIST
    tools.yosys(core(cells.flow, design["top"], sources, str(netlist)), folder, here / "yosys.log")
    models = _models(cells, here / "rtl")
    (here / "sim").mkdir(exist_ok=True)
    for side in ("inputs", "outputs"):
        for port in design[side]:
            port["vectors"] = str(Path("..", "..", port["vectors"]))
    if design["loader"]:
        design["loader"]["vectors"] = str(Path("..", "..", design["loader"]["vectors"]))
    write_text(here / "sim" / "design.json", json.dumps({**design, "sources": [*models, NETLIST]}) + "\n")
    return simulate(here, frames=frames, progress=progress)


def _models(cells: Cells, place: Path) -> list[str]:
    """Copy the models of cells to a folder; returns their names."""
    share, names = files("pyosys").joinpath("share"), []
    for file in cells.included:
        write_text(place / Path(file).name, share.joinpath(file).read_text())
    for file in cells.yosys:
        names.append(f"yosys_{Path(file).stem}.v")
        write_text(place / names[-1], share.joinpath(file).read_text())
    for file in cells.ours:
        names.append(file)
        shutil.copyfile(asset("sim", "gates", file), place / file)
    return names
