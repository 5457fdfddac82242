"""The way onto a board: shells around the accelerator, the registers of each, and files for the tools that build it."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tomato.board import registers, shell
from tomato.core.files import write_text
from tomato.hardware.netlist import Netlist

BOARD = "board"
"""Its folder in a build folder."""
REGISTERS = Path(BOARD, "registers.json")
SHELLS = ("axi", "none")
"""What may stand around the accelerator: a master of memory at every stream, or nothing."""


def write(folder: Path, netlist: Netlist, report: Mapping[str, Any], kind: str) -> None:
    """Write a shell of a kind around the design in `folder`, and what a board needs besides."""
    if kind == "none":
        return
    title = f"{report['model']} for {report['target']}"
    made = registers.of(netlist, report["interval_cycles"], build(folder))
    (folder / BOARD / "rtl").mkdir(parents=True)
    for name, text in shell.files(netlist, made, title).items():
        write_text(folder / BOARD / "rtl" / name, text)
    write_text(folder / REGISTERS, json.dumps(made.described(), indent=1) + "\n")


def build(folder: Path) -> int:
    """The number of an accelerator, 32 bits: other Verilog or other weights have another one."""
    state = hashlib.sha256()
    for path in sorted(p for part in ("rtl", "mem") for p in (folder / part).glob("*")):
        data = path.read_bytes()
        state.update(f"{path.name} {len(data)}\n".encode() + data)
    return int.from_bytes(state.digest()[:4], "big")
