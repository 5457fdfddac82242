"""Which layers go to which board: the smallest interval at which every board holds its run of layers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import ceil

from tomato.cluster.cuts import Cut
from tomato.cluster.links import PACKET
from tomato.core.ir import Graph
from tomato.schedule.offers import Kept, Offer, Offers, intervals
from tomato.schedule.scheduler import PROBE, options, select, smallest
from tomato.targets import Cluster, Resources

SHARE = 0.95
"""What the layers of a board may take of it: the rest is for what is between them."""
PACKED = 0.75
"""About the part of a link's words that are codes: beats and words do not fit each other exactly."""
STEP, LEAST_SHARE = 0.85, 1e-4
"""To how much of itself the share of every board is lowered, again and again, as long as all layers find room."""


@dataclass(frozen=True)
class Runs:
    """Cuts of a network into runs of layers, one for each board.

    A run is as long as its board allows, from the first board on: if any choice of cuts has room for all layers, so
    has this one, as whatever fits a board still does when layers are taken away from it.
    kept: offers of other networks, see `options`.
    """

    graph: Graph
    cluster: Cluster
    cuts: Sequence[Cut]
    kept: Kept = field(default_factory=Kept)
    _known: dict[tuple[float, ...], tuple[int, list[Cut]] | None] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def offers(self) -> Mapping[str, Offers]:
        """The options of every node, by the name of the board."""
        found: dict[str, Offers] = {}
        for board in self.cluster.boards:
            if board.name not in found:
                found[board.name] = options(self.graph, board, kept=self.kept)
        return found

    @cached_property
    def steps(self) -> list[int]:
        """The intervals at which any board has another option for a node."""
        return sorted({step for offers in self.offers.values() for step in intervals(offers)})

    def at(self, interval: int, shares: Sequence[float]) -> list[Cut] | None:
        """The cuts at so many cycles a frame, or None. shares: of each board, what its layers may take."""
        begin, chosen = 0, list[Cut]()
        for b, board in enumerate(self.cluster.boards):
            room = _share(board.usable, shares[b])
            offers = self.offers[board.name]
            if b == len(self.cluster.boards) - 1:
                return chosen if self._fit(offers, begin, len(self.graph.nodes), interval, room) else None
            left = len(self.cuts) - (len(self.cluster.boards) - 2 - b)  # each board behind needs a cut of its own
            carried = [cut for cut in self.cuts[:left] if cut.behind > begin and self._carries(b, cut, interval)]
            low, high = 0, len(carried)  # of carried[:low] some fits, of carried[high:] none does
            while low < high:
                middle = (low + high + 1) // 2
                if self._fit(offers, begin, carried[middle - 1].behind, interval, room):
                    low = middle
                else:
                    high = middle - 1
            if not low:
                return None
            chosen.append(carried[low - 1])
            begin = chosen[-1].behind
        return None

    def fastest(self, shares: Sequence[float], at_least: int = 0) -> tuple[int, list[Cut]] | None:
        """The least interval, from `at_least` on, and cuts that fill the boards evenly; None where none fits."""
        asked = (*shares, at_least)
        if asked not in self._known:
            self._known[asked] = self._search(shares, at_least)
        return self._known[asked]

    def _search(self, shares: Sequence[float], at_least: int) -> tuple[int, list[Cut]] | None:
        steps = sorted({max(step, at_least) for step in self.steps})

        def solve(interval: int) -> tuple[int, list[Cut]] | None:
            found = self.at(interval, shares)
            return None if found is None else (interval, found)

        best = smallest(steps, solve)
        if best is None:
            return None
        interval, share = best[0], 1.0
        while (share := share * STEP) >= LEAST_SHARE and (even := self.at(interval, [share * s for s in shares])):
            best = interval, even
        return best

    def bound(self) -> int | None:
        """Cycles a frame that no cut can beat: those of one chip with all that boards alike have together."""
        if len(self.offers) > 1:
            return None
        (offers,) = self.offers.values()
        room = sum((board.usable for board in self.cluster.boards), start=Resources())
        return smallest(self.steps, lambda step: step if select(offers, step, room, PROBE) else None)

    def copies(self, interval: int) -> tuple[int, int] | None:
        """How many copies, each on fewer of these boards, are faster than one on all, and cycles a frame of each.

        interval: cycles a frame on all. About: no board is planned in full. None where no copies are faster, or boards
        are not alike.
        """
        if len(self.offers) > 1 or len(set(self.cluster.links)) > 1:
            return None
        count, best = len(self.cluster.boards), None
        for number in (n for n in range(2, count + 1) if count % n == 0):
            each = count // number
            few = replace(self.cluster, boards=self.cluster.boards[:each], links=self.cluster.links[: each - 1])
            found = replace(self, cluster=few).fastest([SHARE] * each)
            if found and found[0] / number < interval:
                interval, best = found[0] // number, (number, found[0])
        return best

    def _carries(self, link: int, cut: Cut, interval: int) -> bool:
        kind, clock = self.cluster.links[link], self.cluster.clock_mhz
        words = cut.bits / (kind.word_bits(clock) * PACKED) * (PACKET + 1) / PACKET
        return ceil(words * 1000 / kind.per_mille(clock)) <= interval

    def _fit(self, offers: Offers, begin: int, end: int, interval: int, room: Resources) -> bool:
        part: dict[str, Offer] = {n.name: offers[n.name] for n in self.graph.nodes[begin:end] if n.name in offers}
        return bool(part) and select(part, interval, room, PROBE) is not None


def _share(room: Resources, share: float) -> Resources:
    return Resources(**{kind: int(n * share) for kind, n in room.counts().items()})
