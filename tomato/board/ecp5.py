"""The open flow for the ECP5: synthesis, placement and routing, bitstream, and what they say of the design."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tomato.board import boards, tools
from tomato.board.blocks import with_registers
from tomato.board.flipflops import pins, shown
from tomato.board.flow import OpenFlow, slowest
from tomato.board.pll import EHXPLLL
from tomato.board.serial import Shell
from tomato.board.synthesis import ECP5, script
from tomato.core.files import write_text
from tomato.core.progress import Progress
from tomato.targets import Target

FOLDER = Path("board", "ecp5")
SCRIPT, LPF = FOLDER / "synth.ys", "pins.lpf"
COUNTED = {
    "lut": {"TRELLIS_COMB": 1},
    "ff": {"TRELLIS_FF": 1},
    "dsp": {"MULT18X18D": 1},
    "bram18": {"DP16KD": 1, "PDPW16KD": 1},
}
"""What nextpnr counts, in the units of the budget. TRELLIS_COMB has the LUTs of a distributed memory's write side."""

CHAIN, CARRY = "CCU2C", "COUT"
"""The cell of a carry chain, and where its carry leaves."""
UNCONNECTED = "x"
"""A bit of a port that no wire is on, as Yosys writes it."""


def synthesis(made: Shell, sources: Sequence[str]) -> str:
    """The script that synthesises the top of a board, run from the build folder."""
    commands = script(ECP5, made.top, sources, ["rtl", "board/rtl"])
    netlist = FOLDER / f"{made.top}.json"
    return "\n".join((*commands, f"write_json {netlist}")) + "\n"


def options(target: Target, top: str, mhz: float) -> list[str]:
    """The options of nextpnr-ecp5, run from the build folder."""
    files = {"json": f"{top}.json", "lpf": LPF, "textcfg": f"{top}.config", "report": "timing.json"}
    given = [text for name, file in files.items() for text in (f"--{name}", str(FOLDER / file))]
    return [*boards.device(target.part), *given, "--freq", f"{mhz:g}", "--timing-allow-fail"]


def build(folder: Path, target: Target, top: str, mhz: float, bitstream: Path, progress: Progress) -> dict[str, Any]:
    """Make the bitstream; returns its placed resources and the clock that its routes allow.

    Raises TomatoError when a tool is missing or fails.
    """
    place, pack = tools.NEXTPNR.command(), tools.ECPPACK.command()
    here = folder / FOLDER
    progress("Synthesis", 0, 0)
    tools.yosys((folder / SCRIPT).read_text().splitlines(), folder, here / "yosys.log")
    netlist = here / f"{top}.json"
    write_text(netlist, json.dumps(prepared(json.loads(netlist.read_text()))))
    progress("Placement and routing", 0, 0)
    tools.run([*place, *options(target, top, mhz)], folder, here / "nextpnr.log", what="nextpnr-ecp5")
    progress("Bitstream", 0, 0)
    config = str(FOLDER / f"{top}.config")
    tools.run([*pack, "--compress", config, str(bitstream)], folder, here / "ecppack.log", what="ecppack")
    return results(json.loads((here / "timing.json").read_text()))


def prepared(netlist: dict[str, Any]) -> dict[str, Any]:
    """The netlist of Yosys as nextpnr is to place it."""
    return with_registers(without_idle_carries(netlist))


def without_idle_carries(netlist: dict[str, Any]) -> dict[str, Any]:
    """The netlist, in which no carry leaves a chain that nothing reads: nextpnr would lead it out through two LUTs."""
    for module in netlist["modules"].values():
        cells = module["cells"].values()
        read = shown(module) | {bit for bit, _, _ in pins(cells, leaving=False)}
        for cell in cells:
            if cell["type"] == CHAIN and not read.intersection(cell["connections"].get(CARRY, ())):
                cell["connections"][CARRY] = [UNCONNECTED]
    return netlist


def results(report: Mapping[str, Any]) -> dict[str, Any]:
    """Resources and the clock in MHz, from the report of nextpnr: the slowest clock counts."""
    used = {kind: cells["used"] for kind, cells in report["utilization"].items()}
    return {"resources": FLOW.placed(used), "clock_mhz": slowest(report["fmax"])}


FLOW = OpenFlow("ecp5", EHXPLLL, LPF, ".bit", COUNTED, synthesis, options, build)
