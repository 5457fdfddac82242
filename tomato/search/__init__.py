"""Choose the format of every layer: sensitivities, prices, a choice under a bound, and a check of the whole."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tomato.core.progress import Progress, silent
from tomato.quantise.precision import Precision
from tomato.search.candidates import Objective, formats
from tomato.search.curve import Point, document, picture
from tomato.search.price import Market, weight_prices
from tomato.search.search import CHECKS, MOVES, STEPS, Goal, Search
from tomato.search.sensitivity import measure
from tomato.search.subject import Subject
from tomato.targets import Target
from tomato.work import HERE, Workers

FASTER = (1.5, 2.0, 3.0)
"""For frames/s, prices are those of designs so many times as fast as that of w8a8: one bisection each."""
AUTO = "auto"
"""The precision that asks for a search."""


@dataclass(frozen=True, slots=True)
class Exploration:
    """The precision found, the rate that its design is for (None: the highest), what to tell, and files about it."""

    precision: Precision
    fps: float | None
    notes: tuple[str, ...]
    files: Mapping[str, str]
    points: tuple[Point, ...]


def explore(
    subject: Subject, target: Target, goal: Goal, *, model: str = "", shell: str = "none", workers: Workers = HERE,
    progress: Progress = silent,
) -> Exploration:  # fmt: skip
    """The best precision for the goal whose accuracy, measured on all frames, drops by no more than allowed.

    shell: what stands around the design, see `board.SHELLS`. workers: who tries; the result is the same.
    """
    clock = goal.clock_mhz or target.clock_mhz
    search = Search(subject, target, goal, clock, shell, workers)
    progress("Search: w8a8", 0, 0)
    search.add([Precision()], goal.fps)
    base = search.points[Precision()]
    rate = goal.fps or (base.fps * (1 - 1e-9) if goal.objective == "area" else None)
    forms = formats(goal.objective)
    known = measure(subject, forms, workers=workers, progress=progress)
    if goal.objective == "weights":
        lists = [weight_prices(subject, forms, known.streams)]
    else:
        rates = [rate] if rate else [base.fps * more for more in FASTER]
        intervals = [int(clock * 1e6 / r) for r in rates]
        market = Market.open(subject, forms, known.streams, target, intervals, workers=workers, progress=progress)
        lists = [market.prices(interval) for interval in intervals]
    first, total = STEPS * len(lists), STEPS * len(lists) + MOVES
    progress(CHECKS, 0, total)
    for tried in search.bisections(known, lists, rate):
        progress(CHECKS, tried, total)
    for tried in search.refine(known, lists[-1], rate):
        progress(CHECKS, first + tried, total)
    best = search.best()
    about = {
        "model": model or subject.real.name, "target": target.name, "objective": goal.objective,
        "max_drop": goal.max_drop, "frames": subject.count, "float": round(subject.accuracy, 3),
        "measure": "right" if subject.labels is not None else "as float",
    }  # fmt: skip
    points = list(search.points.values())
    plot = picture(points, search.points[best], about)
    files = {"exploration.json": document(points, search.points[best], about)}
    return Exploration(
        best, rate, tuple(_notes(search.points[best], base, about, plot=plot is not None)),
        files | ({"exploration.svg": plot} if plot else {}), tuple(points),
    )  # fmt: skip


def _notes(chosen: Point, base: Point, about: Mapping[str, Any], *, plot: bool) -> Iterator[str]:
    right = f"{chosen.right:.1f} % of the calibration frames {about['measure']}"
    if about["measure"] == "right":
        right += f", {about['float']:.1f} % in float"
    if chosen is base:
        yield f"precision auto: w8a8, nothing better stays within {about['max_drop']:g} points of float; {right}"
    else:
        yield f"precision auto: {right}; exploration.json has all that was tried"
    if not plot:
        yield "precision auto: no plot without Matplotlib; pip install 'tomato[plot]'"


__all__ = ["AUTO", "Exploration", "Goal", "Objective", "Subject", "explore"]
