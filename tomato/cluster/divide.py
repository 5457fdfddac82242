"""Which layers are divided, so that several regions of a chip, or columns side by side, share their work."""

from collections.abc import Iterator, Sequence

from tomato.core.ir import Graph, Node
from tomato.passes.divide_layers import Division, divide_layers, divisible, suits
from tomato.schedule.offers import Kept, Option
from tomato.schedule.regions import rooms
from tomato.schedule.scheduler import options, weight
from tomato.targets import Cluster, Resources, Target

MOST = 8
"""Parts of a layer, at most."""
PART = 0.5
"""What a part may take of a region: halves of regions leave less of them empty than what just fits one."""


def divisions(graph: Graph, cluster: Cluster, interval: int, kept: Kept) -> dict[str, Division]:
    """How layers are divided that are larger than every region at so many cycles a frame, by name.

    Of both kinds of parts those that take less, of as few as are small enough. None where boards are not alike.
    kept: offers of other networks, see `options`.
    """
    if len({board.name for board in cluster.boards}) > 1:
        return {}
    target = cluster.boards[0]
    regions, offers = rooms(target), options(graph, target, kept=kept)
    if len(regions) == 1:
        return {}
    found = {}
    for node, _ in divisible(graph):
        whole = offers[node.name].within(interval)
        if whole and not _fitting(whole, regions):
            best = min(_worth(graph, node, target, interval, kept), key=lambda pair: pair[0], default=None)
            if best:
                found[node.name] = best[1]
    return found


def _worth(graph: Graph, node: Node, target: Target, interval: int, kept: Kept) -> Iterator[tuple[float, Division]]:
    """Divisions of a layer and what they take: of each kind the first whose parts are small enough."""
    small = [_share(room) for room in rooms(target)]
    for columns in (False, True):
        for parts in range(2, MOST + 1):
            division = Division(parts, columns)
            beats = node.type.pixels * (1 if columns else parts)  # of the joined result, if all lanes are side by side
            if beats > interval or not suits(node, division):
                continue
            fast = _fitting(_offered(graph, node, division, target, interval, kept), small)
            if fast:
                yield parts * min(weight(option.cost, target.usable) for option in fast), division
                break


def _offered(
    graph: Graph, node: Node, division: Division, target: Target, interval: int, kept: Kept
) -> Sequence[Option]:
    """The options of the first part of a layer."""
    parts = divide_layers(graph, {node.name: division})
    (part,) = (found for found in parts if found.name == f"{node.name}_part0")
    alone = Graph(part.name, ((part.args[0], parts.types[part.args[0]]),), (part,), (part.name,))
    return options(alone, target, kept=kept)[part.name].within(interval)


def _fitting(some: Sequence[Option], regions: Sequence[Resources]) -> list[Option]:
    return [option for option in some if any(option.cost.fits(room) for room in regions)]


def _share(room: Resources) -> Resources:
    return Resources(**{kind: int(n * PART) for kind, n in room.counts().items()})
