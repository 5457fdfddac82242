"""The boards of a cluster: the plan of each for its run of layers, and the crossings between them."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from tomato.cluster.choose import SHARE, Runs
from tomato.cluster.cuts import Cut, cuts, segments
from tomato.cluster.divide import divisions
from tomato.cluster.links import Crossing
from tomato.core.errors import TomatoError
from tomato.core.ir import Graph
from tomato.core.progress import Progress
from tomato.hardware.netlist import Stream
from tomato.lower import Lowered, lower
from tomato.passes.divide_layers import Division, divide_layers
from tomato.schedule import schedule
from tomato.schedule.border import Around, Border, border
from tomato.schedule.offers import Kept
from tomato.schedule.plan import Plan
from tomato.schedule.streams import interval_cycles
from tomato.targets import Cluster, Resources, Target

ROUNDS = 4
"""Choices of cuts that are planned in full, at most."""
LEAST = 0.85
"""To how much of itself the share of a board shrinks at once, at least, that its plan in full needs more of."""


@dataclass(frozen=True)
class Board:
    """A board: its run of layers, how they are built there, and what comes and goes over links."""

    number: int
    graph: Graph
    target: Target
    plan: Plan
    lowered: Lowered
    comes: Crossing | None = None
    goes: Crossing | None = None

    @property
    def name(self) -> str:
        """Its folder's name: its number, and what it is."""
        return f"{self.number}_{self.target.name}"

    @property
    def interval(self) -> int:
        """Cycles a frame of its engines and streams."""
        return interval_cycles(self.lowered.units, self.lowered.routes.links)

    @property
    def ends(self) -> Resources:
        """What its ends of links take."""
        comes = self.comes.receiver(self.target) if self.comes else Resources()
        return comes + (self.goes.sender(self.target) if self.goes else Resources())


@dataclass(frozen=True)
class Chosen:
    """Cuts and boards.

    graph: the network that is cut: the one that was given, or the same with some of its layers divided.
    bound: cycles a frame that no choice of cuts beats; None where boards are not alike, or a rate was asked for.
    copies: how many copies of the network, each on fewer of the boards, would be faster together, and cycles of each.
    divided: how layers are divided, by name.
    """

    graph: Graph
    cuts: tuple[Cut, ...]
    boards: tuple[Board, ...]
    bound: int | None
    copies: tuple[int, int] | None
    divided: Mapping[str, Division] = field(default_factory=dict)

    @property
    def interval(self) -> int:
        """Cycles a frame."""
        return interval_of(self.boards)


def interval_of(boards: Sequence[Board]) -> int:
    """Cycles a frame: of the slowest board, or link."""
    return max(*(b.interval for b in boards), *(b.goes.cycles for b in boards if b.goes))


def joined(graph: Graph, cluster: Cluster, chosen: Sequence[Cut], plans: Sequence[Plan]) -> list[Board]:
    """The boards of plans that are known."""
    found: list[Board] = []
    for b, (part, target, plan) in enumerate(zip(segments(graph, chosen), cluster.boards, plans, strict=True)):
        found = _with(found, Board(b, part, target, plan, lower(part, plan, target)), cluster)
    return found


def choose(graph: Graph, cluster: Cluster, *, fps: float | None, model: str, given: bool, progress: Progress) -> Chosen:
    """The cuts, and the boards planned.

    With fps the smallest boards that reach that rate, else the fastest. On boards alike, layers that are larger than a
    region of a chip are divided where that is faster, or where the rate is out of reach otherwise.
    Raises TomatoError where the network does not fit, has no place to be cut, or needs fewer boards.
    """
    places = cuts(graph)
    if len(places) < len(cluster.boards) - 1:
        raise TomatoError(
            f"the network has {len(places)} places at which it can be cut, {len(cluster.boards)} boards need "
            f"{len(cluster.boards) - 1}: a cut is where a single value crosses, with no skip beside it",
            where=model or graph.name,
            hint="choose fewer boards, or one that is larger",
        )
    kept = Kept()
    chosen = partial(_chosen, fps=fps, model=model, given=given, progress=progress)
    runs = Runs(graph, cluster, places, kept)
    if fps:
        return _reaching(runs, int(cluster.clock_mhz * 1e6 / fps), chosen)
    return _fastest(runs, chosen)


def _reaching(runs: Runs, wanted: int, chosen: Callable[[Runs], Chosen]) -> Chosen:
    """As many cycles a frame as are wanted, with divided layers only where whole ones are slower."""
    try:
        return chosen(runs)
    except TomatoError:
        if apart := _apart(runs, divisions(runs.graph, runs.cluster, wanted, runs.kept), chosen):
            return apart
        raise  # the reason is that of the layers as they are


def _fastest(runs: Runs, chosen: Callable[[Runs], Chosen]) -> Chosen:
    """The fewest cycles a frame; whole layers are not planned where divided ones are faster than these can be.

    Where the boards of whole layers, planned in full, are slower than these can be, those of the layers that are larger
    than a region at the bound are planned, too: their parts fill regions more evenly.
    """
    least, (interval, found, small) = runs.fastest(_shares(runs.cluster)), _divisions(runs)
    apart = _apart(runs, found, chosen) if least is None or interval <= least[0] else None
    if apart and (apart.interval <= interval or least is None or apart.interval < least[0]):
        return apart  # at `interval` some of the whole layers fit no region
    whole, more = chosen(runs), None
    if least and whole.interval > least[0] and small != found:
        more = _apart(runs, small, chosen)
    return min((design for design in (whole, apart, more) if design), key=lambda design: design.interval)


def _apart(runs: Runs, how: Mapping[str, Division], chosen: Callable[[Runs], Chosen]) -> Chosen | None:
    """The boards with layers divided like this; None where none are, or such boards cannot be."""
    if not how:
        return None
    graph = divide_layers(runs.graph, how)
    with suppress(TomatoError):
        return replace(chosen(replace(runs, graph=graph, cuts=cuts(graph))), divided=how)
    return None


def _divisions(runs: Runs) -> tuple[int, dict[str, Division], dict[str, Division]]:
    """About the least interval with divided layers, how they are for that, no more than it needs, and for the bound."""
    bound, cluster = runs.bound(), runs.cluster
    small = divisions(runs.graph, cluster, bound, runs.kept) if bound else {}
    apart = divide_layers(runs.graph, small)
    if not small or len(places := cuts(apart)) < len(cluster.boards) - 1:
        return 0, {}, {}
    best = replace(runs, graph=apart, cuts=places).fastest(_shares(cluster))
    return (best[0], divisions(runs.graph, cluster, best[0], runs.kept), small) if best else (0, {}, {})


def _shares(cluster: Cluster) -> list[float]:
    """What the layers of every board may take of it, to begin with."""
    return [SHARE] * len(cluster.boards)


def _chosen(runs: Runs, *, fps: float | None, model: str, given: bool, progress: Progress) -> Chosen:
    """The cuts, and the boards planned, of layers that stay as they are."""
    graph, cluster, kept = runs.graph, runs.cluster, runs.kept
    wanted = int(cluster.clock_mhz * 1e6 / fps) if fps else 0
    shares = _shares(cluster)
    best: tuple[int, list[Cut], list[Board]] | None = None
    for attempt in range(ROUNDS):
        progress("Cut", attempt, ROUNDS)
        found = runs.fastest(shares, wanted)
        if found is None or (best and found[0] >= best[0]):
            break
        interval, chosen = found
        boards, late = _planned(graph, cluster, chosen, interval, model=model, given=given, kept=kept)
        reached = max(wanted, interval_of(boards)) if boards else 0
        if boards and (best is None or reached < best[0]):
            best = reached, chosen, boards
        if not late:
            break
        for b, took in late.items():
            shares[b] *= max(LEAST, interval / took if took else 0)
    if best is None:
        raise TomatoError(
            f"the network does not fit {cluster.name}, even at its slowest", where=model or graph.name,
            hint="choose more boards, or larger ones, or narrower weights (--precision w4a8)",
        )  # fmt: skip
    reached, chosen, boards = best
    if fps and reached > wanted:
        raise TomatoError(
            f"{fps:g} frames/s is out of reach on {cluster.name} at {cluster.clock_mhz:g} MHz: the fastest that fits "
            f"makes {cluster.clock_mhz * 1e6 / reached:,.0f} frames/s ({reached:,} cycles a frame)",
            where=model or graph.name, hint="ask for less, raise --clock, or choose more boards",
        )  # fmt: skip
    if fps:
        return Chosen(graph, tuple(chosen), tuple(boards), None, None)
    return Chosen(graph, tuple(chosen), tuple(boards), runs.bound(), runs.copies(reached))


def _planned(
    graph: Graph, cluster: Cluster, chosen: Sequence[Cut], interval: int, *, model: str, given: bool, kept: Kept
) -> tuple[list[Board], dict[int, int]]:
    """The boards at so many cycles a frame, and the cycles of those that need more (0: it does not fit at all)."""
    boards: list[Board] = []
    late: dict[int, int] = {}
    for b, (part, target) in enumerate(zip(segments(graph, chosen), cluster.boards, strict=True)):
        ends = Around("the ends of links", _cost(boards, b, cluster, target))
        plan = partial(schedule, part, target, clock_mhz=cluster.clock_mhz, model=model, given=given, around=ends,
                       weights="chip", kept=kept)  # fmt: skip
        made = _plan(plan, cluster.clock_mhz * 1e6 / (interval + 0.5))
        if made is None:
            late[b] = 0
            return [], late
        board = Board(b, part, target, made, lower(part, made, target))
        if board.interval > interval:
            late[b] = board.interval
        boards = _with(boards, board, cluster)
    return boards, late


def _plan(plan: Callable[..., Plan], fps: float) -> Plan | None:
    """A plan at that rate, with multipliers of both kinds in a layer only where it takes them, or the fastest."""
    for asked in ({"fps": fps}, {"fps": fps, "mix": True}, {"fps": None}):
        with suppress(TomatoError):
            return plan(**asked)
    return None


def _cost(before: Sequence[Board], b: int, cluster: Cluster, target: Target) -> Callable[[Border], Resources]:
    """What the ends of links take at a board, by its border; the boards before it are planned."""
    clock = cluster.clock_mhz

    def cost(seen: Border) -> Resources:
        took = Resources()
        if before:
            took += Crossing.of(leaving(before[-1]), seen.inputs[0], cluster.links[b - 1], clock).receiver(target)
        if b < len(cluster.links):
            took += Crossing.of(seen.outputs[0], seen.outputs[0], cluster.links[b], clock).sender(target)
        return took

    return cost


def leaving(board: Board) -> Stream:
    """The stream that leaves a board over its link: the first of its outputs."""
    made = board.lowered
    return border(board.graph, made.units, made.routes, None).outputs[0]


def _with(boards: Sequence[Board], board: Board, cluster: Cluster) -> list[Board]:
    """The boards and one more, with the crossing between the two."""
    if not boards:
        return [board]
    made = board.lowered
    into = border(board.graph, made.units, made.routes, None).inputs[0]
    link = Crossing.of(leaving(boards[-1]), into, cluster.links[board.number - 1], cluster.clock_mhz)
    return [*boards[:-1], replace(boards[-1], goes=link), replace(board, comes=link)]
