"""Where a network can be cut, and the networks on both sides."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tomato.core.ir import Graph, TensorType
from tomato.ops.frame_requant import FrameRequant
from tomato.ops.requant import Requant
from tomato.ops.threshold import Threshold
from tomato.schedule.units import WIRING


@dataclass(frozen=True, slots=True)
class Cut:
    """Behind how many nodes of the graph it is, and the value that crosses it, which is all that does."""

    behind: int
    value: str
    type: TensorType

    @property
    def bits(self) -> int:
        """What a frame takes on the link."""
        return self.type.pixels * self.type.channels * self.type.codes.bits


def cuts(graph: Graph) -> list[Cut]:
    """Every place where one value crosses, in the order of the graph.

    So neither side can wait for the other in a circle, and each can be planned alone. None lies between sums and their
    requantisation: sums are wide, and the two stay together. An output of the network crosses no cut.
    """
    kinds, uses, place = graph.types, graph.uses, {node.name: i for i, node in enumerate(graph)}
    last = {name: max((place[user.name] for user in users), default=-1) for name, users in uses.items()}
    open_values: set[str] = set()
    found = []
    for i, node in enumerate(graph.nodes[:-1]):
        first_used = {arg for arg in node.args if arg not in place}  # inputs come where they are used first
        open_values = {v for v in (*open_values, *first_used, node.name) if last[v] > i}
        if len(open_values) != 1 or not any(not isinstance(n.op, WIRING) for n in graph.nodes[: i + 1]):
            continue
        (value,) = open_values
        makes_sums = all(isinstance(user.op, Requant | FrameRequant | Threshold) for user in uses[value])
        wired = value not in place or isinstance(graph.nodes[place[value]].op, WIRING)
        if not makes_sums and not wired and value not in graph.outputs:
            found.append(Cut(i + 1, value, kinds[value]))
    return found


def segments(graph: Graph, chosen: Sequence[Cut]) -> list[Graph]:
    """The networks between the cuts: the value at a cut is an output of the one, and an input of the next.

    Other inputs and outputs of the network are at the board that reads or makes them.
    """
    return list(_segments(graph, chosen))


def _segments(graph: Graph, chosen: Sequence[Cut]) -> Iterator[Graph]:
    borders = [0, *(cut.behind for cut in chosen), len(graph.nodes)]
    for b, (begin, end) in enumerate(pairwise(borders)):
        nodes = graph.nodes[begin:end]
        names, read = {node.name for node in nodes}, {arg for node in nodes for arg in node.args}
        comes = [(chosen[b - 1].value, chosen[b - 1].type)] if b else []
        goes = [chosen[b].value] if b < len(chosen) else []
        inputs = tuple((name, kind) for name, kind in graph.inputs if name in read)
        outputs = tuple(name for name in graph.outputs if name in names)
        known = names | {name for name, _ in (*inputs, *comes)}
        yield replace(
            graph,
            name=f"{graph.name}_{b}",
            inputs=(*comes, *inputs),
            nodes=nodes,
            outputs=(*goes, *outputs),
            encodings={name: e for name, e in graph.encodings.items() if name in known},
            orders={name: o for name, o in graph.orders.items() if name in known},
        )
