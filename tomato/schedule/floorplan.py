"""Choice and region of every layer together: one option each, under the budget of every region.

A choice that fits the chip need not fit its regions, because a layer goes to one of them as a whole. So both
are asked for in one MILP. Any layer may go to any region; at the interval that is reached that way, contiguous
runs of layers are preferred, and else as few streams between regions as the search finds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from tomato.core.ir import Graph
from tomato.ops.frame_requant import FrameRequant
from tomato.ops.requant import Requant
from tomato.schedule.offers import Option
from tomato.schedule.scheduler import weight
from tomato.schedule.solver import silent
from tomato.schedule.streams import source_of
from tomato.schedule.units import WIRING
from tomato.targets import Resources

Lists = Mapping[str, Sequence[Option]]
"""The options of every node."""
Spare = Mapping[str, Resources]
"""What to leave beside every node, for the parts between the engines."""

INPUT = -1
"""Group of what comes from outside."""
BRANCHES = 50
"""Nodes of the solver's tree after which a search for regions ends. A count and not a time, so that results repeat."""
GAP = 0.05
"""How far above the least price a result may be."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The regions, and what of a graph goes there.

    rooms: what each region offers. chip: what the chip offers, less than its regions do together. group: by node,
    the number of the group that goes to one region as a whole, in the order of the graph. streams: the groups that
    a stream links; INPUT enters in region 0. allowed: the regions of groups that may not go to any.
    interval: cycles a frame, which the memory beside the chip has for all that is read from it; 0: nothing is.
    """

    rooms: Sequence[Resources]
    chip: Resources
    group: Mapping[str, int]
    streams: Sequence[tuple[int, int]]
    allowed: Mapping[int, Sequence[int]] = field(default_factory=dict)
    interval: int = 0

    def fix(self, placed: Mapping[str, int]) -> "Floor":
        """The same with the regions of these nodes fixed."""
        known = {self.group[n]: (min(r, len(self.rooms) - 1),) for n, r in placed.items() if n in self.group}
        return replace(self, allowed={**self.allowed, **known})

    def swap(self, placed: Mapping[str, int], pair: Sequence[int]) -> "Floor":
        """The same where only groups in one of these regions may move, to another of them."""
        near = {self.group[n]: pair if r in pair else (r,) for n, r in placed.items()}
        return replace(self, allowed={g: self.allowed.get(g, regions) for g, regions in near.items()})

    def crossed(self, placed: Mapping[str, int]) -> int:
        """Borders that streams cross, added up."""
        region = {self.group[name]: r for name, r in placed.items()} | {INPUT: 0}
        return sum(abs(region[a] - region[b]) for a, b in self.streams)


def floor_of(graph: Graph, rooms: Sequence[Resources], chip: Resources) -> Floor:
    """The groups of a graph: a requantisation stays with the engine in front, whose sums are its widest stream."""
    group: dict[str, int] = {}
    for node in graph:
        if isinstance(node.op, WIRING):
            continue
        front = group.get(source_of(graph, node.args[0]))
        together = isinstance(node.op, Requant | FrameRequant) and front is not None
        group[node.name] = front if together and front is not None else max(group.values(), default=-1) + 1
    streams = {
        (group.get(source_of(graph, arg), INPUT), group[node.name])
        for node in graph
        if node.name in group
        for arg in node.args
    }
    return Floor(rooms, chip, group, sorted((a, b) for a, b in streams if a != b))


def place(lists: Lists, floor: Floor, spare: Spare) -> dict[str, int] | None:
    """Regions such that some choice of options fits each, or None where the search finds none."""
    found = _Milp(lists, floor, spare).solve()
    return found[1] if found else None


def tidy(chosen: Mapping[str, Option], floor: Floor, spare: Spare, placed: Mapping[str, int]) -> Mapping[str, int]:
    """Regions with fewer streams between them than `placed`, for the same options.

    All that two regions hold is dealt out anew, pair by pair, as long as that helps.
    """
    lists = {name: [option] for name, option in chosen.items()}
    pairs = list(combinations(range(len(floor.rooms)), 2))
    waiting = list(pairs)
    while waiting:
        pair = waiting.pop(0)
        found = _Milp(lists, floor.swap(placed, pair), spare).solve(hop=1.0)
        if found and floor.crossed(found[1]) < floor.crossed(placed):
            placed = found[1]
            waiting = [p for p in pairs if p != pair and set(p) & set(pair)]
    return placed


def choose(lists: Lists, floor: Floor, spare: Spare, placed: Mapping[str, int]) -> dict[str, Option] | None:
    """The cheapest option of every node such that the regions of `placed` hold them, or None."""
    found = _Milp(lists, floor.fix(placed), spare).solve(price=1.0)
    return found[0] if found else None


class _Milp:
    """The variables: an option of a node in a region; the region of a group; the borders that a stream crosses."""

    def __init__(self, lists: Lists, floor: Floor, spare: Spare) -> None:
        self.floor, self.regions = floor, range(len(floor.rooms))
        self.picks = [(name, option, r) for name, options in lists.items() for option in options for r in self.regions]
        self.groups = max(floor.group.values()) + 1
        self.borders = len(floor.rooms) - 1
        self.size = len(self.picks) + self.groups * len(self.regions) + len(floor.streams) * self.borders
        self.entries: list[tuple[int, int, float]] = []  # row, column, factor
        self.limits: list[tuple[float, float]] = []
        for group in range(self.groups):
            self._row(((self._region(group, r), 1.0) for r in self.regions), 1.0, 1.0)
        self._pick_one()
        self._fit(spare)
        self._cross()

    def solve(self, *, hop: float = 0.0, price: float = 0.0) -> tuple[dict[str, Option], dict[str, int]] | None:
        """An option and a region for every node, or None where the search finds none.

        hop, price: what a crossing costs, and what the whole chip costs. Any that fit where both are 0.
        """
        from scipy.optimize import Bounds, LinearConstraint, milp  # deferred: importing SciPy takes a while
        from scipy.sparse import coo_array

        cost = np.zeros(self.size)
        cost[: len(self.picks)] = [price * weight(option.cost, self.floor.chip) for _, option, _ in self.picks]
        first_crossing = self.size - len(self.floor.streams) * self.borders
        cost[first_crossing:] = hop
        most = np.ones(self.size)
        for group, allowed in self.floor.allowed.items():
            most[[self._region(group, r) for r in self.regions if r not in allowed]] = 0.0
        rows, columns, factors = zip(*self.entries, strict=True)
        low, high = zip(*self.limits, strict=True)
        matrix = coo_array((factors, (rows, columns)), shape=(len(self.limits), self.size)).tocsr()
        with silent():
            result = milp(
                cost,
                integrality=np.ones(self.size),
                bounds=Bounds(0, most),
                constraints=LinearConstraint(matrix, low, high),
                options={"mip_rel_gap": GAP, "node_limit": BRANCHES},
            )
        if result.x is None:
            return None
        picked = [pick for pick, x in zip(self.picks, result.x, strict=False) if x > 0.5]
        return {name: option for name, option, _ in picked}, {name: r for name, _, r in picked}

    def _region(self, group: int, region: int) -> int:
        """Column that says whether a group is in a region."""
        return len(self.picks) + group * len(self.regions) + region

    def _row(self, terms: Iterable[tuple[int, float]], low: float, high: float) -> None:
        self.entries += [(len(self.limits), column, factor) for column, factor in terms]
        self.limits.append((low, high))

    def _pick_one(self) -> None:
        """A node has one option, in the region of its group."""
        columns: dict[tuple[str, int], list[int]] = {}
        for column, (name, _, region) in enumerate(self.picks):
            columns.setdefault((name, region), []).append(column)
        for (name, region), mine in columns.items():
            self._row([*((c, 1.0) for c in mine), (self._region(self.floor.group[name], region), -1.0)], 0.0, 0.0)

    def _fit(self, spare: Spare) -> None:
        """Every region, and the chip, has room for what is in it, and for what stands beside that."""
        beside = [Resources()] * self.groups
        for name, cost in spare.items():
            beside[self.floor.group[name]] += cost
        for regions, room in (
            *(((r,), room) for r, room in enumerate(self.floor.rooms)),
            (self.regions, self.floor.chip),
        ):
            for kind, n in enumerate(room):
                engines = [(c, float(o.cost[kind])) for c, (_, o, r) in enumerate(self.picks) if r in regions]
                parts = [(self._region(g, r), float(cost[kind])) for g, cost in enumerate(beside) for r in regions]
                scale = max(n, 1)
                self._row([(c, x / scale) for c, x in engines + parts if x], -np.inf, n / scale)
        if most := self.floor.interval:
            fetching = ((c, o.fetching / most) for c, (_, o, _) in enumerate(self.picks) if o.fetching)
            self._row(fetching, -np.inf, 1.0)

    def _step(self, a: int, b: int, border: int) -> list[tuple[int, float]]:
        """1 where group a is before the border and b behind it, -1 where it is the other way round, else 0."""
        before = range(border + 1)
        left = [(self._region(a, r), 1.0) for r in before] if a != INPUT else []
        return left + [(self._region(b, r), -1.0) for r in before]

    def _cross(self) -> None:
        """A stream crosses a border between its ends, either way."""
        for i, (a, b) in enumerate(self.floor.streams):
            for border in range(self.borders):
                crossing = self.size - (len(self.floor.streams) - i) * self.borders + border
                step, constant = self._step(a, b, border), 1.0 if a == INPUT else 0.0  # inputs are before it
                self._row([*step, (crossing, -1.0)], -np.inf, -constant)
                self._row([*step, (crossing, 1.0)], -constant, np.inf)
