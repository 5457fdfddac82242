"""Choose the format of every layer: sensitivities, prices, a choice under a bound, and a check of the whole."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import exp, log

from tomato.accelerator import Progress, silent
from tomato.engines import dot
from tomato.explore.candidates import Objective, formats
from tomato.explore.choose import choose
from tomato.explore.curve import Point, document, picture
from tomato.explore.price import Prices, area_prices, share, weight_prices
from tomato.explore.sensitivity import Sensitivity, measure
from tomato.explore.subject import Subject, precision_of
from tomato.lower import lower
from tomato.passes.precision import Precision
from tomato.report import interval_cycles
from tomato.schedule import schedule
from tomato.targets import Resources, Target

STEPS = 8
"""Of the bisection; each quantises the network, runs all frames and schedules."""
FASTER = 2
"""Prices are those of a design so many times as fast as that of w8a8."""
AUTO = "auto"
"""The precision that asks for a search."""


@dataclass(frozen=True, slots=True)
class Goal:
    """max_drop: percentage points of accuracy that may be lost to the float network. fps: the rate to reach, or None.

    objective: the most frames/s that fit the target; the least LUTs and DSP blocks at `fps` or else at the rate of
    w8a8; or the fewest bits of weights.
    """

    max_drop: float = 1.0
    objective: Objective = "fps"
    clock_mhz: float | None = None
    fps: float | None = None


@dataclass(frozen=True, slots=True)
class Exploration:
    """The precision found, the rate that its design is for (None: the highest), what to tell, and files about it."""

    precision: Precision
    fps: float | None
    notes: tuple[str, ...]
    files: Mapping[str, str]
    points: tuple[Point, ...]


def explore(
    subject: Subject, target: Target, goal: Goal, *, model: str = "", progress: Progress = silent
) -> Exploration:
    """The best precision for the goal whose accuracy, measured on all frames, drops by no more than allowed."""
    clock = goal.clock_mhz or target.clock_mhz
    search = _Search(subject, target, goal, clock, {})
    progress("Search: w8a8", 0, 0)
    base = search.point(Precision(), goal.fps)
    rate = goal.fps or (base.fps * (1 - 1e-9) if goal.objective == "area" else None)
    forms = formats(goal.objective)
    known = measure(subject, forms, progress=progress)
    if goal.objective == "weights":
        prices = weight_prices(subject, forms, known.streams)
    else:
        faster = FASTER if goal.objective == "fps" else 1
        interval = int(clock * 1e6 / (rate or base.fps * faster))
        prices = area_prices(subject, forms, known.streams, target, interval, progress=progress)
    for step, bits in enumerate(search.bisect(known, prices)):
        progress("Search: check of the whole network", step, STEPS)
        search.point(bits, rate)
    progress("Search: check of the whole network", STEPS, STEPS)
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
        best, rate, tuple(_notes(search.points[best], base, goal, plot=plot is not None)),
        files | ({"exploration.svg": plot} if plot else {}), tuple(points),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """What was tried so far."""

    subject: Subject
    target: Target
    goal: Goal
    clock: float
    points: dict[Precision, Point]

    def point(self, bits: Precision, fps: float | None) -> Point:
        """Quantise, run and schedule, once."""
        if bits in self.points:
            return self.points[bits]
        graph = self.subject.quantised(bits)
        right = self.subject.right(self.subject.run(graph, self.subject.count))
        plan = schedule(graph, self.target, clock_mhz=self.clock, fps=fps)
        total = sum(lower(graph, plan, self.target).costs.values(), start=Resources())
        stored = sum(
            n.op.constants[0].values.size * dot.field_bits(n.op.constants[0], plan.layers[n.name].knobs)
            for n in graph
            if n.op.macs(graph.args_of(n))
        )
        rate = self.clock * 1e6 / interval_cycles(graph, plan)
        drop = self.subject.accuracy - right
        self.points[bits] = Point(str(bits), round(right, 3), round(drop, 3), round(rate, 2), stored, total.counts())
        return self.points[bits]

    def passes(self, point: Point) -> bool:
        return point.drop <= self.goal.max_drop

    def bisect(self, known: Sensitivity, prices: Prices) -> Iterator[Precision]:
        """Choices under bounds that get looser while the accuracy holds, and tighter where it does not."""
        losses = [*known.weights.values(), *known.activations.values()]
        low, high = min((v for v in losses if v > 0), default=1e-9), max(sum(losses), 1e-9)
        for _ in range(STEPS):
            bound = exp((log(low) + log(high)) / 2)
            bits = precision_of(choose(known, prices, bound))
            yield bits
            if self.passes(self.points[bits]):
                low = bound
            else:
                high = bound

    def best(self) -> Precision:
        """Of the points that pass the best for the goal; w8a8 if none does."""

        def rank(bits: Precision) -> tuple[float, ...]:
            point = self.points[bits]
            area = share(Resources(**point.resources), self.target.usable)
            orders = {
                "fps": (-point.fps, point.weight_bits, area),
                "area": (area, point.weight_bits),
                "weights": (point.weight_bits, area),
            }
            return orders[self.goal.objective]

        return min((b for b, p in self.points.items() if self.passes(p)), key=rank, default=Precision())


def _notes(chosen: Point, base: Point, goal: Goal, *, plot: bool) -> Iterator[str]:
    lost = f"{chosen.drop:.2f} percentage points of accuracy lost on the calibration data"
    if chosen is base:
        yield f"precision auto: nothing narrower than w8a8 stays within {goal.max_drop:g} points: w8a8 it is, {lost}"
    else:
        yield f"precision auto: {lost}, of {goal.max_drop:g} allowed; see exploration.json"
    if not plot:
        yield "no plot of the search: pip install 'tomato[plot]'"


__all__ = ["AUTO", "Exploration", "Goal", "Objective", "Subject", "explore"]
