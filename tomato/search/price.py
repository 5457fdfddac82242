"""What each format of each layer costs on the target, at a common speed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

from tomato.core.progress import Progress, silent
from tomato.quantise.precision import LayerFormat, Precision
from tomato.schedule.offers import Option
from tomato.schedule.scheduler import options
from tomato.search.candidates import KNOWN, WIDTHS
from tomato.search.sensitivity import Stream
from tomato.search.subject import Subject, precision_of
from tomato.targets import Resources, Target
from tomato.work import HERE, Workers

STORAGE = 0.1
"""Price of storing all weights at 8 bits, in shares of the chip: decides between formats that multiply alike."""
Layers = Mapping[tuple[str, LayerFormat, int], float]
Least = Mapping[str, Mapping[int, float]]
"""By the node's name and the interval."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Of a layer by weights and width of its inputs; of what a stream passes besides, by its width."""

    layers: Layers
    streams: Mapping[tuple[int, int], float]


def share(cost: Resources, budget: Resources) -> float:
    """Of the LUTs and of the DSP blocks of the budget, added up."""
    return cost.lut / max(budget.lut, 1) + cost.dsp / max(budget.dsp, 1)


def weight_prices(subject: Subject, forms: Sequence[LayerFormat], paths: Sequence[Stream]) -> Prices:
    """In parts of the bits that all weights take at 8 bits; narrower activations gain nothing."""
    sizes = {n.name: sum(w.values.size for w in n.op.weights.values()) for n in subject.layers}
    total = 8 * sum(sizes.values())
    layers = {(name, f, a): size * f.weight_bits / total for name, size in sizes.items() for f in forms for a in WIDTHS}
    return Prices(layers, {(i, a): float(a != KNOWN.activation_bits) for i in range(len(paths)) for a in WIDTHS})


@dataclass(frozen=True, slots=True)
class Market:
    """The least price of every node at some intervals.

    uniform: at every format and width of inputs throughout. narrowed: with one stream narrowed.
    """

    storage: Layers
    uniform: Mapping[tuple[LayerFormat, int], Least]
    narrowed: Mapping[tuple[int, int], Least]

    @classmethod
    def open(
        cls, subject: Subject, forms: Sequence[LayerFormat], paths: Sequence[Stream], target: Target,
        intervals: Sequence[int], *, workers: Workers = HERE, progress: Progress = silent,
    ) -> Self:  # fmt: skip
        """Of the cheapest options that take at most an interval's cycles a frame."""
        both = {(f, width): LayerFormat(f.weight_bits, width, f.kind) for f in forms for width in WIDTHS}
        uniform = {key: Precision(overrides={"*": form}) for key, form in both.items()}
        narrowed = {(i, width): precision_of(path.formats(width)) for i, path in enumerate(paths) for width in WIDTHS}
        tasks = [*uniform.values(), *narrowed.values()]
        least = partial(_least, subject, target, tuple(intervals))
        found = workers.map(least, tasks, progress, what="Search: cost on the target")
        first, second = found[: len(uniform)], found[len(uniform) :]
        storage = weight_prices(subject, forms, paths).layers
        return cls(storage, dict(zip(uniform, first, strict=True)), dict(zip(narrowed, second, strict=True)))

    def prices(self, interval: int) -> Prices:
        """In shares of LUTs and DSP blocks, at one of the intervals."""
        names = {name for name, _, _ in self.storage}
        layers = {
            (name, form, width): given[name][interval] + STORAGE * self.storage[name, form, width]
            for (form, width), given in self.uniform.items()
            for name in names
        }
        besides = {
            key: sum(least[interval] for name, least in given.items() if name not in names)
            for key, given in self.narrowed.items()
        }
        return Prices(layers, {(i, a): p - besides[i, KNOWN.activation_bits] for (i, a), p in besides.items()})


def _least(subject: Subject, target: Target, intervals: Sequence[int], bits: Precision) -> Least:
    """At each interval, or the shortest there is. Weights are rounded to the nearest: prices follow from alphabets."""
    found = options(subject.quantised(bits, compensate=False), target)
    return {name: {i: _price(given, i, target.usable) for i in intervals} for name, given in found.items()}


def _price(given: Sequence[Option], interval: int, usable: Resources) -> float:
    limit = max(interval, min(o.cycles for o in given))
    return min(share(o.cost, usable) for o in given if o.cycles <= limit)
