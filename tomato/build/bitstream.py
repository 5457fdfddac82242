"""From a build folder to a file that a board loads: with open tools here, or with a vendor's where they are."""

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tomato import targets
from tomato.board import FOLDER, boards, tools
from tomato.board.open_flow import FLOWS, SERIAL
from tomato.build.folder import TARGET
from tomato.core.errors import TomatoError
from tomato.core.files import reading, write_text
from tomato.core.progress import Progress, silent
from tomato.targets import Target

RESULT = "build.json"
VENDOR = {"vitis": "v++", "vivado": "vivado", "quartus": "quartus_sh"}
"""The vendors' flows: a folder below board/ with a Makefile, and the tool that it needs."""
PLACED = ("lut", "ff", "dsp", "bram18")
"""The resources that placers count."""
DAMAGED = "the build folder is damaged"


def build(folder: Path, progress: Progress = silent) -> dict[str, Any]:
    """Make what the board of a build folder loads; returns what build.json then says.

    Raises TomatoError where nothing is known of the board, where a tool is missing, or when one fails.
    """
    began = time.monotonic()
    with reading(DAMAGED, where=folder, hint="compile the model again"):
        report = json.loads((folder / "report.json").read_text())
        target = targets.restore(json.loads((folder / TARGET).read_text()), str(folder / TARGET))
    for vendor, tool in VENDOR.items():
        if (folder / FOLDER / vendor / "Makefile").exists():
            return _vendor(folder, vendor, tool)
    shell = _shell(folder, target)
    flow = FLOWS[target.family]
    bitstream = flow.folder / f"{shell['name']}{flow.suffix}"
    placed = flow.build(folder, target, shell["top"], shell["clock_mhz"], bitstream, progress)
    result = {
        "target": target.name,
        "flow": "open",
        "bitstream": str(bitstream),
        "build": shell["build"],
        "clock_mhz": {"asked": shell["clock_mhz"], "reached": placed["clock_mhz"]},
        "predicted": predicted(report, shell),
        "placed": placed["resources"],
        "chip": {kind: n for kind, n in report["chip"].items() if kind in placed["resources"]},
        "seconds": round(time.monotonic() - began, 1),
    }
    write_text(folder / RESULT, json.dumps(result, indent=1) + "\n")
    return result


def _shell(folder: Path, target: Target) -> dict[str, Any]:
    path = folder / FOLDER / SERIAL
    if not path.exists():
        raise TomatoError(
            f"nothing is known of the pins of {target.name}", where=str(folder),
            hint=f"boards for which a bitstream can be made here: {', '.join(boards.names())}",
        )  # fmt: skip
    with reading(DAMAGED, where=path, hint="compile the model again"):
        found: dict[str, Any] = json.loads(path.read_text())
    if "refused" in found:
        raise TomatoError(found["refused"], where=str(folder), hint=found["hint"])
    return found


def predicted(report: Mapping[str, Any], shell: Mapping[str, Any]) -> dict[str, int]:
    """Resources of the design by its model, and those of the shell."""
    return {kind: report["resources"][kind] + shell["resources"][kind] for kind in PLACED}


def _vendor(folder: Path, flow: str, tool: str) -> dict[str, Any]:
    """Run a vendor's flow. Raises TomatoError, which says what to run where, if its tool is not here."""
    place = folder / FOLDER / flow
    if shutil.which(tool) is None:
        raise TomatoError(
            f"{tool} is not on this machine, and no other tool makes a file for this board",
            where=str(place),
            hint=f"copy the build folder to a machine that has {tool}, and there: make -C {FOLDER}/{flow}",
        )
    tools.run(["make"], place, place / "make.log", what=tool)
    result = {"flow": flow, "folder": str(place.relative_to(folder))}
    write_text(folder / RESULT, json.dumps(result, indent=1) + "\n")
    return result
