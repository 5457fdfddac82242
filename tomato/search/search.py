"""The points that a search tries: each a precision, checked on the whole network and scheduled on the target."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from math import exp, log

from tomato import board
from tomato.lower import lower
from tomato.quantise.precision import LayerFormat, Precision
from tomato.schedule import schedule
from tomato.schedule.streams import interval_cycles
from tomato.search.candidates import KNOWN, Objective
from tomato.search.choose import choose
from tomato.search.curve import Point
from tomato.search.price import Prices, share
from tomato.search.sensitivity import Sensitivity
from tomato.search.subject import Subject, precision_of
from tomato.targets import Resources, Target
from tomato.work import HERE, Workers

STEPS = 6
"""Of each bisection; each quantises the network, runs all frames and schedules."""
MOVES = 16
"""Single layers that are narrowed, one after the other, where the bisections ended."""
CHECKS = "Search: check of the whole network"
"""What progress and errors call it."""


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
class Check:
    """What a precision gives: the network quantised, run on all frames, and scheduled."""

    subject: Subject
    target: Target
    clock_mhz: float
    shell: str

    def point(self, task: tuple[Precision, float | None]) -> Point:
        """For a precision and the rate that is wanted, or None."""
        bits, fps = task
        graph = self.subject.quantised(bits)
        right = self.subject.right(self.subject.run(graph, self.subject.count))
        around = board.around(self.shell, self.target)
        plan = schedule(graph, self.target, clock_mhz=self.clock_mhz, fps=fps, around=around)
        lowered = lower(graph, plan, self.target)
        total = sum(lowered.costs.values(), start=Resources())
        stored = sum(unit.weight_bits for unit in lowered.units.values())
        rate = self.clock_mhz * 1e6 / interval_cycles(lowered.units, lowered.routes.links)
        drop = self.subject.accuracy - right
        return Point(str(bits), round(right, 3), round(drop, 3), round(rate, 2), stored, total.counts())


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """What was tried so far: `points`, w8a8 the first. shell: what stands around the design, see `board.SHELLS`.

    known: points that workers who had nothing else to do found in advance.
    """

    subject: Subject
    target: Target
    goal: Goal
    clock_mhz: float
    shell: str = "none"
    workers: Workers = HERE
    points: dict[Precision, Point] = field(default_factory=dict)
    known: dict[Precision, Point] = field(default_factory=dict)

    def add(self, tried: Sequence[Precision], fps: float | None, likely: Sequence[Precision] = ()) -> None:
        """Check precisions at the same time, each once; of `likely` ones as many as workers are left for them."""
        wanted = [*dict.fromkeys(bits for bits in tried if bits not in self.known)]
        if wanted:
            more = [bits for bits in dict.fromkeys(likely) if bits not in self.known and bits not in wanted]
            wanted += more[: max(0, self.workers.count - len(wanted))]
            check = Check(self.subject, self.target, self.clock_mhz, self.shell)
            tasks = [(bits, fps) for bits in wanted]
            found = self.workers.map(check.point, tasks, what=CHECKS, name=_named)
            self.known.update(zip(wanted, found, strict=True))
        self.points.update((bits, self.known[bits]) for bits in tried)

    def passes(self, bits: Precision) -> bool:
        """Whether a point keeps the accuracy that it must."""
        return self.points[bits].drop <= self.goal.max_drop

    def best(self) -> Precision:
        """Of the points that pass the best for the goal; w8a8 if none does."""
        return min(filter(self.passes, self.points), key=self._rank, default=Precision())

    def _rank(self, bits: Precision) -> tuple[float, ...]:
        point = self.points[bits]
        area = share(Resources(**point.resources), self.target.usable)
        orders = {
            "fps": (-point.fps, point.weight_bits, area),
            "area": (area, point.weight_bits),
            "weights": (point.weight_bits, area),
        }
        return orders[self.goal.objective]

    def bisections(self, known: Sensitivity, lists: Sequence[Prices], fps: float | None) -> Iterator[int]:
        """One for each list of prices, all at the same time; yields how many points were tried."""
        paths = [self._bisect(known, prices) for prices in lists]
        before, tried = list(self.points), [list[Precision]() for _ in lists]
        for step in range(STEPS):
            for path, column in zip(paths, tried, strict=True):
                column.append(next(path))
            self.add([column[-1] for column in tried], fps)
            yield (step + 1) * len(lists)
        order = dict.fromkeys([*before, *chain(*tried)])  # list by list
        points = {bits: self.points[bits] for bits in order}
        self.points.clear()
        self.points.update(points)

    def _bisect(self, known: Sensitivity, prices: Prices) -> Iterator[Precision]:
        """Choices under bounds that get looser while the accuracy holds, and tighter where it does not.

        The caller adds each as a point before it asks for the next.
        """
        losses = [*known.weights.values(), *known.activations.values()]
        low, high = min((v for v in losses if v > 0), default=1e-9), max(sum(losses), 1e-9)
        while True:
            bound = exp((log(low) + log(high)) / 2)
            bits = precision_of(choose(known, prices, bound))
            yield bits
            if self.passes(bits):
                low = bound
            else:
                high = bound

    def refine(self, known: Sensitivity, prices: Prices, fps: float | None) -> Iterator[int]:
        """From the best point on: single layers in cheaper weights, those first that lose least for what they save.

        Yields how many points were tried. Most moves fail, so workers that are free try those that come next then.
        """
        best = self.best()
        sources = [name for name, _ in self.subject.real.inputs] + [n.name for n in self.subject.layers]
        formats = {name: best.named(name) for name in sources}
        failed: set[tuple[str, LayerFormat]] = set()
        for step in range(MOVES):
            moves = sorted((m for m in _moves(formats, known, prices) if m[1:] not in failed), key=lambda m: m[0])
            if not moves:
                return
            tries = [_moved(formats, name, form) for _, name, form in moves[: MOVES - step]]
            bits, *likely = (precision_of(moved) for moved in tries)
            self.add([bits], fps, likely)
            yield step + 1
            if self.passes(bits) and self._rank(bits) <= self._rank(best):
                best, formats = bits, tries[0]
            else:
                failed.add(moves[0][1:])


def _named(task: tuple[Precision, float | None]) -> str:
    return str(task[0])


def _moved(formats: dict[str, LayerFormat], name: str, form: LayerFormat) -> dict[str, LayerFormat]:
    """With a layer's weights in another format."""
    return formats | {name: replace(form, activation_bits=formats[name].activation_bits)}


def _moves(
    formats: dict[str, LayerFormat], known: Sensitivity, prices: Prices
) -> Iterator[tuple[float, str, LayerFormat]]:
    """Loss for what is saved, layer and format of weights, of every cheaper format of a layer."""
    width = {r: formats[path.sources[0]].activation_bits for path in known.streams for r in path.readers}
    for (name, form, bits), price in prices.layers.items():
        now = replace(formats[name], activation_bits=KNOWN.activation_bits)
        saved = prices.layers[name, now, bits] - price
        if bits == width.get(name, KNOWN.activation_bits) and saved > 0.0:
            yield (known.weights[name, form] - known.weights[name, now]) / saved, name, form
