"""What a network is worth for few-shot learning: its price, and how many queries it has right after adaptation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch

from tomato.search.few.data import Pool, Sets, Task
from tomato.search.network.candidates import Candidate
from tomato.search.network.layers import Layer, counts
from tomato.search.network.price import Market
from tomato.search.network.space import Genes
from tomato.train.few.adapt import Adapting, Rates, classes
from tomato.train.search.supernet import Supernet

NORMALISED: Final = 200
"""Frames of the classes that are meta-trained on, by which batch normalisation is measured."""
JUDGED, REPORTED = 80, 600
"""Tasks that a network is chosen by, and reported on."""
BESIDE = 5
"""Tasks that are played at once."""
SURE: Final = 1.96
"""Standard errors of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Share:
    """Queries that are right, of many tasks: the mean, and half of its 95 % interval."""

    mean: float
    half: float

    @classmethod
    def of(cls, found: Sequence[float]) -> "Share":
        """Of the shares in each task."""
        half = SURE * float(np.std(found)) / max(1, len(found)) ** 0.5
        return cls(round(float(np.mean(found)), 6), round(half, 6))


@dataclass
class FewAppraiser:
    """Looks at one network. Nothing depends on which ones were looked at before: any process may."""

    net: Supernet
    rates: Rates
    market: Market
    sets: Sets
    task: Task
    seed: int = 0

    def __post_init__(self) -> None:
        self.x = torch.from_numpy(self.sets.train.some(NORMALISED, np.random.default_rng([self.seed, 6])))

    def __call__(self, genes: Genes) -> Candidate:
        """A network as a candidate."""
        layers = self.net.layers(genes)
        price = self.market.price(layers)
        right = None if price.refused else self.share(layers, self.sets.choice, JUDGED).mean
        counted = counts(layers, self.market.frame)
        return Candidate(genes, str(self.net.space.decode(genes)), counted, price, right)

    def adapting(self, layers: Sequence[Layer], times: int = 1) -> Adapting:
        """A network that will be adapted to so many tasks."""
        parts = self.net.parts(layers)
        with torch.no_grad():
            rates = self.rates.of(parts)
        return Adapting(layers, parts, self.net.statistics(layers, self.x), rates, self.task.ways, times)

    def share(self, layers: Sequence[Layer], pool: Pool, tasks: int) -> Share:
        """What a network has right of so many tasks of a pool, which are the same for all networks."""
        rng, found = np.random.default_rng([self.seed, 7]), list[float]()
        while len(found) < tasks:
            times = min(BESIDE, tasks - len(found))
            learned, asked = map(torch.from_numpy, pool.beside(self.task, rng, times))
            adapting = self.adapting(layers, times)
            values = adapting.adapted(learned, classes(self.task.ways, len(learned)))
            with torch.no_grad():
                best = adapting.scores(values, asked).argmax(2)
            right = best == classes(self.task.ways, len(asked))[:, None]
            found += right.double().mean(0).tolist()
        return Share.of(found)
