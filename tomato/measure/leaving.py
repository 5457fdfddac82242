"""Frames that left early: how many where, and how fast the hardware should have been for just these."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tomato.accelerator import Accelerator
from tomato.core.formats import Array
from tomato.ops.exits import Sure
from tomato.schedule import early
from tomato.schedule.rates import rates_of


@dataclass(frozen=True, slots=True)
class Leaving:
    """By exit, the share of the frames that came so far which went on; what is predicted for just these frames.

    interval_cycles: None for too few frames. latency_cycles: of the first result.
    """

    shares: dict[str, float]
    interval_cycles: float | None
    latency_cycles: int


def leaving(accelerator: Accelerator, frames: Sequence[Array], count: int) -> Leaving | None:
    """What became of `count` frames, as the chip takes them, again and again; None for a network without exits."""
    names = list(accelerator.plan.exits)
    if not names:
        return None
    passed = passes(accelerator, frames, count)
    lowered = accelerator.lowered
    levels = early.levels(accelerator.graph, lowered.units, lowered.routes, rates_of(accelerator.graph))
    come = [sum(n >= i for n in passed) for i in range(len(names) + 1)]
    shares = {name: come[i + 1] / max(1, come[i]) for i, name in enumerate(names)}
    ordered = early.ordered(accelerator.graph)
    met = early.average(levels, passed, ordered=ordered)
    report = accelerator.report
    through = [*(door["latency_cycles"] for door in report["exits"]), report["latency_cycles"]]
    left = early.departures(levels, passed, ordered=ordered)
    first = min(range(count), key=left.__getitem__)
    came = first * levels[0].interval
    return Leaving(shares, None if met is None else round(met, 2), came + through[passed[first]])


def passes(accelerator: Accelerator, frames: Sequence[Array], count: int) -> list[int]:
    """How many exits each of `count` frames passes."""
    bits = {node.name: list[Array]() for node in accelerator.graph if isinstance(node.op, Sure)}

    def watch(name: str, values: Array) -> None:
        if name in bits:
            bits[name].append(values.reshape(-1))

    accelerator.run(accelerator.encode(*(f[:count] for f in frames)), watch=watch)
    on = np.stack([np.concatenate(parts) == 0 for parts in bits.values()], axis=1)
    found = np.minimum.accumulate(on, axis=1).sum(axis=1)
    return [int(n) for n in np.resize(found, count)]
