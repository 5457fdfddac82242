"""Unrollings of layers of which many weights are zero: which are worth a list of reads."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from tomato.core.formats import Array
from tomato.engines.base import Knobs, Site, beats
from tomato.engines.parts import kept
from tomato.ops.dense import Dense

WORTH = 0.9
"""Words that are left, of all: with more of them the list is not worth its memory."""
Candidate = tuple[int, int, Knobs, Array]
"""Cycles, multipliers, knobs, reads of every pass."""


def zeros(site: Site[Any]) -> kept.Zeros:
    """Where the weights of a layer are zero."""
    op = site.op
    dense = isinstance(op, Dense)
    return kept.zeros(op.weight, 1 if dense else op.groups, depthwise=not dense and op.depthwise)


def taps(shape: Knobs) -> tuple[bool, bool]:
    """Whether all kernel rows, all kernel columns are read at once."""
    return bool(shape.get("parallel_rows", 0)), bool(shape.get("parallel_columns", 0))


def lanes_out(shape: Knobs) -> int:
    """Filters of a word."""
    return shape.get("lanes") or shape["lanes_out"]


@lru_cache(maxsize=4)  # a plan that is read asks of each layer more than once
def shapes(site: Site[Any], unrollings: Callable[[Site[Any]], list[Knobs]]) -> tuple[tuple[Knobs, Array], ...]:
    """Every unrolling that is worth its list, unless another is as fast with as few multipliers; its passes' reads."""
    alike: dict[tuple[tuple[bool, bool], int], list[Knobs]] = defaultdict(list)
    for shape in unrollings(site):
        if shape.get("pixels", 1) == 1:
            alike[taps(shape), lanes_out(shape)].append(shape)
    found: dict[tuple[tuple[bool, bool], bool], list[Candidate]] = defaultdict(list)
    for (together, filters), same in alike.items():
        folded = kept.of_filters(zeros(site).within(together), filters)
        reads = kept.of_inputs(folded)
        for shape in same:
            lanes = shape.get("lanes_in", 1)
            for lists in _lists(site, shape):
                passes = kept.passes(folded, lanes) if lists == 1 else kept.passes_apart(reads, lanes)
                found[together, lists > 1] += _worth(site, shape, lists, passes, folded)
    return tuple(choice for candidates in found.values() for choice in _fastest(candidates))


def _worth(site: Site[Any], shape: Knobs, lists: int, passes: Array, folded: Array) -> list[Candidate]:
    """An unrolling in beats of one word, or of as many as the reads keep up with; none if nearly all words are left."""
    lanes = shape.get("lanes_in", 1)
    words, steps = int(passes.sum()), folded.shape[0]
    count = beats(folded.shape[1] - 1, lanes)
    if words > WORTH * len(passes) * steps * count:
        return []
    coming, reads = site.arg.pixels * beats(site.arg.channels, shape.get("lanes", lanes)), site.out.pixels * words
    fast = (1 << n for n in range((count - 1).bit_length() + 1))
    enough = next((p for p in fast if site.arg.pixels * beats(count, p) <= reads), 1) if _alone(site) else 1
    made = {1: coming, enough: reads if enough > 1 else coming}
    return [
        (max(come, reads), lanes * lanes_out(shape), {**shape, "parts": parts, "lists": lists}, passes)
        for parts, come in made.items()
    ]


def _fastest(candidates: list[Candidate]) -> Iterator[tuple[Knobs, Array]]:
    """Those for which no other one is as fast with as few multipliers: their knobs and reads."""
    fewest = float("inf")
    for _, multipliers, shape, passes in sorted(candidates, key=lambda c: (c[0], c[1], c[2]["parts"])):
        if multipliers < fewest:
            fewest = multipliers
            yield shape, passes


def _alone(site: Site[Any]) -> bool:
    """Whether every filter sees all channels."""
    return isinstance(site.op, Dense) or (site.op.groups == 1 and not site.op.depthwise)


def _lists(site: Site[Any], shape: Knobs) -> list[int]:
    """The numbers of lists worth trying: one, and one for each lane."""
    return sorted({1, shape["lanes_in"]}) if _alone(site) else [1]
