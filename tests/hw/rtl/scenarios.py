"""Benches in SystemVerilog, played by scenarios in cocotb: built once for whoever asks, with failures in words."""

import hashlib
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import toolchain

from tests.lock import locked
from tomato.backend import library
from tomato.core.assets import asset

BUILDS = Path(__file__).parents[3] / "build" / "rtl"
Wrong = tuple[str, str, str]
"""A module, an expression of it, and what it becomes."""


def play(
    name: str, text: str, modules: Sequence[str], beside: Sequence[Path], scenarios: Path, folder: Path, job: Any,
    only: str = "", wrong: Wrong | None = None, said: Mapping[str, int] | None = None,
) -> None:  # fmt: skip
    """Build the bench `name`, whose text that is, of modules and files beside them, and play scenarios, or some.

    Raises AssertionError that says what failed, or ToolError where an assertion of the hardware ended the simulation.
    """
    sources = dict(library.sources(library.RTL, modules))
    if wrong:
        module, old, new = wrong
        there = sources[module].read_text()
        assert there.count(old) == 1, f"{module} has no {old}, or several"
        sources[module] = folder / f"{module}.sv"
        sources[module].write_text(there.replace(old, new))
    files = [*sources.values(), *beside]
    state = hashlib.sha256(text.encode())
    for path in (*files, *sorted(asset("hw", "include").iterdir()), asset("sim", "toolchain.py")):
        state.update(path.read_bytes())
    work = BUILDS / f"{name}_{state.hexdigest()[:12]}"
    build = toolchain.Build(
        name, [*files, work / f"{name}.sv"], [asset("hw", "include")], work, checked=True, quick=True
    )
    with locked(work):
        if not (work / "built").exists():
            (work / f"{name}.sv").write_text(text)
            toolchain.build(build)
            (work / "built").touch()
    (folder / "job.json").write_text(json.dumps(job))
    extra = {"TOM_JOB": str(folder / "job.json"), "COCOTB_TEST_FILTER": only}
    play_built(build, scenarios, folder, extra, said or {})


def play_built(
    build: toolchain.Build, scenarios: Path, folder: Path, extra: Mapping[str, str], said: Mapping[str, int]
) -> None:
    """Play scenarios, at least one, on what is built. Raises AssertionError that says which failed."""
    with toolchain.importable(scenarios.parent):
        try:
            toolchain.play(build, scenarios.stem, folder, extra, said, logs=folder)
        except toolchain.ToolError as reason:
            raise AssertionError(failures(folder / "results.xml") or reason) from reason
    assert len(list(ElementTree.parse(folder / "results.xml").iter("testcase"))) > 0


def failures(results: Path) -> list[str]:
    """What failed, each with what it says."""
    if not results.exists():
        return []
    cases = ElementTree.parse(results).iter("testcase")
    wrong = [(c, f) for c in cases for f in (*c.findall("failure"), *c.findall("error"))]
    return [f"{c.get('name')}: {f.get('message') or f.get('error_msg')}" for c, f in wrong]
