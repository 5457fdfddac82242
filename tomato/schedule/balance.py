"""Which channels change places so that the lanes of sparse layers have lists of like lengths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tomato.core.formats import Array
from tomato.core.ir import Graph, Node
from tomato.engines.base import Knobs
from tomato.engines.parts import kept, unrolling
from tomato.engines.sparse_fold import SparseFold
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.weighted import Weighted
from tomato.passes.coupling import Coupling
from tomato.passes.reorder_channels import exchangeable, placed, reorder_channels
from tomato.schedule.plan import Choice

USUAL: Knobs = {"lanes_in": 8, "lanes_out": 1, "parallel_rows": 0, "parallel_columns": 0}
"""What layers are balanced for that a plan does not build with lists: of so few lanes, fewer are balanced, too."""
FEW = 0.5
"""Weights that are left, of all, of layers for which that is done."""
SWEEPS = 12
WORK = 400_000_000
"""Most sweeps over the sets of a family, and most numbers that one looks at."""
NEAR = 1e-9


def balanced(graph: Graph, layers: Mapping[str, Choice]) -> Graph | None:
    """The graph in another order of channels, in which the sparse layers of a plan read less; None if none is found.

    It follows from the graph and the knobs of layers with lists alone.
    """
    aims = _aims(graph, layers)
    if not aims:
        return None
    coupling = Coupling.of(graph)
    search = Search(graph, coupling, aims)
    for family in exchangeable(graph, coupling):
        search.settle(family)
    return reorder_channels(graph, coupling, search.taken) if search.moved else None


def _aims(graph: Graph, layers: Mapping[str, Choice]) -> dict[str, Knobs]:
    """The knobs for which each sparse layer is balanced."""
    found: dict[str, Knobs] = {}
    for node in graph:
        choice, op = layers.get(node.name), node.op
        if choice and choice.engine == SparseFold.stem and choice.knobs["lists"] > 1:
            found[node.name] = choice.knobs
        elif isinstance(op, Dense) or (isinstance(op, Conv2d) and op.groups == 1):
            if np.count_nonzero(op.weight.values) <= FEW * op.weight.values.size:
                found[node.name] = USUAL
    return found


class Layer:
    """A sparse layer, and what it reads in the order that its channels have."""

    def __init__(self, node: Node, coupling: Coupling, knobs: Knobs) -> None:
        assert isinstance(node.op, Weighted)
        rows, columns, inputs, filters = (1, 1, *node.op.weight.shape)[-4:]
        there = (node.op.weight.values != 0).reshape(rows, columns, inputs, filters)
        together = tuple(axis for axis, all_of_it in enumerate(unrolling.taps(knobs)) if all_of_it)
        there = there.any(axis=together, keepdims=True) if together else there
        self._there = there.reshape(-1, inputs, filters)  # steps, inputs, filters
        self.labels = coupling.sets[node.args[0]], coupling.sets[node.name]
        self.lanes, self.filters = min(knobs["lanes_in"], inputs), min(unrolling.lanes_out(knobs), filters)
        self.order(np.arange(coupling.free.size))
        self.whole = self.words

    def order(self, taken: Array) -> None:
        """Put its channels in the order of sets that changed places."""
        self.into, self.out = (placed(labels, taken) for labels in self.labels)
        self.there = self._there[:, :, self.out]
        starts = np.arange(0, self.out.size, self.filters)
        folded = np.add.reduceat(self.there, starts, axis=2, dtype=np.int32) if self.filters > 1 else self.there
        self.counts = folded  # steps, inputs, folds: filters of the fold that read the input; inputs in the model's order
        self.reads = (folded > 0).sum(axis=0, dtype=np.int32)  # inputs, folds

    @property
    def words(self) -> int:
        """Reads of an output pixel."""
        return int(kept.passes_apart(self.reads[self.into], self.lanes).sum())
