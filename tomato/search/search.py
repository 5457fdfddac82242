"""The points that a search tries: each a precision, checked on the whole network and scheduled on the target."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
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

STEPS = 6
"""Of each bisection; each quantises the network, runs all frames and schedules."""
MOVES = 16
"""Single layers that are narrowed, one after the other, where the bisections ended."""


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


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """What was tried so far: `points`, w8a8 the first. shell: what stands around the design, see `board.SHELLS`."""

    subject: Subject
    target: Target
    goal: Goal
    clock_mhz: float
    shell: str = "none"
    points: dict[Precision, Point] = field(default_factory=dict)

    def point(self, bits: Precision, fps: float | None) -> Point:
        """Quantise, run and schedule, once."""
        if bits in self.points:
            return self.points[bits]
        graph = self.subject.quantised(bits)
        right = self.subject.right(self.subject.run(graph, self.subject.count))
        around = board.around(self.shell, self.target)
        plan = schedule(graph, self.target, clock_mhz=self.clock_mhz, fps=fps, around=around)
        lowered = lower(graph, plan, self.target)
        total = sum(lowered.costs.values(), start=Resources())
        stored = sum(unit.weight_bits for unit in lowered.units.values())
        rate = self.clock_mhz * 1e6 / interval_cycles(lowered.units, lowered.routes.links)
        drop = self.subject.accuracy - right
        self.points[bits] = Point(str(bits), round(right, 3), round(drop, 3), round(rate, 2), stored, total.counts())
        return self.points[bits]

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

    def bisect(self, known: Sensitivity, prices: Prices) -> Iterator[Precision]:
        """Choices under bounds that get looser while the accuracy holds, and tighter where it does not.

        The caller adds each as a point before it asks for the next; so with `refine`.
        """
        losses = [*known.weights.values(), *known.activations.values()]
        low, high = min((v for v in losses if v > 0), default=1e-9), max(sum(losses), 1e-9)
        for _ in range(STEPS):
            bound = exp((log(low) + log(high)) / 2)
            bits = precision_of(choose(known, prices, bound))
            yield bits
            if self.passes(bits):
                low = bound
            else:
                high = bound

    def refine(self, known: Sensitivity, prices: Prices) -> Iterator[Precision]:
        """From the best point on: single layers in cheaper weights, those first that lose least for what they save."""
        best = self.best()
        sources = [name for name, _ in self.subject.real.inputs] + [n.name for n in self.subject.layers]
        formats = {name: best.named(name) for name in sources}
        failed: set[tuple[str, LayerFormat]] = set()
        for _ in range(MOVES):
            moves = sorted((m for m in _moves(formats, known, prices) if m[1:] not in failed), key=lambda m: m[0])
            if not moves:
                return
            _, name, form = moves[0]
            moved = formats | {name: replace(form, activation_bits=formats[name].activation_bits)}
            bits = precision_of(moved)
            yield bits
            if self.passes(bits) and self._rank(bits) <= self._rank(best):
                best, formats = bits, moved
            else:
                failed.add((name, form))


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
