"""Synthesises every point with Yosys, keeps what it measured, and judges the resource model by it.

Usage: python -m tools.calibrate.run [--flow xcup|ecp5] [--workers N] [group ...]. What is measured and unchanged is
not measured again.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from tomato import targets, work
from tomato.backend.library import includes, sources_with_blocks, tokens_of
from tomato.backend.verilog import hexadecimal, literal
from tomato.cli.options import workers_options
from tomato.core.assets import asset
from tomato.core.errors import TomatoError
from tomato.targets import Resources, Target
from tomato.work import HERE as THIS_PROCESS
from tomato.work import Workers
from tools.calibrate.measure import Measured, measure
from tools.calibrate.point import FIT, XCUP, Point
from tools.calibrate.points import points

HERE = Path(__file__).parent
DATA = HERE / "data"
FLOWS = {"xcup": "synth_xilinx -family xcup -flatten -noiopad -noclkbuf -uram", "ecp5": "synth_ecp5 -noiopad"}
"""The synthesis command of each family."""
CALIBRATION = HERE.parents[1] / "tomato" / "targets" / "calibration"
"""What ships with the compiler: the errors of the model, shown in its report, and what fit.py writes."""
SUMMARY = CALIBRATION / "errors.json"
TARGETS = {"xcup": "u250", "ecp5": "ulx3s"}
"""A board of each family, for the shapes of its primitives."""
BLOCKS = {"xcup": "amd", "ecp5": ""}
"""Whose blocks stand in for modules that Yosys does not find in them, see hw/rtl/vendor."""


def selected(flow: str) -> list[Point]:
    """The points of a family on its board, small first: not those with memories that it lacks or that judge ECP5."""
    target = targets.load(TARGETS[flow])
    costs = [(p.on(target), p.cost(target)) for p in points() if p.judges in (FIT, XCUP, flow, f"fit {flow}")]
    return [p for p, cost in sorted(costs, key=lambda pc: pc[1].lut) if target.memory.uram or not cost.uram]


def command(point: Point, flow: str) -> tuple[str, ...]:
    """How Yosys synthesises a point.

    Yosys does not know the attribute use_dsp, so a multiplier in LUTs needs -nodsp. Its default script for
    mapping LUTs spends up to four of them on a bit of a 64-word memory, which is one six-input function.
    """
    memory = ("scratchpad -set abc9.script +&st;&if,{C},{W},{D},{R};&mfs",) if point.group == "rom" else ()
    no_dsp = " -nodsp" if point.parameters.get("Pack") == 0 else ""
    return *memory, f"{FLOWS[flow]}{no_dsp} -top {point.module}"


def key(point: Point, flow: str) -> str:
    """Changes with the tokens of the RTL, the parameters, the contents of memories, the tool and its command.

    Not with comments, white space, or where a module lies.
    """
    parameters = sorted((name, int(value)) for name, value in point.parameters.items())
    identity = version("pyosys"), command(point, flow), point.module, parameters
    digest = hashlib.sha256(repr(identity).encode())
    used = sources_with_blocks(BLOCKS[flow], [point.module])
    for _, path in sorted((used | includes(used.values())).items()):
        digest.update("\n".join(tokens_of(path)).encode())
    for memory in point.memories.values():
        digest.update(hexadecimal(memory).encode())
    return digest.hexdigest()[:12]


def synthesise(point: Point, flow: str, work: Path) -> Measured:
    """Run Yosys on one point, in a folder that holds its memories."""
    files = sources_with_blocks(BLOCKS[flow], [point.module]).values()
    return measure(netlist(point, files, asset("hw", "include"), command(point, flow), work))


def netlist(point: Point, files: Iterable[Path], include: Path, commands: Sequence[str], work: Path) -> Any:
    """What Yosys makes of a point with some commands, as JSON."""
    work.mkdir(parents=True, exist_ok=True)
    parameters = {name: literal(value) for name, value in point.parameters.items()}
    for name, memory in point.memories.items():
        (work / f"{name}.hex").write_text(hexadecimal(memory))
        parameters[name] = f'"{work / name}.hex"'
    values = " ".join(f"-G {name}={value}" for name, value in parameters.items())
    listed = " ".join(map(str, files))
    script = (
        f"read_slang --threads 1 --blackboxed-module DSP48E2 --top {point.module} {values} -I {include} {listed}",
        *commands,
        f"write_json {work / 'netlist.json'}",
    )
    yosys = [sys.executable, str(HERE / "yosys.py")]
    done = subprocess.run(yosys, input="\n".join(script), text=True, capture_output=True, check=False)
    (work / "log").write_text(done.stdout + done.stderr)
    if done.returncode:
        raise RuntimeError(f"Yosys failed on {point.group} {point.name}: see {work / 'log'}")
    return json.loads((work / "netlist.json").read_text())


def load(group: str) -> dict[str, Any]:
    """What is known of a group: {point: {flow: {key, lut, ff, ...}}}. Whether a point is held out, points.py says."""
    path = DATA / f"{group}.json"
    known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return known


def refresh(chosen: Iterable[Point], flow: str, workers: Workers = THIS_PROCESS) -> None:
    """Measure the points that are unknown or out of date; every result is stored at once, new ones in their order."""
    points = list(chosen)
    known = {group: load(group) for group in {p.group for p in points}}
    stamps = {(p.group, p.name): key(p, flow) for p in points}
    stale = [p for p in points if known[p.group].get(p.name, {}).get(flow, {}).get("key") != stamps[p.group, p.name]]
    new = [p.name for p in stale if p.name not in known[p.group]]
    tasks = [(_bare(p), flow, stamps[p.group, p.name]) for p in stale]
    for place, found in workers.run(_measured, tasks, what="synthesis", name=lambda task: task[0].name):
        point, _, stamp = tasks[place]
        print(f"{flow} {point.group} {point.name}: {found.lut} LUT, {found.levels} levels", flush=True)
        rows = load(point.group)
        rows.setdefault(point.name, {})[flow] = {"key": stamp, **asdict(found)}
        store(point.group, dict(sorted(rows.items(), key=lambda row: new.index(row[0]) + 1 if row[0] in new else 0)))


def _bare(point: Point) -> Point:
    """A point as it is synthesised, without what says what it should cost: that does not travel."""
    return replace(point, cost=_unknown, unit=None, part=None)


def _unknown(_: Target) -> Resources:
    raise NotImplementedError


def _measured(task: tuple[Point, str, str]) -> Measured:
    """A point on a family's flow, in a folder by its key."""
    point, flow, stamp = task
    return synthesise(point, flow, HERE.parents[1] / "build" / "calibrate" / stamp)


def store(group: str, known: Mapping[str, Any]) -> None:
    """Write what is known of a group."""
    DATA.mkdir(exist_ok=True)
    (DATA / f"{group}.json").write_text(json.dumps(known, indent=1) + "\n")


def summary(chosen: Iterable[Point], flow: str) -> dict[str, Any]:
    """How well the model meets the data, by group; points that were not measured count nowhere."""
    groups: dict[str, list[tuple[bool, Resources, Resources]]] = {}
    target = targets.load(TARGETS[flow])
    for point in chosen:
        if found := load(point.group).get(point.name, {}).get(flow):
            real = Resources(*(found[kind] for kind in ("lut", "ff", "dsp", "bram18", "uram")))
            model = target.fitted(point.group, point.cost(target))
            groups.setdefault(point.group, []).append((point.judges == flow, model, real))
    return {group: _judge(rows) for group, rows in sorted(groups.items())}


def _judge(rows: list[tuple[bool, Resources, Resources]]) -> dict[str, Any]:
    errors = [abs(model.lut - real.lut) / real.lut for held, model, real in rows if held and real.lut]
    return {
        "points": len(rows),
        "held_out": len(errors),
        "lut_error_max": round(max(errors, default=0.0), 3),
        "lut_error_mean": round(sum(errors) / max(1, len(errors)), 3),
        "dsp_exact": all(model.dsp == real.dsp for _, model, real in rows),
        "bram_exact": all((model.bram18, model.uram) == (real.bram18, real.uram) for _, model, real in rows),
    }


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--flow", "flows", type=click.Choice(sorted(TARGETS)), multiple=True, help="A family; may be repeated.")
@click.option("--fit", is_flag=True, help="Only judge the model by the data at hand.")
@workers_options
@click.argument("groups", nargs=-1)
def main(flows: tuple[str, ...], fit: bool, workers: int, scheduler: str | None, groups: tuple[str, ...]) -> None:
    """Measure what is missing of GROUPS, or of all, then write the summary that the compiler's report reads."""
    try:
        with work.opened(workers, scheduler) as crew:
            for flow in () if fit else flows or sorted(TARGETS, reverse=True):
                refresh((p for p in selected(flow) if not groups or p.group in groups), flow, crew)
    except TomatoError as reason:
        raise SystemExit(str(reason)) from reason
    judged = {targets.load(board).family: summary(selected(flow), flow) for flow, board in TARGETS.items()}
    SUMMARY.write_text(json.dumps(judged, indent=1) + "\n")


if __name__ == "__main__":
    from tools.calibrate.run import main as start  # workers look for functions in modules, not in programs

    start()
