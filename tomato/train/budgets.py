"""How many channels go: by layer, or as many as a limit for the whole network asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tomato.core.errors import TomatoError, check_number
from tomato.core.formats import Array
from tomato.core.ir import Graph, Op
from tomato.ops.weighted import Weighted
from tomato.passes.coupling import Coupling
from tomato.train.named import by_layer, layers


@dataclass(frozen=True, slots=True)
class Shares:
    """The share of channels that go, by layer: its name or ONNX name, or a pattern in the manner of file names.

    Where channels of several layers are coupled, all lose as many as the layer that loses most.
    """

    by_pattern: Mapping[str, float]

    def __post_init__(self) -> None:
        for pattern, share in self.by_pattern.items():
            check_number(f"the share of channels to remove from {pattern}", share, 0, 1)


@dataclass(frozen=True, slots=True)
class Limit:
    """The shares of the network's multiply-accumulates and weights that may be left."""

    macs: float = 1.0
    weights: float = 1.0

    def __post_init__(self) -> None:
        check_number("the share of multiply-accumulates to leave", self.macs, 0, 1, open_=True)
        check_number("the share of weights to leave", self.weights, 0, 1, open_=True)


@dataclass(frozen=True, slots=True)
class Steps:
    """keep: channels of each family that stay at least. Their number is a multiple of `step`, or all."""

    keep: int = 1
    step: int = 1

    def __post_init__(self) -> None:
        check_number("the number of channels to keep", self.keep, 1)
        check_number("the step of numbers of channels", self.step, 1)

    def up(self, wanted: int, count: int) -> int:
        """The least allowed number, `wanted` or more, of `count` channels."""
        return min(count, -(-max(wanted, self.keep) // self.step) * self.step)

    def next(self, left: int, count: int) -> int:
        """The largest allowed number below `left`; `left` where there is none."""
        fewer = (left - 1) // self.step * self.step
        return fewer if fewer >= self.up(1, count) else left


ONE_BY_ONE = Steps()
"""Any number of channels from one."""


def by_share(graph: Graph, coupling: Coupling, shares: Shares, steps: Steps) -> list[int]:
    """How many sets of each family go. TomatoError where a layer would have none left, or can lose none."""
    wanted, asked = by_layer(graph, shares.by_pattern), np.zeros(len(coupling.families))
    nodes, place = graph.producers, {int(f[0]): i for i, f in enumerate(coupling.families)}
    for pattern in shares.by_pattern:
        named = by_layer(graph, {pattern: 1})
        if shares.by_pattern[pattern] and not any(coupling.family_of(name) for name in named):
            raise TomatoError(
                f"no channel of {', '.join(nodes[name].label for name in named)} can be removed",
                hint="outputs of the network, and what moves between channels and pixels, keep all channels",
            )
    for name, share in wanted.items():
        for family in coupling.family_of(name):
            if _whole(share * family.size) == family.size:
                raise TomatoError(
                    f"no channel of {nodes[name].label} would be left", hint="remove a share of less than 1"
                )
            i = place[int(family[0])]
            asked[i] = max(asked[i], share)
    sizes = [f.size for f in coupling.families]
    return [n - steps.up(n - _whole(share * n), n) for n, share in zip(sizes, asked, strict=True)]


def by_limit(graph: Graph, coupling: Coupling, limit: Limit, worth: Sequence[Array], steps: Steps) -> list[int]:
    """How many sets of each family go, the least worth first, until the limit is met.

    worth: of the sets of each family, ascending. TomatoError where all that may go is not enough.
    """
    sizes = [len(w) for w in worth]
    left, sizer = np.array(sizes, dtype=np.int64), Sizer(graph, coupling)
    following = [steps.next(n, n) for n in sizes]

    def price(i: int) -> float:
        gone = sizes[i] - left[i]
        part = worth[i][gone : sizes[i] - following[i]]
        return float(part.mean()) if part.size else np.inf

    prices = np.array([price(i) for i in range(len(sizes))])
    while (found := sizer.left(left)).macs > limit.macs or found.weights > limit.weights:
        if not np.isfinite(prices).any():
            raise TomatoError(
                f"{found.macs:.1%} of the multiply-accumulates and {found.weights:.1%} of the weights are left "
                "when all channels are removed that may be",
                hint="allow more to be left, or fewer channels to be kept",
            )
        i = int(prices.argmin())
        left[i] = following[i]
        following[i] = steps.next(int(left[i]), sizes[i])
        prices[i] = price(i)
    return [n - int(m) for n, m in zip(sizes, left, strict=True)]


@dataclass(frozen=True, slots=True)
class Left:
    """The shares of a network's multiply-accumulates and weights that are left."""

    macs: float
    weights: float


class Sizer:
    """Counts what is left of a network's layers when sets of channels go."""

    def __init__(self, graph: Graph, coupling: Coupling) -> None:
        nodes, values = layers(graph), list(coupling.sets)
        self._sizes = np.array([len(family) for family in coupling.families], dtype=np.int64)
        self._held = np.array(
            [[np.count_nonzero(coupling.sets[v] == f[0]) for f in coupling.families] for v in values]
        ).reshape(len(values), -1)
        self._channels = np.array([coupling.sets[v].size for v in values])
        self._out = [values.index(node.name) for node in nodes]
        self._in = [values.index(node.args[0]) for node in nodes]
        self._filters = np.array([_in_filters(node.op) for node in nodes], dtype=bool)
        self._macs = np.array([node.op.macs(graph.args_of(node)) for node in nodes], dtype=np.float64)
        self._weights = np.array([_size(node.op) for node in nodes], dtype=np.float64)
        every = sum(node.op.macs(graph.args_of(node)) for node in graph)
        self._still = float(every - self._macs.sum())  # of products of two values, whose channels all stay

    def left(self, sets: Array) -> Left:
        """The shares of multiply-accumulates and weights that are left with so many sets of each family."""
        share = 1.0 - self._held @ (self._sizes - sets) / self._channels
        each = share[self._out] * np.where(self._filters, 1.0, share[self._in])
        macs = ((each * self._macs).sum() + self._still) / max(self._macs.sum() + self._still, 1.0)
        return Left(float(macs), float((each * self._weights).sum() / max(self._weights.sum(), 1.0)))


def _in_filters(op: Op) -> bool:
    """Whether a channel out sees one channel in, whatever their number."""
    assert isinstance(op, Weighted)
    return op.groups > 1 and op.weight.shape[-2] == 1


def _size(op: Op) -> int:
    assert isinstance(op, Weighted)
    return op.weight.values.size


def _whole(share: float) -> int:
    """Whole channels of a share of them, which may be a rounding error short."""
    return int(share + 1e-9)
