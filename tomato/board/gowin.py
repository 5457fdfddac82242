"""The open flow for Gowin's GW2A: synthesis, placement and routing, bitstream, and what they say of the design."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tomato.board import tools
from tomato.board.flow import OpenFlow, slowest
from tomato.board.pll import RPLL
from tomato.board.serial import Shell
from tomato.board.synthesis import GW2A, script
from tomato.core.errors import TomatoError
from tomato.core.progress import Progress
from tomato.targets import Target

FOLDER = Path("board", "gowin")
SCRIPT, CST = FOLDER / "synth.ys", "pins.cst"
COUNTED = {
    "lut": {"LUT4": 1, "ALU": 1},
    "ff": {"DFF": 1},
    "dsp": {"MULT18X18": 1},
    "bram18": {"BSRAM": 1},
}
"""What nextpnr counts, in the units of the budget. An ALU takes the place of a LUT."""
PART = re.compile(r"GW2A(?P<ram>R?)-LV18\w+C\d/I\d")
DEVICE = "GW2A-18C"
"""The die, as Project Apicula names it."""


def synthesis(made: Shell, sources: Sequence[str]) -> str:
    """The script that synthesises the top of a board, run from the build folder."""
    commands = script(GW2A, made.top, sources, ["rtl", "board/rtl"])
    return "\n".join((*commands, f"write_json {FOLDER / made.top}.json")) + "\n"


def options(target: Target, top: str, mhz: float) -> list[str]:
    """The options of nextpnr, run from the build folder. Raises TomatoError for a part that is no GW2A-18C."""
    if not PART.fullmatch(target.part):
        raise TomatoError(f"{target.part!r} is no part of the GW2A family", hint="a name such as GW2AR-LV18QN88C8/I7")
    files = {"json": f"{top}.json", "write": f"{top}_placed.json", "report": "timing.json"}
    given = [text for name, file in files.items() for text in (f"--{name}", str(FOLDER / file))]
    chip = ["--device", target.part, "--vopt", f"family={DEVICE}", "--vopt", f"cst={FOLDER / CST}"]
    return [*chip, *given, "--freq", f"{mhz:g}", "--timing-allow-fail"]


def build(folder: Path, target: Target, top: str, mhz: float, bitstream: Path, progress: Progress) -> dict[str, Any]:
    """Make the bitstream; returns its placed resources and the clock that its routes allow.

    Raises TomatoError when a tool is missing or fails.
    """
    place, pack = tools.NEXTPNR_GOWIN.command(), tools.GOWIN_PACK.command()
    here = folder / FOLDER
    progress("Synthesis", 0, 0)
    tools.yosys((folder / SCRIPT).read_text().splitlines(), folder, here / "yosys.log")
    progress("Placement and routing", 0, 0)
    tools.run([*place, *options(target, top, mhz)], folder, here / "nextpnr.log", what="nextpnr-himbaechel")
    progress("Bitstream", 0, 0)
    made = ["-d", DEVICE, "-o", str(bitstream), str(FOLDER / f"{top}_placed.json")]
    tools.run([*pack, *made], folder, here / "gowin_pack.log", what="gowin_pack")
    return results(json.loads((here / "timing.json").read_text()))


def results(report: Mapping[str, Any]) -> dict[str, Any]:
    """Resources and the clock in MHz, from the report of nextpnr: the slowest clock counts."""
    used = {kind: cells["used"] for kind, cells in report["utilization"].items()}
    return {"resources": FLOW.placed(used), "clock_mhz": slowest(report["fmax"])}


FLOW = OpenFlow("gowin", RPLL, CST, ".fs", COUNTED, synthesis, options, build)
