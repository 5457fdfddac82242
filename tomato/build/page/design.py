"""What a build folder tells of its design, read from the files that the commands left there."""

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tomato.backend.quoting import one_line
from tomato.build.archive import DAMAGED
from tomato.build.folder import check_build
from tomato.build.report import shares
from tomato.build.rows import KINDS, merged
from tomato.core.errors import TomatoError
from tomato.core.files import reading

PLAYED = frozenset({"bit_exact", "stall", "frames", "mismatches", "interval_cycles", "latency_cycles"})
RESULTS: Mapping[str, Set[str]] = MappingProxyType(
    {
        "simulation.json": PLAYED,
        "hls/simulation.json": PLAYED,
        "evaluation.json": {"frames", "top1", "agreement", "outputs", "codes", "layers", "layer_frames"},
        "build.json": {"flow"},
    }
)
"""Files that other commands leave, and what the page needs of each."""
TIMED = "begins"
"""What a layer in report.json has since it can be drawn."""

MANY = 3
"""The part of the layers of which more do not stand out."""


@dataclass(frozen=True, eq=False)
class Design:
    """A compiled network and what was found out about it.

    folder: its name. report, ports: report.json and the testbench's design.json. simulation, csim, evaluation: what
    `tomato simulate` (of the Verilog, of the C++) and `tomato evaluate` wrote, or None. build: so for `tomato build`,
    which says what was placed only where open tools did it.
    """

    folder: str
    report: Mapping[str, Any]
    ports: Mapping[str, Any]
    simulation: Mapping[str, Any] | None = None
    csim: Mapping[str, Any] | None = None
    evaluation: Mapping[str, Any] | None = None
    build: Mapping[str, Any] | None = None

    @property
    def title(self) -> str:
        """The model and its board."""
        return f"{one_line(self.report['model'])} on {one_line(self.report['target'])}"

    @property
    def label(self) -> str:
        """The title, and the folder, among other designs."""
        return f"{self.title} ({one_line(self.folder)})"

    @cached_property
    def rows(self) -> tuple[Mapping[str, Any], ...]:
        """Layers, each with its requantisation; names are printable."""
        found = merged(self.report["layers"])
        return tuple(row | {"shown": one_line(row["name"])} for row in found)

    @property
    def interval(self) -> int:
        """Cycles from frame to frame, predicted; where frames leave early, if none does."""
        return int(self.report["interval_cycles"])

    @property
    def average(self) -> float | None:
        """The same on average; None where no frame leaves early."""
        return float(self.report["expected_interval_cycles"]) if self.report["exits"] else None

    @property
    def hertz(self) -> float:
        """The clock."""
        return float(self.report["clock_mhz"]) * 1e6

    @property
    def slowest(self) -> tuple[Mapping[str, Any], ...]:
        """The layers that set the interval; none if the streams between the layers do.

        Of layers that share an engine the turns may take fewer cycles than a frame: they wait for each other.
        """
        shared = {layer["name"] for group in self.report.get("shared", []) for layer in group["layers"]}
        most = max(row["cycles"] for row in self.rows)
        found = tuple(row for row in self.rows if row["cycles"] == most)
        return found if most == self.interval or shared.issuperset(row["name"] for row in found) else ()

    @cached_property
    def marked(self) -> frozenset[str]:
        """Names of layers that stand out: those that set the interval, or the first of them where they are many."""
        names = [row["name"] for row in self.slowest]
        return frozenset(names if len(names) <= len(self.rows) / MANY else names[:1])

    @property
    def legend(self) -> str:
        """What a marked layer is."""
        if len(self.marked) == len(self.slowest):
            return "red: what sets the pace" if self.marked else "no layer alone sets the pace"
        return f"red: the first of {len(self.slowest)} layers that set the pace"

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of resources that the design uses, the fullest first."""
        part = shares(self.report["resources"], self.report["budget"])
        used = [kind for kind in KINDS if self.report["resources"][kind]]
        return tuple(sorted(used, key=lambda kind: -part.get(kind, 0.0)))

    @property
    def measured(self) -> Mapping[str, Any] | None:
        """The simulation, where its times can be compared: bit-exact and without stalls."""
        found = self.simulation
        return found if found and found["bit_exact"] and not found["stall"] else None

    @property
    def placed(self) -> Mapping[str, Any] | None:
        """What was placed and routed, and what of it is known: resources with the shell's, and the clock."""
        return self.build if self.build and "placed" in self.build else None


def read(folder: Path, *, checked: bool = True) -> Design:
    """The design in a build folder. Raises TomatoError if there is none, or one of another version.

    checked: that it is a build folder, and not that of one of several boards.
    """
    if checked:
        check_build(folder)
    report, ports = (_stored(folder / name) for name in ("report.json", "sim/design.json"))
    if report is None or ports is None or not report.get("layers") or TIMED not in report["layers"][0]:
        raise TomatoError(
            "the folder was written by another version: its layers have no times", where=str(folder),
            hint="compile the model again",
        )  # fmt: skip
    found = (_stored(folder / name, keys) for name, keys in RESULTS.items())
    return Design(folder.resolve().name, report, ports, *found)


def _stored(path: Path, needed: Set[str] = frozenset()) -> dict[str, Any] | None:
    """A JSON object with all these keys; None if there is no such file."""
    if not path.exists():
        return None
    with reading(DAMAGED, where=path, hint="compile the model again"):
        found = json.loads(path.read_text())
        if not isinstance(found, dict) or needed - found.keys():
            raise TypeError("what it should say is missing")
        return found
