"""Networks that a search has looked at, as data: a line of JSON for each, in the order in which they were asked for."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from math import log
from pathlib import Path
from typing import Any, Final, Self

from tomato.core.errors import TomatoError
from tomato.search.lines import read_lines
from tomato.search.network.evolve import Fitness, ranks
from tomato.search.network.layers import Counts
from tomato.search.network.price import Price
from tomato.search.network.space import Genes
from tomato.targets import Target
from tomato.work import HERE, Workers

FILE: Final = "candidates.jsonl"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A network: what it is, its counts, its price, and the share of frames that it has right with shared weights.

    accuracy: None for a network that does not fit, which is not tried on any frame.
    """

    genes: Genes
    network: str
    counts: Counts
    price: Price
    accuracy: float | None = None

    @property
    def fits(self) -> bool:
        """Whether there is a design."""
        return not self.price.refused

    @property
    def line(self) -> str:
        """The same as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, line: str) -> Self:
        """From its line. Raises whatever damaged text leads to."""
        found = json.loads(line)
        counts, price = Counts(**found["counts"]), Price(**found["price"])
        return cls(tuple(found["genes"]), found["network"], counts, price, found["accuracy"])


OBJECTIVES: Final[dict[str, Callable[[Candidate, Target], float]]] = {
    "fps": lambda c, _: c.price.interval,
    "area": lambda c, target: c.price.share(target),
    "memory": lambda c, target: c.price.stored(target),
    "latency": lambda c, _: c.price.latency,
    "weights": lambda c, _: c.counts.weights,
}
"""What may be made small beside errors, by the name that users give."""


def fitness(candidate: Candidate, objectives: Sequence[str], target: Target) -> Fitness:
    """Errors first; a network that does not fit counts the less the more it multiplies."""
    if not candidate.fits:
        return Fitness((), 1.0 + log(1.0 + candidate.counts.macs))
    assert candidate.accuracy is not None, "what fits was tried"
    return Fitness((-candidate.accuracy, *(float(OBJECTIVES[name](candidate, target)) for name in objectives)))


def front(found: Sequence[Candidate], objectives: Sequence[str], target: Target) -> list[Candidate]:
    """Those that no other one is better than in all respects, the most accurate first; of equals the first."""
    fitting = [c for c in found if c.fits]
    given = [fitness(c, objectives, target) for c in fitting]
    members = [i for i, rank in enumerate(ranks(given)) if rank == 0]
    first = {given[i].objectives: fitting[i] for i in reversed(members)}
    return sorted(first.values(), key=lambda c: -(c.accuracy or 0.0))


@dataclass
class Journal:
    """The lines of a search, which it goes on from: what is in the file is not looked at again."""

    path: Path
    known: dict[Genes, Candidate] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path) -> Self:
        """From a file, if it is there; a last line that was cut off by an interruption is taken out of it."""
        return cls(path, {c.genes: c for c in read_lines(path, Candidate.of)})

    def look(
        self, asked: Sequence[Genes], one: Callable[[Genes], Candidate], workers: Workers = HERE
    ) -> list[Candidate]:
        """What `one` says of some networks, asked by workers where it is not known, and kept line by line.

        Raises TomatoError where the file holds other networks than this search asks for.
        """
        fresh = [genes for genes in asked if genes not in self.known]
        if fresh != list(asked)[len(asked) - len(fresh) :]:
            raise TomatoError(
                "the file holds networks of another search", where=str(self.path), hint="remove it to search anew"
            )
        with self.path.open("a", encoding="utf-8") as file:
            for candidate in workers.stream(one, fresh, what="Networks"):
                self.known[candidate.genes] = candidate
                file.write(candidate.line + "\n")
                file.flush()
        return [self.known[genes] for genes in asked]


def document(about: dict[str, Any], members: Sequence[Candidate]) -> str:
    """The trade-off as JSON."""
    return json.dumps({**about, "front": [asdict(c) for c in members]}, indent=1) + "\n"
