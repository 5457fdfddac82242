"""The way onto a board: shells around the accelerator, the registers of each, and files for the tools that build it."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tomato.backend.constraints import assignments
from tomato.board import open_flow, platforms, registers, serial, shell, vendors
from tomato.board.number import number
from tomato.core.files import write_text
from tomato.lower import Lowered
from tomato.schedule.border import NOTHING, Around, Border
from tomato.targets import Resources, Target

FOLDER = "board"
"""Where all of it lies in a build folder."""
REGISTERS = Path(FOLDER, "registers.json")
SHELLS = ("axi", "none")
"""What may stand around the accelerator: masters of memory (and, on boards with one, a serial line), or nothing."""


def around(kind: str, target: Target) -> Around:
    """The shell that a board's design is built with, of the kind asked for: "axi", "serial" or "none".

    A serial shell that finds no room is left out, and the build folder says so.
    """

    def axi(design: Border) -> Resources:
        return shell.cost(registers.masters(design), target)

    def line(design: Border) -> Resources:
        return serial.cost_of(map(serial.port_of, (*design.inputs, *design.outputs)), target)

    if kind == "none":
        return NOTHING
    return Around("serial", line, needed=False) if open_flow.line(target) else Around("axi", axi)


def doubles(kind: str, target: Target) -> bool:
    """Whether a shell of that kind has a second clock, of twice the rate: scripts for Zynq make both in one MMCM."""
    return kind == "none" or target.name in platforms.ZYNQ


def write(folder: Path, lowered: Lowered, target: Target, report: Mapping[str, Any], kind: str) -> None:
    """Write board/ of a build folder, which holds the accelerator already: shells, and what the board's tools need."""
    if kind == "none":
        return
    for name, text in files(folder, lowered, target, report).items():
        path = folder / FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)


def files(folder: Path, lowered: Lowered, target: Target, report: Mapping[str, Any]) -> dict[str, str]:
    """File name, below board/, to text: the AXI shell; the serial one where the board has a line; scripts."""
    title = f"{report['model']} for {report['target']}"
    netlist = lowered.netlist
    made = registers.of(netlist, report["interval_cycles"], number(netlist, target), lowered.reader,
                        tuple(lowered.routes.spilled.values()))  # fmt: skip
    around = shell.files(netlist, made, title)
    read = _read(folder, around)
    names = [p["onnx"] for p in (report["ports"] or {}).get("inputs", [])]
    seen = vendors.look(
        shell.look(netlist, made, title), target, report["clock_mhz"], read, names, assignments(netlist)
    )
    described = made.described() | {"sources": list(seen.sources)}
    return {
        **{f"rtl/{name}": text for name, text in around.items()},
        REGISTERS.name: json.dumps(described, indent=1) + "\n",
        **vendors.files(seen, target),
        **open_flow.files(netlist, target, report),
    }


def _read(folder: Path, around: Iterable[str]) -> list[str]:
    """Everything that synthesis reads, below the build folder: packages first."""
    core = [p.name for p in (folder / "rtl").iterdir()]
    names = sorted(f"rtl/{n}" for n in core) + sorted(f"{FOLDER}/rtl/{n}" for n in around if n not in core)
    rank = {".svh": 0, ".mem": 3}
    ordered = sorted(names, key=lambda n: 1 if n.endswith("_pkg.sv") else rank.get(Path(n).suffix, 2))
    return [*ordered, *sorted(f"mem/{p.name}" for p in (folder / "mem").glob("*.mem"))]
