"""Builds an accelerator behind its AXI shell and plays a job on it, see axi_bench.py. A build folder will do."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import toolchain

STAMP = "made_from"
REGISTERS = Path("board", "registers.json")


def sources(folder: Path) -> list[Path]:
    """The Verilog of the accelerator and of its shell, in the order to read them."""
    named = json.loads((folder / REGISTERS).read_text())["sources"]
    return [folder / name for name in named if not name.endswith(".svh")]


def build(folder: Path, *, checked: bool = False) -> toolchain.Build:
    """The shell and what is in it, made by Verilator unless it is there. Raises toolchain.ToolError."""
    top = json.loads((folder / REGISTERS).read_text())["top"]
    work = folder / "sim" / ("axi_checked" if checked else "axi")
    job = toolchain.Build(top, sources(folder), [folder / "rtl"], work, checked=checked)
    state = hashlib.sha256(repr(toolchain.versions()).encode())
    for path in (*job.sources, *sorted((folder / "rtl").glob("*.svh")), Path(toolchain.__file__)):
        state.update(path.read_bytes())
    stamp = work / STAMP
    if not stamp.exists() or stamp.read_text() != state.hexdigest():
        shutil.rmtree(work, ignore_errors=True)
        toolchain.build(job)
        stamp.write_text(state.hexdigest())
    return job


def play(folder: Path, job: Mapping[str, Any], where: Path) -> dict[str, Any]:
    """What became of a job, whose files lie in `where`. Raises toolchain.ToolError."""
    folder, where = folder.resolve(), where.resolve()
    result = where / "result.json"
    result.unlink(missing_ok=True)
    full = {**job, "registers": str(folder / REGISTERS), "result": str(result)}
    (where / "job.json").write_text(json.dumps(full))
    made = build(folder)
    with toolchain.importable(Path(__file__).resolve().parent):
        toolchain.play(made, "axi_bench", folder, {"TOM_JOB": str(where / "job.json")}, logs=where)
    return dict(json.loads(result.read_text()))
