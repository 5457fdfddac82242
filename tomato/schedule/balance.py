"""Which channels change places so that the lanes of sparse layers have lists of like lengths."""

from collections.abc import Mapping, Sequence
from typing import TypeGuard

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.ir import Graph, Node, Op
from tomato.engines.base import Knobs
from tomato.engines.parts import kept, unrolling
from tomato.engines.sparse_fold import SparseFold
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.weighted import Weighted
from tomato.passes.coupling import Coupling
from tomato.passes.reorder_channels import exchangeable, placed, reorder_channels
from tomato.schedule.plan import WORDS, Plan
from tomato.schedule.scheduler import weight
from tomato.schedule.streams import edges, interval_cycles
from tomato.schedule.units import bind, sites
from tomato.targets import Target

HOPE = 0.85
"""What may be left of the reads of a layer's lists, where a plan that does without them shall have them after all."""
EVEN = 0.98
"""The share of a layer's reads from which on having less of them is worth nothing."""
SWEEPS = 12
WORK = 300_000_000
"""Most sweeps over the sets of a family, and most numbers that are looked at for all families: some seconds."""
NEAR = 1e-9


def aims(graph: Graph, plan: Plan, target: Target) -> dict[str, Knobs]:
    """What the lists of sparse layers are to be balanced for: the words of a plan's units, without what is 0.

    Of a layer that is built without lists, of the cheapest unit that has them and might be fast enough with them.
    """
    places, units = sites(graph, target), bind(graph, plan.layers, target)
    enough = interval_cycles(units, edges(graph, units)) / HOPE
    found: dict[str, Knobs] = {}
    for name, place in places.items():
        if not _has_lists(place.op) or SparseFold.refuses(place):
            continue
        knobs = units[name].knobs
        if not knobs.get("lists", 0) > 1:
            others = [u for u in SparseFold.units(place) if u.knobs["lists"] > 1 and u.cycles <= enough]
            cheapest = min(others, key=lambda unit: weight(unit.cost, target.usable), default=None)
            knobs = cheapest.knobs if cheapest else {}
        if knobs:
            found[name] = {knob: n for knob in WORDS if (n := knobs.get(knob, 0))}
    return found


def balanced(graph: Graph, wanted: Mapping[str, Knobs]) -> Graph:
    """The graph with its channels in an order in which the lists of some layers are shorter: itself if none is found.

    It follows from the arguments alone. Raises TomatoError where a layer has no lists.
    """
    nodes = {node.name: node for node in graph}
    if wrong := [name for name in wanted if name not in nodes or not _has_lists(nodes[name].op)]:
        raise TomatoError(f"channels are reordered for layer {wrong[0]}, which is none that could have lists")
    coupling = Coupling.of(graph)
    search = Search(graph, coupling, wanted)
    families = exchangeable(graph, coupling)
    for family in families:
        search.settle(family, WORK // len(families))
    return reorder_channels(graph, coupling, search.taken) if search.better else graph


def _has_lists(op: Op) -> TypeGuard[Dense | Conv2d]:
    """Whether a layer's lanes could have lists of their own: its filters see all channels."""
    return isinstance(op, Dense) or (isinstance(op, Conv2d) and op.groups == 1)


class Layer:
    """A sparse layer, and what it reads in the order that its channels have."""

    def __init__(self, node: Node, coupling: Coupling, knobs: Knobs) -> None:
        assert isinstance(node.op, Weighted)
        rows, columns, inputs, filters = (1, 1, *node.op.weight.shape)[-4:]
        there = (node.op.weight.values != 0).reshape(rows, columns, inputs, filters)
        together = tuple(axis for axis, at_once in enumerate(unrolling.taps(knobs)) if at_once)
        there = there.any(axis=together, keepdims=True) if together else there
        self.there = there.reshape(-1, inputs, filters)
        """Whether a weight is not zero: (steps of the kernel, inputs, filters), in the model's order."""
        self.labels = coupling.sets[node.args[0]], coupling.sets[node.name]
        self.lanes, self.filters = min(knobs["lanes_in"], inputs), min(unrolling.lanes_out(knobs), filters)
        self.into = self.out = np.zeros(0, dtype=np.int64)
        self.order(np.arange(coupling.free.size))
        self.whole = self.words

    def order(self, taken: Array) -> None:
        """Put its channels in the order of sets that changed places."""
        self.into, before = placed(self.labels[0], taken), self.out
        self.out = placed(self.labels[1], taken)
        if not np.array_equal(self.out, before):
            starts = np.arange(0, self.out.size, self.filters)
            self.counts = np.add.reduceat(self.there[:, :, self.out], starts, axis=2, dtype=np.int32)
            """Filters of a fold that a read is for: (steps, inputs in the model's order, folds)."""
            self.reads = (self.counts > 0).sum(axis=0, dtype=np.int32)
            """Reads of an input: (inputs in the model's order, folds)."""

    @property
    def least(self) -> int:
        """Reads of an output pixel, if lists were even and words full."""
        return max(-(-int(self.there.sum()) // (self.lanes * self.filters)), int(self.counts.shape[2]))

    @property
    def words(self) -> int:
        """Reads of an output pixel."""
        return int(kept.passes_apart(self.reads[self.into], self.lanes).sum())


class Inputs:
    """A family among a layer's inputs: which of its sets is in which lane."""

    def __init__(self, layer: Layer, family: Array) -> None:
        self.layer, self.family, self.places = layer, family, _places(layer.labels[0], family)
        self.lane = self.places[:, 0] % layer.lanes

    @property
    def usable(self) -> bool:
        """Whether the channels of a set are of one lane; and there are several lanes."""
        return self.layer.lanes > 1 and bool(np.all(self.places % self.layer.lanes == self.lane[:, None]))

    @property
    def size(self) -> int:
        """Numbers that `changes` looks at."""
        return self.lane.size * int(self.layer.reads.shape[1])

    def look(self) -> None:
        """See what is read in the order that channels have now."""
        layer, (_, folds) = self.layer, self.layer.reads.shape
        self.reads = layer.reads[layer.into[self.places]].sum(axis=1)
        every = layer.reads[layer.into]
        filled = np.concatenate([every, np.zeros((-len(every) % layer.lanes, folds), dtype=every.dtype)])
        self.sums = filled.reshape(-1, layer.lanes, folds).sum(axis=0)
        self.now = int(np.maximum(self.sums.max(axis=0), 1).sum())

    def changes(self, k: int) -> Array:
        """By how many reads of a pixel it takes longer if set k changes places with each of the others."""
        a, more = self.lane[k], self.reads - self.reads[k]
        rest, every = self.sums.copy(), np.arange(self.sums.shape[1])
        rest[a] = 0
        first = rest.argmax(axis=0)
        most = rest[first, every]
        rest[first, every] = 0
        others = np.where(first == np.arange(len(rest))[:, None], rest.max(axis=0), np.maximum(most, 1))
        longest = np.maximum(np.maximum(self.sums[a] + more, self.sums[self.lane] - more), others[self.lane])
        found = np.maximum(longest, 1).sum(axis=1) - self.now
        return np.asarray(np.where(self.lane == a, 0, found))


class Filters:
    """A family among a layer's filters: which of its sets is in which fold."""

    def __init__(self, layer: Layer, family: Array) -> None:
        self.layer, self.family, self.places = layer, family, _places(layer.labels[1], family)
        self.fold = self.places[:, 0] // layer.filters

    @property
    def usable(self) -> bool:
        """Whether folds have several filters; and a set is of one."""
        return self.layer.filters > 1 and self.places.shape[1] == 1

    @property
    def size(self) -> int:
        """Numbers that `changes` looks at."""
        return int(self.fold.size * self.layer.there[..., 0].size)

    def look(self) -> None:
        """See what is read in the order that channels have now."""
        layer = self.layer
        steps, inputs, filters = layer.there.shape
        lane = np.empty(inputs, dtype=np.int64)
        lane[layer.into] = np.arange(inputs) % layer.lanes
        self.apart = np.eye(layer.lanes, dtype=np.float32)[np.tile(lane, steps)]  # reads, lanes
        self.own = layer.there.reshape(-1, filters)[:, layer.out[self.places[:, 0]]]  # reads, sets
        counts = layer.counts.reshape(steps * inputs, -1)
        self.others = counts[:, self.fold] > self.own  # reads, sets: that other filters of its fold need
        self.left = self.apart.T @ self.others  # lanes, sets
        self.now = np.maximum((self.apart.T @ (counts > 0)).max(axis=0), 1)  # folds

    def changes(self, k: int) -> Array:
        """By how many reads of a pixel it takes longer if set k changes places with each of the others."""
        new, own = ~self.others[:, k], self.own[:, k]
        here = self.left[:, [k]] + self.apart[new].T @ self.own[new]
        there = self.left + self.apart[own].T @ ~self.others[own]
        found = np.maximum(here.max(axis=0), 1) + np.maximum(there.max(axis=0), 1)
        found -= self.now[self.fold[k]] + self.now[self.fold]
        return np.asarray(np.where(self.fold == self.fold[k], 0, found))


def views_of(layer: Layer, family: Array) -> list[Inputs | Filters]:
    """The sides of a layer on which sets of a family can change places to some effect."""
    found: list[Inputs | Filters] = []
    if np.isin(family[0], layer.labels[0]):
        found.append(Inputs(layer, family))
    if np.isin(family[0], layer.labels[1]):
        found.append(Filters(layer, family))
    return [view for view in found if view.usable]


class Search:
    """Sets change places two at a time, always to what is best, until nothing is better.

    What counts is the sum over the layers of the share of its reads that each has left.
    """

    def __init__(self, graph: Graph, coupling: Coupling, aims: Mapping[str, Knobs]) -> None:
        layers = (Layer(node, coupling, aims[node.name]) for node in graph if node.name in aims)
        self.layers = [layer for layer in layers if layer.least < EVEN * layer.whole]
        self.taken = np.arange(coupling.free.size)

    @property
    def better(self) -> bool:
        """Whether some layer reads less by more than a little."""
        return any(layer.words < EVEN * layer.whole for layer in self.layers)

    def settle(self, family: Array, most: int) -> None:
        """Find better places for the sets of a family; most: numbers that are looked at."""
        layers = [layer for layer in self.layers if np.isin(family[0], np.concatenate(layer.labels))]
        views = [view for layer in layers for view in views_of(layer, family)]
        if not views:
            return
        rng, score = np.random.default_rng(family.size), self._score(layers)
        looking = sum(view.size for view in views)
        changing = 10 * sum(layer.there.size for layer in layers)
        work = idle = 0
        for view in views:
            view.look()
        for k in np.concatenate([rng.permutation(family.size) for _ in range(SWEEPS)]):
            work += looking
            change = np.sum([view.changes(k) / view.layer.whole for view in views], axis=0)
            j = int(np.argmin(change))
            idle += 1
            if change[j] < -NEAR:
                work += changing
                self._swap(layers, family[[k, j]])
                better = self._score(layers)
                if better < score - NEAR:
                    score, idle = better, 0
                    for view in views:
                        view.look()
                else:
                    self._swap(layers, family[[k, j]])
            if idle > family.size or work > most:
                return

    @staticmethod
    def _score(layers: Sequence[Layer]) -> float:
        return sum(layer.words / layer.whole for layer in layers)

    def _swap(self, layers: Sequence[Layer], two: Array) -> None:
        self.taken[two] = self.taken[two[::-1]]
        for layer in layers:
            layer.order(self.taken)


def _places(labels: Array, family: Array) -> Array:
    """The places of each set of a family, in order: (sets, places)."""
    found = np.flatnonzero(np.isin(labels, family))
    return found[np.argsort(labels[found], kind="stable")].reshape(family.size, -1)
