"""What takes an accelerator onto a board: shells around it, constraints, and the tools that make a bitstream."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tomato.board import open_flow
from tomato.core.files import write_text
from tomato.hardware.netlist import Netlist
from tomato.targets import Target

FOLDER = "board"
"""Where all of it lies in a build folder."""


def files(netlist: Netlist, target: Target, report: Mapping[str, Any]) -> dict[str, str]:
    """File name, below board/, to text: all that is known to make of a design on its board."""
    return open_flow.files(netlist, target, report)


def write(folder: Path, netlist: Netlist, target: Target, report: Mapping[str, Any]) -> None:
    """Write board/ of a build folder, if there is anything to write."""
    for name, text in files(netlist, target, report).items():
        path = folder / FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
