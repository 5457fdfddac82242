"""What each format of each layer costs on the target, at a common speed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tomato.accelerator import Progress, silent
from tomato.explore.candidates import KNOWN, WIDTHS
from tomato.explore.sensitivity import Stream
from tomato.explore.subject import Subject, precision_of
from tomato.passes.precision import LayerFormat, Precision
from tomato.schedule.scheduler import Option, options
from tomato.targets import Resources, Target


@dataclass(frozen=True, slots=True)
class Prices:
    """Of a layer by weights and width of its inputs; of what a stream passes besides, by its width."""

    layers: Mapping[tuple[str, LayerFormat, int], float]
    streams: Mapping[tuple[int, int], float]


def share(cost: Resources, budget: Resources) -> float:
    """Of the LUTs and of the DSP blocks of the budget, added up."""
    return cost.lut / max(budget.lut, 1) + cost.dsp / max(budget.dsp, 1)


def weight_prices(subject: Subject, forms: Sequence[LayerFormat], paths: Sequence[Stream]) -> Prices:
    """In bits of weights: activations cost nothing."""
    sizes = {n.name: n.op.constants[0].values.size for n in subject.layers}
    layers = {(name, f, a): float(size * f.weight_bits) for name, size in sizes.items() for f in forms for a in WIDTHS}
    return Prices(layers, {(i, a): 0.0 for i in range(len(paths)) for a in WIDTHS})


def area_prices(
    subject: Subject, forms: Sequence[LayerFormat], paths: Sequence[Stream], target: Target, interval: int,
    *, progress: Progress = silent,
) -> Prices:  # fmt: skip
    """In shares of LUTs and DSP blocks, of the cheapest options that take at most `interval` cycles a frame."""

    def prices(bits: Precision) -> dict[str, float]:
        graph = subject.quantised(bits, compensate=False)
        return {name: cheapest(given, interval, target) for name, given in options(graph, target).items()}

    names = {n.name for n in subject.layers}
    layers: dict[tuple[str, LayerFormat, int], float] = {}
    pairs = [(form, width) for form in forms for width in WIDTHS]
    for done, (form, width) in enumerate(pairs):
        progress("Search: cost on the target", done, len(pairs))
        both = LayerFormat(form.weight_bits, width, form.kind)
        found = prices(Precision(overrides={"*": both}))
        layers |= {(name, form, width): found[name] for name in names}
    besides: dict[tuple[int, int], float] = {}
    base = prices(precision_of({}))
    for i, path in enumerate(paths):
        for width in WIDTHS:
            found = base if width == KNOWN.activation_bits else prices(precision_of(path.formats(width)))
            besides[i, width] = sum(p - base.get(name, 0.0) for name, p in found.items() if name not in names)
    return Prices(layers, besides)


def cheapest(given: Sequence[Option], interval: int, target: Target) -> float:
    """The least share at this speed, or at the highest there is."""
    limit = max(interval, min(o.cycles for o in given))
    return min(share(o.cost, target.usable) for o in given if o.cycles <= limit)
