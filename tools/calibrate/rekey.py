"""Gives stored measurements the keys of the RTL as it is, where it still makes the circuits that were measured.

Usage: python -m tools.calibrate.rekey REVISION [group ...]. REVISION (of git) is the RTL that was measured. Every
point whose key is out of date is elaborated from both; a measurement keeps its numbers if the circuits, before they
are mapped to a family, are equal in all but names. The others are named and stay out of date, for tools.calibrate.run.
"""

import argparse
import subprocess
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tomato.backend.library import LEVELS, RTL, SHELL, includes, sources, tokens_of
from tools.calibrate.circuit import circuit
from tools.calibrate.point import Point
from tools.calibrate.run import HERE, TARGETS, key, load, netlist, selected, store

ROOT = HERE.parents[1]
ELABORATE = ("proc", "flatten", *("opt_expr -mux_undef", "opt_merge", "opt_clean -purge") * 3)
"""Commands of Yosys that lay the hierarchy flat, compute nothing twice, and leave the rest as it is written."""


def elaborated(point: Point, hardware: Path, work: Path) -> str:
    """The circuit that the RTL of a folder like hw/ makes of a point; a parameter that is 0 may be unknown there."""
    there = {path.stem: path for level in (*LEVELS, SHELL) for path in (hardware / "rtl" / level).glob("*.sv")}
    files = [there[name] for name in sources(RTL, [point.module]) if name in there]
    module = there[point.module]
    pieces = [hardware / "include" / name for name in includes([module])]
    known = {token for path in (module, *pieces) for token in tokens_of(path)}
    parameters = {name: value for name, value in point.parameters.items() if name in known or value}
    return circuit(netlist(replace(point, parameters=parameters), files, hardware / "include", ELABORATE, work))


def equal(point: Point, hardware: Path, work: Path) -> bool:
    """Whether the RTL of a folder like hw/ makes the circuit of today; not where it cannot make the point."""
    try:
        before = elaborated(point, hardware, work / "old")
    except RuntimeError:
        return False
    return before == elaborated(point, ROOT / "hw", work / "new")


def stale(flow: str) -> list[Point]:
    """The points of a family whose stored key is not that of today."""
    stored = ((point, load(point.group).get(point.name, {}).get(flow)) for point in selected(flow))
    return [point for point, found in stored if found and found["key"] != key(point, flow)]


def rekey(point: Point, flow: str) -> None:
    """Store the key of today; the numbers stay."""
    known = load(point.group)
    known[point.name][flow]["key"] = key(point, flow)
    store(point.group, known)


def main() -> None:
    """Compare and re-key, one point after the other; what is done is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revision")
    parser.add_argument("groups", nargs="*")
    options = parser.parse_args()
    (ROOT / "build").mkdir(exist_ok=True)
    with TemporaryDirectory(dir=ROOT / "build") as folder:
        work = Path(folder)
        archive = subprocess.run(
            ["git", "-C", ROOT, "archive", options.revision, "hw"], capture_output=True, check=True
        )
        subprocess.run(["tar", "-x", "-C", work], input=archive.stdout, check=True)
        same = other = 0
        for flow, point in [(f, p) for f in TARGETS for p in stale(f)]:
            if not options.groups or point.group in options.groups:
                if equal(point, work / "hw", work):
                    rekey(point, flow)
                    same += 1
                else:
                    print(f"another circuit: {flow} {point.group} {point.name}", flush=True)
                    other += 1
    print(f"{same} measurements have new keys, {other} are of another circuit")


if __name__ == "__main__":
    main()
