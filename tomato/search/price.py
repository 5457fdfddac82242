"""What each format of each layer costs on the target, at a common speed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from tomato.core.progress import Progress, silent
from tomato.quantise.precision import LayerFormat, Precision
from tomato.schedule.offers import Option
from tomato.schedule.scheduler import options
from tomato.search.candidates import KNOWN, WIDTHS
from tomato.search.sensitivity import Stream
from tomato.search.subject import Subject, precision_of
from tomato.targets import Resources, Target

STORAGE = 0.1
"""Price of storing all weights at 8 bits, in shares of the chip: decides between formats that multiply alike."""
Layers = Mapping[tuple[str, LayerFormat, int], float]


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
    """All options of all nodes: at every format and width of inputs throughout, and with one stream narrowed."""

    target: Target
    storage: Layers
    uniform: Mapping[tuple[LayerFormat, int], Mapping[str, Sequence[Option]]]
    narrowed: Mapping[tuple[int, int], Mapping[str, Sequence[Option]]]

    @classmethod
    def open(
        cls, subject: Subject, forms: Sequence[LayerFormat], paths: Sequence[Stream], target: Target,
        *, progress: Progress = silent,
    ) -> Self:  # fmt: skip
        """Weights are rounded to the nearest here: prices follow from their alphabet."""

        def offers(bits: Precision) -> Mapping[str, Sequence[Option]]:
            return options(subject.quantised(bits, compensate=False), target)

        pairs = [(form, width) for form in forms for width in WIDTHS]
        uniform = {}
        for done, (form, width) in enumerate(pairs):
            progress("Search: cost on the target", done, len(pairs))
            both = LayerFormat(form.weight_bits, width, form.kind)
            uniform[form, width] = offers(Precision(overrides={"*": both}))
        narrowed = {
            (i, width): offers(precision_of(path.formats(width))) for i, path in enumerate(paths) for width in WIDTHS
        }
        return cls(target, weight_prices(subject, forms, paths).layers, uniform, narrowed)

    def prices(self, interval: int) -> Prices:
        """In shares of LUTs and DSP blocks, of the cheapest options that take at most `interval` cycles a frame."""
        names = {name for name, _, _ in self.storage}
        layers = {
            (name, form, width): self._least(given[name], interval) + STORAGE * self.storage[name, form, width]
            for (form, width), given in self.uniform.items()
            for name in names
        }
        besides = {
            key: sum(self._least(options, interval) for name, options in given.items() if name not in names)
            for key, given in self.narrowed.items()
        }
        return Prices(layers, {(i, a): p - besides[i, KNOWN.activation_bits] for (i, a), p in besides.items()})

    def _least(self, given: Sequence[Option], interval: int) -> float:
        """At this speed, or at the highest there is."""
        limit = max(interval, min(o.cycles for o in given))
        return min(share(o.cost, self.target.usable) for o in given if o.cycles <= limit)
