"""Run the benchmark: python -m tools.bench.run [--only NAME]... [--simulate] [--workers N].

Every case runs in a process of its own, so that its memory is its own and a failure stops nothing else.
Results are merged into tools/bench/results.json, and tools/bench/RESULTS.md is printed from that.
"""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from tomato import __version__, work
from tomato.cli.options import workers_options
from tomato.core.errors import TomatoError
from tools.bench import readme
from tools.bench.cases import BUILD, CASES, HERE, ROOT, Case, read_cases, read_naive, read_published
from tools.bench.table import document, goal

Results = dict[str, dict[str, Any]]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", multiple=True, metavar="NAME", help="Cases whose name contains this; may be repeated.")
@click.option("--simulate", is_flag=True, help="Play frames through the RTL as well, and compare every beat.")
@click.option("--timeout", default=3600, show_default=True, metavar="SECONDS", help="For one case.")
@click.option("--list", "listed", is_flag=True, help="Print the names of the cases, and stop.")
@workers_options
def main(
    only: tuple[str, ...], simulate: bool, timeout: int, listed: bool, workers: int, scheduler: str | None
) -> None:
    """Compile the cases of tools/bench/cases.toml and record speed, size, time and memory."""
    try:
        cases = read_cases()
        chosen = choose(cases, only)
        if listed:
            click.echo("\n".join(case.name for case in chosen))
            return
        results = _previous(HERE / "results.json")
        one = partial(run, simulate=simulate, timeout=timeout)
        with work.opened(workers, scheduler) as crew:
            found = crew.run(one, chosen, what="benchmark", name=lambda case: case.name)
            for done, (place, result) in enumerate(found, 1):
                case = chosen[place]
                click.echo(f"[{done}/{len(chosen)}] {case.name}: {outcome(case, result)}")
                results[case.name] = with_simulation(result, results.get(case.name, {}))
                write(HERE, cases, results)
    except TomatoError as reason:
        raise SystemExit(str(reason)) from reason
    readme.main()
    click.echo("written: tools/bench/results.json, tools/bench/RESULTS.md and the table of README.md")
    if bad := [case.name for case in chosen if not as_expected(case, results[case.name])]:
        raise SystemExit(f"not as expected: {', '.join(bad)}")


def choose(cases: Sequence[Case], only: Sequence[str]) -> list[Case]:
    """The cases that were asked for; a whole name is that case alone. Raises TomatoError for a name that fits none."""
    names = {case.name for case in cases}

    def meant(part: str, name: str) -> bool:
        return part == name if part in names else part in name

    for part in only:
        if not any(part in case.name for case in cases):
            known = ", ".join(case.name for case in cases)
            raise TomatoError(f"no case is called {part!r}", where=CASES.name, hint=f"there are {known}")
    return [case for case in cases if not only or any(meant(part, case.name) for part in only)]


def run(case: Case, *, simulate: bool, timeout: int) -> dict[str, Any]:
    """Measure a case in a fresh process; whatever happens there becomes a result."""
    if reason := case.missing():
        return {"status": "skipped", "message": reason}
    folder = BUILD.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    result = folder / f"{case.name}.json"
    result.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "tools.bench.measure",
        case.name,
        str(result),
        *(["--simulate"] if simulate else []),
    ]
    began = time.perf_counter()
    with (folder / f"{case.name}.log").open("w", encoding="utf-8") as log:
        try:
            code = subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, timeout=timeout, check=False).returncode
        except subprocess.TimeoutExpired:
            return {"status": "failed", "message": f"not finished after {timeout} s"}
    if code == 0 and result.exists():
        found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        return found
    seconds = round(time.perf_counter() - began, 1)
    return {"status": "failed", "message": _last_line(folder / f"{case.name}.log", code), "compile_seconds": seconds}


def _last_line(log: Path, code: int) -> str:
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"ended with exit code {code}"


DESCRIBES: Final = ("interval_cycles", "latency_cycles", "multipliers", "weight_bits", "resources", "between_layers")
"""Figures of a result that are the same if the design is."""


def with_simulation(found: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """A result; where it was not simulated and predicts the same as before, with the simulation that was before."""
    same = "simulation" in before and all(found.get(key) == before.get(key) for key in DESCRIBES)
    return {**found, "simulation": before["simulation"]} if same and "simulation" not in found else dict(found)


def outcome(case: Case, result: Mapping[str, Any]) -> str:
    """One line on a result, for whoever waits for it."""
    if result["status"] != "compiled":
        return f"{result['status']}: {result['message'].splitlines()[0]}"
    text = (
        f"{result['interval_cycles']:,} cycles, {result['fps']:,.0f} fps, {result['multipliers_busy']:.0%} busy, "
        f"compiled in {result['compile_seconds']} s and {result['compile_megabytes']:,} MB"
    )
    if case.at_most:
        text += f"; goal {goal(case, result)}"
    if simulation := result.get("simulation"):
        text += f"; {simulation_outcome(simulation, result['interval_cycles'])}"
    return text


def simulation_outcome(simulation: Mapping[str, Any], predicted: int) -> str:
    """What a simulation found, in a few words."""
    if "message" in simulation:
        return str(simulation["message"]).splitlines()[0]
    if not simulation["bit_exact"]:
        return f"NOT bit-exact: {simulation['mismatches']:,} beats"
    measured = simulation["interval_cycles"]
    same = "as predicted" if measured == predicted else f"{predicted:,} predicted"
    return f"bit-exact, {measured:,.0f} cycles ({same}), {simulation['seconds']} s"


def as_expected(case: Case, result: Mapping[str, Any]) -> bool:
    """Whether a case did what cases.toml says, and its simulation agrees."""
    if result["status"] == "skipped":
        return True
    wrong = result.get("simulation", {"bit_exact": True}).get("bit_exact") is not True
    return bool(result["status"] == ("refused" if case.refused else "compiled") and not wrong)


def write(folder: Path, cases: Sequence[Case], results: Results) -> None:
    """Write results.json and RESULTS.md into a folder, in the order of the cases."""
    ordered = {case.name: results[case.name] for case in cases if case.name in results}
    stored = {"tomato": __version__, "results": ordered}
    (folder / "results.json").write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    text = document(cases, ordered, read_published(), read_naive())
    (folder / "RESULTS.md").write_text(text, encoding="utf-8")


def _previous(path: Path) -> Results:
    if not path.exists():
        return {}
    stored: Results = json.loads(path.read_text(encoding="utf-8"))["results"]
    return stored


if __name__ == "__main__":
    from tools.bench.run import main as start  # workers look for functions in modules, not in programs

    start()
