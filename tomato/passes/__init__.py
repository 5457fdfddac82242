"""Passes: functions from graph to graph. The order of a list of passes is the compiler."""

from collections.abc import Callable

from tomato.errors import IllFormedError
from tomato.ir import Graph

Pass = Callable[[Graph], Graph]
Watch = Callable[[str, Graph], None]


def run(graph: Graph, passes: tuple[Pass, ...], *, watch: Watch | None = None) -> Graph:
    """Apply passes in order, verifying before the first and after each.

    `watch(name of the pass, its result)` sees every step. IllFormedError names the pass to blame.
    """
    graph.verify()
    for step in passes:
        graph = step(graph)
        name = pass_name(step)
        try:
            graph.verify()
        except IllFormedError as reason:
            raise IllFormedError(f"after {name}: {reason}") from reason
        if watch:
            watch(name, graph)
    return graph


def pass_name(step: Pass) -> str:
    """A function's name, or the class of a pass with options."""
    return str(getattr(step, "__name__", type(step).__name__))
