"""Heads become exits: whatever only later heads need is behind a Leave, and one output has what each frame got."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

from tomato.core.errors import TomatoError
from tomato.core.formats import Codes
from tomato.core.ir import Builder, Graph
from tomato.core.state import Stateful
from tomato.ops.exits import Exit, Leave, Number, Sure, gates
from tomato.ops.move import Concat


@dataclass(frozen=True, slots=True)
class Door:
    """An exit: how far ahead the first score must be, in steps of the codes, and the share of frames that go on."""

    margin: int
    share: float


def exit_early(graph: Graph, doors: Sequence[Door], number: int = 0) -> Graph:
    """The graph on codes whose outputs are heads, in their order, with an exit at all of them but the last.

    number: results leave as they come, with the frame's number of so many bits behind the scores; 0: in the frames'
    order, without one.

    A node is behind as many exits as there are heads in front of the first one that needs it. Raises TomatoError
    where something behind an exit keeps a state.
    """
    graph = graph.prune()
    levels = _levels(graph)
    _check_states(graph, levels)
    build = Builder(graph.inputs)
    passed = {(name, 0): name for name, _ in graph.inputs}
    result_codes = reduce(Codes.union, (graph.types[head].codes for head in graph.outputs))
    sures: list[str] = []

    def at(value: str, level: int) -> str:
        """The value's frames that come so far."""
        if (value, level) not in passed:
            door = doors[level - 1]
            args = [sures[level - 1], at(value, level - 1)]
            passed[value, level] = build.add(Leave(door.share), args, f"{value}_goes_on", _origin(graph, value))
        return passed[value, level]

    for level, head in enumerate(graph.outputs):
        for node in graph:
            if levels[node.name] == level:
                args = [at(arg, level) for arg in node.args]
                passed[node.name, level] = build.add(node.op, args, node.name, node.origin)
        if level < len(doors):
            scores = at(head, level)
            sures.append(build.add(Sure(doors[level].margin), [scores], f"{head}_sure", _origin(graph, head)))
    if number:
        counts = Number(number, result_codes.bits, result_codes.signed)
        numbers = build.add(counts, sures[:1], "frame_number")
        passed[numbers, 0] = numbers

    def told(head: str, level: int) -> str:
        """The scores of a head, with the number of the frame behind them if it has one."""
        if not number:
            return at(head, level)
        args = [at(head, level), at(numbers, level)]
        return build.add(Concat(), args, f"{head}_numbered", _origin(graph, head))

    result = told(graph.outputs[-1], len(doors))
    for level, head in reversed(list(enumerate(graph.outputs[:-1]))):
        args = [sures[level], told(head, level), result]
        result = build.add(Exit(number), args, f"{head}_exit", _origin(graph, head))
    known = graph.encodings
    moved = {new: known[value] for (value, _), new in passed.items() if value in known}
    if graph.outputs[-1] in known:
        moved[result] = known[graph.outputs[-1]]
    found = replace(graph, nodes=tuple(build.nodes), outputs=(result,), encodings={**known, **moved})
    gates(found)
    return found


def _levels(graph: Graph) -> dict[str, int]:
    """By value, the first head that needs it; inputs are there for the first."""
    found: dict[str, int] = {name: 0 for name, _ in graph.inputs}
    producers = graph.producers
    for level, head in enumerate(graph.outputs):
        waiting = [head]
        while waiting:
            value = waiting.pop()
            if value not in found:
                found[value] = level
                waiting += producers[value].args
    return found


def _check_states(graph: Graph, levels: dict[str, int]) -> None:
    for node in graph:
        if levels[node.name] and isinstance(node.op, Stateful):
            raise TomatoError(
                f"{node.label} ({node.op.name}) keeps a state, and is behind an early exit: it would miss frames",
                where=graph.name,
                hint="leave that exit out (--exit), or place it behind the layer",
            )


def _origin(graph: Graph, value: str) -> tuple[str, ...]:
    node = graph.producers.get(value)
    return node.origin if node else ()
