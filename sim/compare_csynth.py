"""Set the report of an HLS synthesis against what Tomato predicted, engine by engine.

    python3 compare_csynth.py [REPORTS] [--design DIR]

REPORTS holds csynth.xml and a <module>_csynth.xml per module: by default solution1/syn/report of the project
that run_vitis_hls.tcl or run_vivado_hls.tcl made. DIR is the build folder with report.json. Each cell reads:
predicted, reported, reported over predicted. Needs the standard library alone.
"""

import argparse
import json
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECTS = ("vitis_hls", "vivado_hls")
REPORTS = Path("solution1", "syn", "report")
KINDS = {"lut": ("LUT",), "ff": ("FF",), "dsp": ("DSP", "DSP48E"), "bram18": ("BRAM_18K",), "uram": ("URAM",)}
"""Resources as report.json names them, and as reports do: Vivado HLS counts DSP48E."""
COLUMNS = ("cycles", *KINDS)
OURS = "tom_"
"""What the names of the library's functions begin with."""

Counts = Mapping[str, int | None]
"""By column; None where nothing is known."""


class ReportError(Exception):
    """Something is missing, or does not belong to this design."""


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    name: str
    engine: str
    predicted: Counts
    reported: Counts


def compare(design: Path, reports: Path) -> list[Row]:
    """A row per engine, one for all between them, one for the whole design. Raises ReportError."""
    report = _json(design / "report.json")
    top = _profile(reports / "csynth.xml")
    _check(top, report, design, reports)
    rows = list(_engines(report["layers"], _modules(top, reports), reports))
    whole = _estimate(top)
    rest = {kind: _minus(whole[kind], [row.reported[kind] for row in rows]) for kind in KINDS}
    between = {**report["between_layers"], "cycles": None}
    total = {**report["resources"], "cycles": report["interval_cycles"]}
    return [*rows, Row("everything else", "", between, {**rest, "cycles": None}), Row("design", "", total, whole)]


def table(rows: Sequence[Row]) -> str:
    """The rows as text."""
    cells = [["layer", "engine", *COLUMNS]]
    cells += [[r.name, r.engine, *(_cell(r.predicted[c], r.reported[c]) for c in COLUMNS)] for r in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in cells)
    return "".join(line + "\n" for line in lines)


def _cell(predicted: int | None, reported: int | None) -> str:
    if not predicted and not reported:
        return "-"
    ratio = f" {reported / predicted:.2f}" if predicted and reported is not None else ""
    return " ".join("?" if n is None else f"{n:,}" for n in (predicted, reported)) + ratio


def _engines(layers: Sequence[Mapping[str, Any]], modules: Sequence[str], reports: Path) -> Iterator[Row]:
    """The layers in order, each with its module.

    A module's name says its engine and hides its layer: the n-th call of an engine is its n-th layer. Where the
    order of the calls is unknown (`modules` is empty: Vivado HLS does not list them), an engine that several
    layers share gets one row: the largest cycles, the sum of the rest.
    """
    engines = {layer["engine"]: [x for x in layers if x["engine"] == layer["engine"]] for layer in layers}
    listed = modules or sorted(path.name.removesuffix("_csynth.xml") for path in reports.glob(f"{OURS}*_csynth.xml"))
    rows: dict[str, Row] = {}
    for engine, members in engines.items():
        called = [name for name in listed if _engine_of(name, engines) == engine]
        if len(called) != len(members):
            raise ReportError(
                f"{reports}: {len(called)} modules of {OURS}{engine}, the design has {len(members)}: "
                "it was compiled again, or the tool has merged or inlined some"
            )
        found = [_estimate(_profile(reports / f"{name}_csynth.xml")) for name in called]
        expected = [{**layer["resources"], "cycles": layer["cycles"]} for layer in members]
        if modules or len(members) == 1:
            for layer, ours, theirs in zip(members, expected, found, strict=True):
                rows[layer["name"]] = Row(layer["name"], engine, ours, theirs)
        else:
            name = f"{members[0]['name']} and {len(members) - 1} more"
            rows[members[0]["name"]] = Row(name, engine, _together(expected), _together(found))
    return (rows[layer["name"]] for layer in layers if layer["name"] in rows)


def _engine_of(module: str, engines: Iterable[str]) -> str | None:
    """The engine of a module such as tom_dense_fold_8u_4u_s: the longest name that fits."""
    fitting = [e for e in engines if re.match(rf"{OURS}{e}(_|$)", module)]
    return max(fitting, key=len, default=None)


def _together(parts: Sequence[Counts]) -> Counts:
    """Engines that work at the same time."""
    known = {c: [p[c] for p in parts] for c in COLUMNS}
    return {c: _joined(c, [n for n in known[c] if n is not None], len(parts)) for c in COLUMNS}


def _joined(column: str, numbers: Sequence[int], expected: int) -> int | None:
    if len(numbers) < expected:
        return None
    return max(numbers) if column == "cycles" else sum(numbers)


def _minus(whole: int | None, parts: Iterable[int | None]) -> int | None:
    known = [n for n in parts if n is not None]
    return None if whole is None else whole - sum(known)


def _modules(top: ET.Element, reports: Path) -> list[str]:
    """The library's modules in the order of their calls, none where the report has no hierarchy."""
    hierarchy = top.find("RTLDesignHierarchy/TopModule")
    if hierarchy is None:
        return []
    found = list(_calls(hierarchy))
    if not found:
        raise ReportError(f"{reports / 'csynth.xml'}: no module is called {OURS}...")
    return found


def _calls(module: ET.Element) -> Iterator[str]:
    """Modules of the library below one, and not what they consist of."""
    for instance in module.findall("InstancesList/Instance"):
        name = instance.findtext("ModuleName", "").strip()
        if name.startswith(OURS):
            yield name
        else:
            yield from _calls(instance)


def _estimate(profile: ET.Element) -> Counts:
    """Interval and resources of a module. An interval that the tool could not tell is None."""
    interval = profile.findtext("PerformanceEstimates/SummaryOfOverallLatency/Interval-max", "").strip()
    counts: dict[str, int | None] = {"cycles": int(interval) if interval.isdigit() else None}
    for kind, tags in KINDS.items():
        texts = (profile.findtext(f"AreaEstimates/Resources/{tag}", "").strip() for tag in tags)
        counts[kind] = next((int(text) for text in texts if text.isdigit()), None)
    return counts


def _check(top: ET.Element, report: Mapping[str, Any], design: Path, reports: Path) -> None:
    """Raises ReportError if the report is of another design or another part."""
    name = top.findtext("UserAssignments/TopModelName", "").strip()
    part = top.findtext("UserAssignments/Part", "").strip()
    if not (design / "hls" / f"{name}.cpp").is_file():
        raise ReportError(f"{reports / 'csynth.xml'} is of {name!r}, and there is no {design / 'hls' / name}.cpp")
    if part.lower() != report["part"].lower():
        raise ReportError(f"{reports / 'csynth.xml'} is for {part}, the design for {report['part']}")


def _profile(path: Path) -> ET.Element:
    try:
        root = ET.parse(path).getroot()  # noqa: S314 - the user's own tool wrote it
    except FileNotFoundError:
        raise ReportError(f"no {path}: run csynth, or name the folder that holds its reports") from None
    except (OSError, ET.ParseError) as reason:
        raise ReportError(f"cannot read {path}: {reason}") from None
    if root.tag != "profile":
        raise ReportError(f"{path} is no synthesis report: it begins with <{root.tag}>, not with <profile>")
    return root


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ReportError(f"no {path}: name the build folder with --design") from None
    except (OSError, ValueError) as reason:
        raise ReportError(f"cannot read {path}: {reason}") from None
    if not isinstance(found, dict) or not {"layers", "between_layers", "part"} <= found.keys():
        raise ReportError(f"{path} is no report of Tomato")
    return found


def _default_reports(design: Path) -> Path:
    """The reports of the first project that has been synthesised."""
    folders = [design / "hls" / project / REPORTS for project in PROJECTS]
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 and a message where there is none."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("reports", nargs="?", type=Path, help="folder of csynth.xml")
    parser.add_argument("--design", type=Path, default=Path(__file__).resolve().parent.parent, help="build folder")
    given = parser.parse_args(arguments)
    try:
        print(table(compare(given.design, given.reports or _default_reports(given.design))), end="")
    except ReportError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
