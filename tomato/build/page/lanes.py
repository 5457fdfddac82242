"""Where the nodes of a graph stand in a drawing: rows by depth, lanes by branch, long edges in the margin.

The longest way through the graph is lane 0, from top to bottom. A branch beside it takes the first lane that is
free from its beginning to where it joins. An edge that would run through another node runs in the left margin.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DIRECT = -1
"""Margin of an edge that needs none."""


@dataclass(frozen=True, slots=True)
class Edge:
    """From one node to another; `margin` is the track in the left margin, `lane` the lane that it runs down in."""

    source: str
    sink: str
    lane: int
    margin: int


@dataclass(frozen=True, slots=True)
class Placed:
    """Row and lane of every node, and how edges run. `lanes`, `margins`: how many of each there are."""

    row: Mapping[str, int]
    lane: Mapping[str, int]
    edges: tuple[Edge, ...]
    lanes: int
    margins: int


def place(reads: Mapping[str, Sequence[str]]) -> Placed:
    """Place the nodes of an acyclic graph, given in topological order: what each reads."""
    row: dict[str, int] = {}
    for node, sources in reads.items():
        row[node] = max((row[s] + 1 for s in sources), default=0)
    lane = _lanes(reads, row)
    occupied = {(lane[n], row[n]) for n in reads}
    edges, tracks = [], _Tracks()
    pairs = [(s, n) for n, sources in reads.items() for s in dict.fromkeys(sources)]
    for source, sink in sorted(pairs, key=lambda e: row[e[1]] - row[e[0]]):
        between = range(row[source] + 1, row[sink])
        free = [a for a in (lane[source], lane[sink]) if not any((a, r) in occupied for r in between)]
        margin = DIRECT if free else tracks.take(row[source], row[sink])
        edges.append(Edge(source, sink, max(free, default=0), margin))
    return Placed(row, lane, tuple(edges), max(lane.values(), default=0) + 1, tracks.count)


def _lanes(reads: Mapping[str, Sequence[str]], row: Mapping[str, int]) -> dict[str, int]:
    """Lane 0 for the longest way, and the first that is free for every branch."""
    lane = dict.fromkeys(_longest(reads, row), 0)
    until = {node: row[node] for node in reads}
    for node, sources in reads.items():
        for source in sources:
            until[source] = max(until[source], row[node] - 1)
    held: dict[int, list[tuple[int, int]]] = {}
    for node in sorted(reads, key=lambda n: row[n]):
        if node in lane:
            continue
        span = row[node], max(until[node], row[node])
        wished = [lane[s] for s in reads[node] if lane[s] > 0]
        choices = [*wished, *range(1, len(held) + 2)]
        lane[node] = next(a for a in choices if not any(_meet(span, other) for other in held.get(a, [])))
        held.setdefault(lane[node], []).append(span)
    return lane


def _longest(reads: Mapping[str, Sequence[str]], row: Mapping[str, int]) -> list[str]:
    """A longest way through the graph, from its end."""
    way = [max(reads, key=lambda n: row[n])] if reads else []
    while way and reads[way[-1]]:
        way.append(max(reads[way[-1]], key=lambda n: row[n]))
    return way


def _meet(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a[0] <= b[1] and b[0] <= a[1]


class _Tracks:
    """Tracks in the margin: an edge takes the innermost that is free over its rows."""

    def __init__(self) -> None:
        self.spans: list[list[tuple[int, int]]] = []

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.spans)

    def take(self, first: int, last: int) -> int:
        """The track of an edge from one row to another."""
        span = first, last
        for track, taken in enumerate(self.spans):
            if not any(span[0] < other[1] and other[0] < span[1] for other in taken):
                taken.append(span)
                return track
        self.spans.append([span])
        return len(self.spans) - 1
