"""What rounds of a search on a graph came to, as data: a line of JSON for each, and those that none is better than."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from tomato.core.errors import TomatoError
from tomato.search.graphs.layers import Counts
from tomato.search.lines import evenly, read_lines

FILE = "candidates.jsonl"


@dataclass(frozen=True, slots=True)
class Found:
    """A network that a round found.

    weight: of size in its loss. valid, test: shares right of the nodes that choose, and of those that nothing is chosen
    by, trained in its formats; `float_valid` and `float_test`: of its float self.
    """

    weight: float
    genes: tuple[int, ...]
    network: str
    counts: Counts
    valid: float
    test: float
    float_valid: float
    float_test: float

    @property
    def line(self) -> str:
        """The same as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, line: str) -> Self:
        """From its line. Raises whatever damaged text leads to."""
        given = json.loads(line)
        return cls(**{**given, "genes": tuple(given["genes"]), "counts": Counts(**given["counts"])})


def read(path: Path) -> list[Found]:
    """The rounds of an interrupted search; a last line that was cut off is taken out of the file."""
    return read_lines(path, Found.of)


def front(found: Sequence[Found]) -> list[Found]:
    """Those with more right of the choosing nodes than all of fewer bits, the most accurate first."""
    members: list[Found] = []
    for one in sorted(found, key=lambda f: (f.counts.bits, -f.valid)):
        if not members or one.valid > members[-1].valid:
            members.append(one)
    return members[::-1]


def chosen(members: Sequence[Found], count: int) -> list[Found]:
    """So many of a front, the most accurate first and the others evenly. Raises TomatoError for an empty one."""
    if not members:
        raise TomatoError("no network was found", hint="ask for more rounds (--candidates)")
    return evenly(members, count)


def document(about: dict[str, Any], members: Sequence[Found]) -> str:
    """The trade-off as JSON."""
    return json.dumps({**about, "front": [asdict(f) for f in members]}, indent=1) + "\n"
