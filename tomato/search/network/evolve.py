"""NSGA-II over genes (Deb et al., A Fast and Elitist Multiobjective Genetic Algorithm, 2002), feasibility first.

Every generation has a random generator of its own, so a search that is taken up again asks for the same networks.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from tomato.core.formats import Array
from tomato.core.ir import Shape
from tomato.search.network.space import Genes, Space

Strategy = Literal["evolve", "random"]
MUTATION = 0.12
"""Part of a child's genes that are drawn anew, one at least."""
CROSSED = 0.9
"""Part of the children that have two parents."""
TRIES = 50
"""Attempts at a child that has not been tried; then a network is drawn."""


@dataclass(frozen=True, slots=True)
class Fitness:
    """What selection looks at: objectives, the less the better, and by how much a network is not allowed (0: it is)."""

    objectives: tuple[float, ...]
    violation: float = 0.0


Found = TypeVar("Found")


def ranks(found: Sequence[Fitness]) -> Array:
    """The front that each is in, 0 the best: those that only members of earlier fronts beat.

    What is allowed beats what is not, and what is less far from it; else one that is as good in everything, and better
    in something.
    """
    wrong = np.array([f.violation for f in found])
    beaten = wrong[:, None] < wrong[None]
    good = [i for i, f in enumerate(found) if not f.violation]
    if good:
        given: Array = np.array([found[i].objectives for i in good], dtype=np.float64).reshape(len(good), -1)
        no_worse = np.all(given[:, None] <= given[None], axis=2)
        beaten[np.ix_(good, good)] = no_worse & ~no_worse.T
    rank, left, front = np.full(len(found), -1), np.ones(len(found), dtype=bool), 0
    while left.any():
        now = left & ~beaten[left].any(axis=0)
        rank[now], front = front, front + 1
        left &= ~now
    return rank


def crowding(objectives: Array) -> Array:
    """How far the neighbours of each are along the objectives, (networks, objectives), in parts of all.

    Infinite at the ends.
    """
    distance = np.zeros(len(objectives))
    for column in objectives.T:
        order = np.argsort(column, kind="stable")
        reach = column[order[-1]] - column[order[0]]
        distance[order[[0, -1]]] = np.inf
        if reach > 0:
            distance[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / reach
    return distance


def order(found: Sequence[Fitness]) -> Array:
    """Places from the best to the worst: by front, and in a front by how alone they are."""
    rank, alone = ranks(found), np.zeros(len(found))
    for front in range(int(rank.max(initial=-1)) + 1):
        members = [i for i in range(len(found)) if rank[i] == front]
        alone[members] = crowding(np.array([found[i].objectives for i in members]))
    return np.lexsort((-alone, rank))


@dataclass(frozen=True, slots=True)
class Evolution:
    """population: networks that have children, and children of a generation. count: networks in all."""

    space: Space
    frame: Shape
    population: int = 32
    count: int = 400
    seed: int = 0
    strategy: Strategy = "evolve"

    def run(
        self, judge: Callable[[Sequence[Genes]], Sequence[Found]], fitness: Callable[[Found], Fitness]
    ) -> Iterator[list[Found]]:
        """All networks so far, after every generation. judge: what is found of some networks, in their order."""
        seen: dict[Genes, Found] = {}
        parents: list[Genes] = []
        generation = 0
        while len(seen) < min(self.count, self.space.size):
            rng = np.random.default_rng([self.seed, generation])
            wanted = min(self.population, self.count - len(seen))
            asked = self._asked(rng, parents, seen, wanted)
            if not asked:
                return
            seen.update(zip(asked, judge(asked), strict=True))
            pool = [*parents, *asked]
            best = order([fitness(seen[genes]) for genes in pool])
            parents = [pool[i] for i in best[: self.population]]
            generation += 1
            yield list(seen.values())

    def _asked(
        self, rng: np.random.Generator, parents: Sequence[Genes], seen: dict[Genes, Found], wanted: int
    ) -> list[Genes]:
        """Networks that were not tried: children of the parents (the best first), else drawn."""
        asked: dict[Genes, None] = {}
        for _ in range(wanted * TRIES):
            if len(asked) == wanted:
                break
            breed = parents and self.strategy == "evolve"
            genes = self._child(rng, parents) if breed else self.space.draw(rng, self.frame)
            if genes not in seen and self.space.suits(genes, self.frame):
                asked.setdefault(genes)
        return list(asked)

    def _child(self, rng: np.random.Generator, parents: Sequence[Genes]) -> Genes:
        """Genes of one or two parents, each the better of two, some of them drawn anew."""
        a, b = (np.array(parents[int(rng.integers(len(parents), size=2).min())]) for _ in range(2))
        mixed = np.where(rng.random(a.size) < 0.5, a, b) if rng.random() < CROSSED else a
        changed = rng.random(a.size) < MUTATION
        changed[rng.integers(a.size)] = True
        fresh = np.array([rng.integers(len(choices)) for choices in self.space.genes])
        return self.space.canonical(tuple(int(g) for g in np.where(changed, fresh, mixed)))
