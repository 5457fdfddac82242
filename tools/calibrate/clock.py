"""Places and routes engines alone on an ECP5, and keeps what clock their routes allow and what path limits it.

Usage: python -m tools.calibrate.clock [group ...]. Of every engine one of its measured points is placed. What is
measured and unchanged is not measured again; the table of docs/open-flow.md is written from the data.
"""

import argparse
import ast
import hashlib
import inspect
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from tomato import targets
from tomato.backend.verilog import sources
from tomato.board import (
    ahead,
    blocks,
    boards,
    ecp5,
    flipflops,
    memories,
    multipliers,
    paths,
    retiming,
    synthesis,
    tools,
)
from tomato.core.assets import asset
from tomato.engines import CATALOGUE
from tools.calibrate.alone import alone
from tools.calibrate.point import Point
from tools.calibrate.run import HERE, key, load, netlist, selected

ROOT = HERE.parents[1]
DATA = HERE / "clocks.json"
DOCUMENT = ROOT / "docs" / "open-flow.md"
BEGIN, END = "<!-- python -m tools.calibrate.clock: begin -->\n", "<!-- end -->\n"
FLOW = "ecp5"
BOARD = "colorlight-i9"
"""A board with a small chip that has multipliers enough, speed grade 6."""
ROOM = 800
"""LUTs of the largest points that are placed, where an engine has smaller ones."""
BLOCKS = 20
"""Blocks of RAM, at most, of points that are placed."""
ALSO = {"requant_stream": "acc19_mult15_bias27_out7_channels50_lanes5"}
"""What else is placed: several lanes, with inputs of a bit more than a multiplier takes."""
ASKED, SEEDS = 150, (1, 2, 3)
"""The clock that the placer is told to reach, in MHz; what its random choices begin with."""
REWRITE = (
    ecp5.prepared,
    ecp5.without_idle_carries,
    ahead,
    blocks,
    flipflops,
    memories,
    multipliers,
    paths,
    retiming,
    alone,
)
"""What changes the netlist of Yosys before it is placed."""


def telling(chosen: Iterable[Point]) -> list[Point]:
    """Of every engine of one clock the point with the deepest logic of those that are small, or its smallest.

    Small ones first. Not with memories of many blocks: the multiplexer behind them is slower than any engine, see
    docs/open-flow.md.
    """
    groups: dict[str, list[tuple[int, int, Point]]] = {}
    for point in chosen:
        found = load(point.group).get(point.name, {}).get(FLOW) if _has_one_clock(point) else None
        if found and found["bram18"] <= BLOCKS:
            groups.setdefault(point.group, []).append((found["lut"], found["levels"] + found["carries"], point))
    picked = []
    for rows in groups.values():
        small = [row for row in rows if row[0] <= ROOM] or [min(rows, key=lambda row: row[0])]
        picked.append(max(small, key=lambda row: (row[1], -row[0])))
        picked += [row for row in rows if row[2].name == ALSO.get(row[2].group)]
    return [point for _, _, point in sorted(picked, key=lambda row: row[0])]


def _has_one_clock(point: Point) -> bool:
    """Whether a point is an engine, and none with the second clock, which boards of the open flow do not give."""
    return point.group in CATALOGUE and not CATALOGUE[point.group].doubles


def commands(point: Point) -> list[str]:
    """How a build synthesises the module, behind the command that reads it."""
    return synthesis.script(synthesis.ECP5, point.module, [], [], options="-noiopad")[1:]


def stamp(point: Point) -> str:
    """Changes with the RTL and the parameters, as the key of a measurement does, and with how a build makes a netlist.

    That is its script and what rewrites the netlist of Yosys, comments aside.
    """
    made = key(point, FLOW), *commands(point), *map(meaning, REWRITE)
    return hashlib.sha256("\n".join(made).encode()).hexdigest()[:12]


def meaning(part: Any) -> str:
    """The syntax of a module or a function without texts that nothing reads, as docstrings are."""
    tree = ast.parse(inspect.getsource(part))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [line for line in node.body if not _is_text(line)] or [ast.Pass()]
    return ast.dump(tree)


def _is_text(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)


def prepared(point: Point, work: Path) -> dict[str, Any]:
    """The netlist of a point alone on a chip, as it is to be placed."""
    made = netlist(point, sources([point.module]).values(), asset("hw", "include"), commands(point), work)
    return alone(ecp5.prepared(made), point.module)


def digest(made: Mapping[str, Any]) -> str:
    """Changes with the cells of a netlist and with what connects them, however its wires are numbered."""
    wires: dict[Any, int] = {}
    cells = [
        (name, cell["type"], cell["parameters"], port, [wires.setdefault(bit, len(wires)) for bit in bits])
        for module in made["modules"].values()
        for name, cell in sorted(module["cells"].items())
        for port, bits in sorted(cell["connections"].items())
    ]
    return hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()[:12]


def place(made: Mapping[str, Any], work: Path) -> dict[str, Any]:
    """The clock of every seed in MHz, their median, and where the critical path of the median begins and ends."""
    placed = work / "alone.json"
    placed.write_text(json.dumps(made))
    reports = []
    for seed in SEEDS:
        report = work / f"timing{seed}.json"
        given = ["--json", placed.name, "--report", report.name, "--freq", ASKED, "--seed", seed, "--timing-allow-fail"]
        command = [*tools.NEXTPNR.command(), *boards.device(targets.load(BOARD).part), *map(str, given)]
        tools.run(command, work, work / f"nextpnr{seed}.log", what="nextpnr-ecp5")
        reports.append(json.loads(report.read_text()))
    clocks = [round(ecp5.results(report)["clock_mhz"], 1) for report in reports]
    middle = reports[clocks.index(median(clocks))]
    (path,) = (p["path"] for p in middle["critical_paths"] if p["from"] == p["to"])
    logic = sum(step["delay"] for step in path if step["type"] != "routing")
    return {
        "mhz": median(clocks),
        "seeds": clocks,
        "from": signal(path[0]["from"]["cell"]),
        "to": signal(path[-1]["to"]["cell"]),
        "logic_ns": round(logic, 2),
        "routes_ns": round(sum(step["delay"] for step in path) - logic, 2),
    }


def signal(cell: str) -> str:
    """The name in the RTL that a cell has from what it drives."""
    return re.split(r"_(?=TRELLIS|LUT4|CCU2C|MULT18|DP16KD|PDPW16|PFUMX|L6MUX|\$)|\$", cell)[0]


def known() -> dict[str, Any]:
    """What is known: {group: {point: {key, mhz, ...}}}."""
    found: dict[str, Any] = json.loads(DATA.read_text()) if DATA.exists() else {}
    return found


def refresh(chosen: Iterable[Point]) -> None:
    """Place the points that are unknown or whose netlist is another now; every result is stored at once."""
    for point in chosen:
        now, before = stamp(point), known().get(point.group, {}).get(point.name, {})
        if before.get("key") == now:
            continue
        work = ROOT / "build" / "clock" / now
        made = prepared(point, work)
        same = digest(made)
        found = before if before.get("netlist") == same else place(made, work)
        print(f"{point.group} {point.name}: {found['mhz']} MHz, {found['from']} > {found['to']}", flush=True)
        everything = known()
        everything.setdefault(point.group, {})[point.name] = {**found, "key": now, "netlist": same}
        DATA.write_text(json.dumps(dict(sorted(everything.items())), indent=1) + "\n")


def forget(chosen: Iterable[Point]) -> None:
    """Drop what is known of points that are placed no more."""
    names = {(point.group, point.name) for point in chosen}
    everything = {
        group: {name: row for name, row in rows.items() if (group, name) in names} for group, rows in known().items()
    }
    DATA.write_text(json.dumps({group: rows for group, rows in everything.items() if rows}, indent=1) + "\n")


def table() -> str:
    """The slowest point of every engine, the slowest engine first."""
    slowest = [(min(rows.values(), key=lambda row: row["mhz"]), group) for group, rows in known().items()]
    lines = ["| engine | MHz | seeds | logic, ns | routes, ns | from | to |\n|---|--:|---|--:|--:|---|---|\n"]
    for row, group in sorted(slowest, key=lambda found: found[0]["mhz"]):
        seeds, ns = f"{min(row['seeds'])} to {max(row['seeds'])}", f"{row['logic_ns']} | {row['routes_ns']}"
        lines.append(f"| `{group}` | {row['mhz']} | {seeds} | {ns} | `{row['from']}` | `{row['to']}` |\n")
    return "".join(lines)


def document() -> str:
    """The document with the table of the data at hand."""
    before, rest = DOCUMENT.read_text().split(BEGIN)
    _, after = rest.split(END, 1)
    return before + BEGIN + table() + END + after


def main() -> None:
    """Place what is missing, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="*")
    options = parser.parse_args()
    points = telling(selected(FLOW))
    refresh(p for p in points if not options.groups or p.group in options.groups)
    forget(points)
    DOCUMENT.write_text(document())


if __name__ == "__main__":
    main()
