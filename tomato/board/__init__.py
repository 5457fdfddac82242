"""The way onto a board: shells around the accelerator, the registers of each, and files for the tools that build it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tomato.backend.constraints import assignments
from tomato.board import registers, shell, vendors
from tomato.core.files import write_text
from tomato.hardware.netlist import Netlist
from tomato.targets import Target

BOARD = "board"
"""Its folder in a build folder."""
REGISTERS = Path(BOARD, "registers.json")
SHELLS = ("axi", "none")
"""What may stand around the accelerator: a master of memory at every stream, or nothing."""


def write(folder: Path, netlist: Netlist, target: Target, report: Mapping[str, Any], kind: str) -> None:
    """Write a shell of a kind around the design in `folder`, and what its board's tools need besides."""
    if kind == "none":
        return
    title = f"{report['model']} for {report['target']}"
    made = registers.of(netlist, report["interval_cycles"], build(folder))
    around = shell.files(netlist, made, title)
    text = {f"rtl/{name}": content for name, content in around.items()}
    text[REGISTERS.name] = json.dumps(made.described(), indent=1) + "\n"
    names = [p["onnx"] for p in (report["ports"] or {}).get("inputs", [])]
    outside = shell.look(netlist, made, title)
    read = _files(folder, around)
    seen = vendors.look(outside, target, report["clock_mhz"], read, names, assignments(netlist))
    _write(folder / BOARD, text | vendors.files(seen, target))


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_text(folder / name, text)


def _files(folder: Path, around: Iterable[str]) -> list[str]:
    """Everything that synthesis reads, below the build folder: packages first."""
    core = [p.name for p in (folder / "rtl").iterdir()]
    names = sorted(f"rtl/{n}" for n in core) + sorted(f"{BOARD}/rtl/{n}" for n in around if n not in core)
    rank = {".svh": 0, ".mem": 3}
    ordered = sorted(names, key=lambda n: 1 if n.endswith("_pkg.sv") else rank.get(Path(n).suffix, 2))
    return [*ordered, *sorted(f"mem/{p.name}" for p in (folder / "mem").glob("*.mem"))]


def build(folder: Path) -> int:
    """The number of an accelerator, 32 bits: other Verilog or other weights have another one."""
    state = hashlib.sha256()
    for path in sorted(p for part in ("rtl", "mem") for p in (folder / part).glob("*")):
        data = path.read_bytes()
        state.update(f"{path.name} {len(data)}\n".encode() + data)
    return int.from_bytes(state.digest()[:4], "big")
