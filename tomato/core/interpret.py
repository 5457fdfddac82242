"""The golden model: run a graph on arrays, exactly."""

from collections.abc import Callable, Iterator, Mapping

from tomato.core.formats import Array
from tomato.core.ir import Graph

BATCH = 64
"""Frames interpreted at once: enough for BLAS, few enough for the cache."""


def in_batches(values: Mapping[str, Array]) -> Iterator[dict[str, Array]]:
    """Values of a graph's inputs, a few frames at a time."""
    for start in range(0, len(next(iter(values.values()))), BATCH):
        yield {name: x[start : start + BATCH] for name, x in values.items()}


def interpret(
    graph: Graph, inputs: Mapping[str, Array], *, watch: Callable[[str, Array], None] | None = None
) -> dict[str, Array]:
    """Values of the graph's outputs for a batch of inputs, each (batch, height, width, channels).

    `watch(name, values)` sees every value, inputs included. Values are freed after their last use.
    """
    last_use = {arg: i for i, node in enumerate(graph.nodes) for arg in node.args}
    env: dict[str, Array] = {}

    def define(name: str, values: Array) -> None:
        env[name] = values
        if watch:
            watch(name, values)

    for name, kind in graph.inputs:
        assert inputs[name].shape[1:] == kind.shape, f"%{name} is {inputs[name].shape[1:]}, not {kind.shape}"
        define(name, inputs[name])
    for i, node in enumerate(graph.nodes):
        define(node.name, node.op.golden([env[a] for a in node.args]))
        for arg in set(node.args):
            if last_use[arg] == i and arg not in graph.outputs:
                del env[arg]
    return {name: env[name] for name in graph.outputs}
