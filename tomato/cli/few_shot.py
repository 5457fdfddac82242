"""`tomato search --shots`: what its options mean there, and what it tells."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from tomato.cli.show import console, say, table
from tomato.core.errors import TomatoError
from tomato.core.progress import Progress
from tomato.work import Workers

SPACE: Final = "few"


def refuse_others(given: Sequence[str], *, on_graph: bool) -> None:
    """Raise TomatoError for an option that says nothing of few-shot learning."""
    if on_graph:
        raise TomatoError("--shots says nothing of a search on a graph", hint="leave out --shots, or --space")
    hints = {
        "--valid": "classes that nothing is chosen by are set aside for that",
        "--weights": "searches with one output share their weights",
        "--hours": "--epochs, --candidates and --tune say how long a search takes",
    }
    for name in given:
        if name in hints:
            raise TomatoError(f"{name} says nothing of few-shot learning", hint=hints[name])
        if name == "--nodes":
            raise TomatoError("--nodes says something of graphs alone", hint="--space graph")


def run(
    options: Mapping[str, Any], workers: Workers, progress: Progress, told: Callable[[str], None]
) -> dict[str, Any]:
    """Search with the options of the command, by their names there; None is what is not said."""
    from tomato.train.few.command import WISH, FewAsked, Task, search_few

    given = {name: value for name, value in options.items() if value is not None}
    task = Task(**{name: given.pop(name) for name in ("ways", "shots") if name in given})
    names = "epochs", "count", "tune", "winners", "seed", "strategy"
    objectives = given.pop("objectives") or (("area",) if "fps" in given else ("fps",))
    wish = replace(WISH, objectives=objectives, **{name: given.pop(name) for name in names if name in given})
    return search_few(FewAsked(task=task, **given), wish, workers=workers, progress=progress, told=told)


def show(result: Mapping[str, Any]) -> None:
    """The networks that were adapted and compiled, and what was written."""
    out = console()
    columns = ("% right", "on codes", "task", "MACs", "frames/s", "cycles", "LUT", "DSP", "BRAM18")
    made = table("network", "stages", *columns, right=("network", *columns))
    for row in result["trained"]:
        used = (f"{row['resources'].get(kind, 0):,}" for kind in ("lut", "dsp", "bram18"))
        task = "" if row["right"] is None else f"{100 * row['right']:.0f}"
        made.add_row(row["folder"], row["network"], f"{100 * row['accuracy']:.1f} ± {100 * row['half']:.1f}",
                     f"{100 * (row['coded'] - row['coded_float']):+.1f}", task, f"{row['macs']:,}",
                     f"{row['fps']:,.0f}", f"{row['interval']:,}", *used)  # fmt: skip
    out.print(made)
    say(
        out,
        f"% right: of {result['tasks']} tasks, {result['ways']}-way {result['shots']}-shot, of "
        f"{result['classes']['reporting']} classes that nothing was trained on or chosen by; 95 % interval",
    )
    say(out, "on codes: what that is more or less where networks are put on codes, of 20 of the tasks; task: of the "
             "queries of the task that the accelerator is for, as it computes them")  # fmt: skip
    say(out, f"{result['candidates']:,} networks priced by the scheduler, {result['fit']:,} fit and were tried, "
             f"{len(result['front'])} in the front")  # fmt: skip
    wrong, codes = (sum(row[key] for row in result["trained"]) for key in ("differing", "codes"))
    say(out, f"checked: {wrong} of {codes:,} codes of the compiled networks differ from the adapted networks'")
    if simulated := sum(row["simulated"] for row in result["trained"]):
        say(out, f"bit-exact in simulation: {simulated} frames")
    say(out, f"written: {', '.join(result['written'])}")
