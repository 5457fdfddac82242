"""What each format of each layer alone costs in accuracy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from tomato.core.ir import Graph
from tomato.core.progress import Progress, silent
from tomato.passes.groups import partition
from tomato.quantise.precision import LayerFormat, Precision
from tomato.quantise.separate_inputs import separate_inputs
from tomato.quantise.share_encodings import tie
from tomato.search.candidates import KNOWN, WIDTHS
from tomato.search.subject import Subject, precision_of
from tomato.work import HERE, Workers

FRAMES = 128
"""Frames that sensitivities are measured on."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Activations that must have one width, because some layer meets them together.

    sources: layers and inputs that give them. readers: layers whose inputs they are.
    """

    sources: tuple[str, ...]
    readers: frozenset[str]

    def formats(self, bits: int) -> dict[str, LayerFormat]:
        """Those of the sources, weights of 8 bits."""
        return {name: replace(KNOWN, activation_bits=bits) for name in self.sources}


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Losses beyond that of w8a8: of a layer's weights, and of a stream (by its place in `streams`) at a width."""

    streams: tuple[Stream, ...]
    weights: Mapping[tuple[str, LayerFormat], float]
    activations: Mapping[tuple[int, int], float]


def streams(subject: Subject) -> tuple[Stream, ...]:
    """Who reads what layers and inputs give, found by narrowing one after the other, or all that share their codes."""
    names = {n.name for n in subject.layers}
    base = _arguments(subject.quantised(precision_of({}), compensate=False), names)
    found: list[Stream] = []
    for sources in _tied(subject.real, names):
        alone = Stream(sources, frozenset())
        narrow = _arguments(subject.quantised(precision_of(alone.formats(WIDTHS[-1])), compensate=False), names)
        readers = frozenset(name for name in names if narrow[name] != base[name])
        if readers:
            met = [s for s in found if s.readers & readers]
            found = [s for s in found if s not in met]
            both = (*(n for s in met for n in s.sources), *sources)
            found.append(Stream(both, readers.union(*(s.readers for s in met))))
    return tuple(found)


def _tied(graph: Graph, layers: set[str]) -> list[tuple[str, ...]]:
    """Inputs and layers, those together whose codes only move until they meet."""
    real = separate_inputs(graph)
    representative = tie(real)
    sources: dict[str, list[str]] = {representative[name]: [name] for name, _ in real.inputs}
    for group in partition(real):
        if group.head.name in layers:
            sources.setdefault(representative[group.output], []).append(group.head.name)
    return [tuple(names) for names in sources.values()]


def _arguments(graph: Graph, names: set[str]) -> dict[str, int]:
    """Bits of the codes that layers read."""
    return {n.name: graph.types[n.args[0]].codes.bits for n in graph if n.name in names}


def measure(
    subject: Subject, forms: Sequence[LayerFormat], *, workers: Workers = HERE, progress: Progress = silent
) -> Sensitivity:
    """Losses of every layer in every format, and of every stream at every width, alone."""
    paths = streams(subject)
    trials: dict[tuple[str, LayerFormat] | tuple[int, int], Precision] = {}
    for node in subject.layers:
        trials |= {(node.name, form): precision_of({node.name: form}) for form in forms if form != KNOWN}
    for i, path in enumerate(paths):
        trials |= {(i, bits): precision_of(path.formats(bits)) for bits in WIDTHS if bits != KNOWN.activation_bits}
    tasks = [Precision(), *trials.values()]
    least, *losses = workers.map(partial(_loss, subject), tasks, progress, what="Search: sensitivity")
    weights, activations = {}, {}
    for key, loss in zip(trials, losses, strict=True):
        more = max(0.0, loss - least)
        if isinstance(key[1], LayerFormat):
            weights[str(key[0]), key[1]] = more
        else:
            activations[int(key[0]), key[1]] = more
    weights |= {(n.name, KNOWN): 0.0 for n in subject.layers}
    activations |= {(i, KNOWN.activation_bits): 0.0 for i in range(len(paths))}
    return Sensitivity(paths, weights, activations)


def _loss(subject: Subject, bits: Precision) -> float:
    """How far the network at a precision is from the real one."""
    return subject.loss(subject.run(subject.quantised(bits), min(FRAMES, subject.count)))
