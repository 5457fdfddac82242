"""Several boards in a row, and what joins each with the next."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from tomato.core.errors import TomatoError
from tomato.core.files import read_toml, refusals
from tomato.targets.fields import FieldError, check_link
from tomato.targets.load import describe, load, restore
from tomato.targets.target import Link, Target

MOST_BOARDS = 16
"""A cluster has no more: a network is cut between its layers, and has not many more of those that matter."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Boards in the order in which a frame passes them; `links` join each with the next."""

    name: str
    boards: tuple[Target, ...]
    links: tuple[Link, ...]

    @property
    def clock_mhz(self) -> float:
        """The clock that all of them can have: the lowest of their own."""
        return min(board.clock_mhz for board in self.boards)

    def clocked(self, clock_mhz: float | None) -> "Cluster":
        """The same boards, all with that clock, or with the one that all can have."""
        clock = clock_mhz or self.clock_mhz
        return replace(self, boards=tuple(replace(board, clock_mhz=clock) for board in self.boards))


def is_cluster(name: str) -> bool:
    """Whether a target is several boards: "u250,u250", or a file that lists `boards`."""
    if "," in name:
        return True
    path = Path(name)
    with refusals("cannot read the target file"):
        return name.endswith(".toml") and path.is_file() and "boards" in read_toml(path, "the target file")


@refusals("cannot read the target file")
def load_cluster(name: str) -> Cluster:
    """The boards of that name. Raises TomatoError for an unknown board, a faulty file, or boards without a link."""
    if not name.endswith(".toml"):
        return _joined(name, [load(part.strip()) for part in name.split(",")], [])
    path = Path(name)
    table = read_toml(path, "the target file")
    known = ("boards", "link", "links")
    if unknown := sorted(table.keys() - {*known}):
        raise _faulty(f"{unknown[0]!r} is not known; there are {', '.join(known)}", name)
    boards, links = table["boards"], table.get("links", [])
    if not isinstance(boards, list) or not all(isinstance(board, str) for board in boards):
        raise _faulty("'boards' must be an array of names of boards", name)
    if not isinstance(links, list) or ("link" in table and links):
        raise _faulty("give one [link] for all, or [[links]], one between a board and the next", name)
    own = [board if not board.endswith(".toml") else str(path.parent / board) for board in boards]
    given = links or [table["link"]] * (len(boards) - 1) if "link" in table or links else []
    return _joined(path.stem, [load(board) for board in own], [_link(link, name) for link in given])


def _joined(name: str, boards: Sequence[Target], given: Sequence[Link]) -> Cluster:
    if not 2 <= len(boards) <= MOST_BOARDS:
        raise TomatoError(f"a cluster has 2 to {MOST_BOARDS} boards, not {len(boards)}", where=name)
    if given and len(given) != len(boards) - 1:
        raise _faulty(f"{len(boards)} boards have {len(boards) - 1} links, one from each to the next, not {len(given)}",
                      name)  # fmt: skip
    return Cluster(name, tuple(boards), tuple(given) or tuple(_between(a, b) for a, b in pairwise(boards)))


def _between(a: Target, b: Target) -> Link:
    """The link of two boards: the slower one of theirs."""
    if a.link is None or b.link is None:
        lacks = a if a.link is None else b
        raise TomatoError(
            f"{lacks.name} has no link to another board that its file knows of",
            hint="describe the boards in a file with boards = [..] and a [link], see docs/clusters.md",
        )
    return min(a.link, b.link, key=lambda link: link.gbits_per_s)


def _link(table: object, where: str) -> Link:
    try:
        check_link(table)
    except FieldError as reason:
        raise _faulty(str(reason), where) from reason
    assert isinstance(table, dict)
    return Link(**table)


def _faulty(what: str, where: str) -> TomatoError:
    return TomatoError(f"faulty file of a cluster: {what}", where=where, hint="docs/clusters.md has an example")


def describe_cluster(cluster: Cluster) -> dict[str, Any]:
    """A cluster as plain data, which `restore_cluster` takes."""
    return {
        "name": cluster.name,
        "boards": [describe(board) for board in cluster.boards],
        "links": [asdict(link) for link in cluster.links],
    }


def restore_cluster(data: Mapping[str, Any], where: str) -> Cluster:
    """What `describe_cluster` described. Raises TomatoError for anything else, in the file `where`."""
    links = tuple(_link(link, where) for link in data["links"])
    return _joined(data["name"], [restore(board, where) for board in data["boards"]], links)
