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
    """By exit, the share of the frames that came so far which went on; cycles per frame that follow, None: too few."""

    shares: dict[str, float]
    interval: float | None

    @property
    def lines(self) -> list[str]:
        """In words."""
        passed = ", ".join(f"{share:.1%} went on at {name}" for name, share in self.shares.items())
        return [f"exits: {passed}"] + (
            [f"interval: {self.interval:,.0f} cycles predicted for these frames"] if self.interval else []
        )


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
    return Leaving(shares, early.average(levels, passed, ordered=early.ordered(accelerator.graph)))


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
