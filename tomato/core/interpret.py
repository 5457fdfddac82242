"""The golden model: run a graph on arrays, exactly."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod

from tomato.core.formats import Array
from tomato.core.ir import Graph, Node
from tomato.core.state import Scope, State, Stateful

BATCH = 64
"""Frames interpreted at once, at most: enough for BLAS."""
LARGEST = 1 << 20
"""Numbers of a value that are made at once, at most, where a batch may be of any size: few enough for the cache."""
Watch = Callable[[str, Array], None]
"""Sees the name and the values of every value of a graph, inputs included."""


def in_batches(values: Mapping[str, Array], size: int = BATCH) -> Iterator[dict[str, Array]]:
    """Values of a graph's inputs, `size` frames at a time."""
    for start in range(0, len(next(iter(values.values()))), size):
        yield {name: x[start : start + size] for name, x in values.items()}


def batch_size(graph: Graph) -> int:
    """Frames at a time of a graph of codes, whose results are the same in any batch."""
    largest = max(prod(kind.shape) for kind in graph.types.values())
    return min(BATCH, max(1, LARGEST // largest))


class Player:
    """Runs a graph on the frames of a sequence, in their order, in batches of any size.

    What operators keep from frame to frame lasts until `restart`. Where no operator keeps anything, a batch means
    the same whatever was played before it.
    """

    def __init__(self, graph: Graph, watch: Watch | None = None) -> None:
        self.graph, self.watch = graph, watch
        self._last_use = {arg: i for i, node in enumerate(graph.nodes) for arg in node.args}
        self._states: dict[str, State] = {}

    def restart(self) -> None:
        """Begin a new sequence, as a reset does in hardware."""
        self._states.clear()

    def play(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Values of the graph's outputs for the next frames of its inputs, each (batch, height, width, channels).

        Values are freed after their last use.
        """
        env: dict[str, Array] = {}
        for name, kind in self.graph.inputs:
            assert inputs[name].shape[1:] == kind.shape, f"%{name} is {inputs[name].shape[1:]}, not {kind.shape}"
            env[name] = self._seen(name, inputs[name])
        for i, node in enumerate(self.graph.nodes):
            env[node.name] = self._seen(node.name, self._result(node, [env[a] for a in node.args]))
            for arg in set(node.args):
                if self._last_use[arg] == i and arg not in self.graph.outputs:
                    del env[arg]
        return {name: env[name] for name in self.graph.outputs}

    def _seen(self, name: str, values: Array) -> Array:
        if self.watch:
            self.watch(name, values)
        return values

    def _result(self, node: Node, args: Sequence[Array]) -> Array:
        if not isinstance(node.op, Stateful) or node.op.scope is Scope.FRAME:
            return node.op.golden(args)
        before = self._states[node.name] if node.name in self._states else node.op.start(args)
        self._states[node.name], result = node.op.play(before, args)
        return result


def interpret(graph: Graph, inputs: Mapping[str, Array], *, watch: Watch | None = None) -> dict[str, Array]:
    """Values of the graph's outputs for frames that are a whole sequence, see `Player`."""
    return Player(graph, watch).play(inputs)
