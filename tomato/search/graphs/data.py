"""Graphs with features and classes of their nodes: read, checked, split, and small parts of them for a chip."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.files import refusals
from tomato.core.formats import Array
from tomato.search.graphs.layers import Matrix

PARTS: Final = ("train", "valid", "test")
PER_CLASS: Final = 20
"""Nodes of each class that a drawn split trains on (Yang et al., Planetoid, 2016)."""
VALID, TEST = 500, 1000
"""Nodes that it chooses by and reports on, at most."""
FORM: Final = "a .npz holds x (nodes, features), edges (2, edges), labels (nodes,), and train, valid, test (nodes,)"


@dataclass(frozen=True, slots=True, eq=False)
class GraphData:
    """A graph.

    x: (nodes, features), float32. edges: (2, edges), int64, source and target, ordered, each once, no node with itself,
    both ways where the file says one. labels: class of every node. train, valid, test: masks (nodes,) of the parts.
    """

    x: Array
    edges: Array
    labels: Array
    train: Array
    valid: Array
    test: Array

    @property
    def nodes(self) -> int:
        """How many."""
        return len(self.x)

    @property
    def classes(self) -> int:
        """The greatest label, and 0."""
        return int(self.labels.max()) + 1

    @property
    def entered(self) -> int:
        """Bits of the features: 1 where they are 0 and 1, else 8."""
        return 1 if np.isin(self.x, (0, 1)).all() else 8

    def matrix(self, kind: Matrix) -> tuple[Array, Array, Array]:
        """Weights of neighbours, as targets, sources and values, ordered by target; a node without any has none."""
        own = np.arange(self.nodes)
        sources, targets = self.edges
        if kind != "mean":
            sources, targets = np.concatenate([sources, own]), np.concatenate([targets, own])
        order = np.lexsort((sources, targets))
        sources, targets = sources[order], targets[order]
        degrees = np.bincount(targets, minlength=self.nodes).astype(np.float64)
        divisors = np.sqrt(degrees[targets] * degrees[sources]) if kind == "gcn" else degrees[targets]
        return targets, sources, 1.0 / divisors

    def edge_counts(self) -> dict[Matrix, int]:
        """Weights of every kind of matrix that are not zero."""
        links = self.edges.shape[1]
        return {"gcn": links + self.nodes, "mean": links, "self_mean": links + self.nodes}

    def part(self, chosen: Array) -> "GraphData":
        """The graph of some nodes, in their order, and the edges between them."""
        place = np.full(self.nodes, -1)
        place[chosen] = np.arange(len(chosen))
        kept = place[self.edges]
        kept = kept[:, (kept >= 0).all(axis=0)]
        kept = kept[:, np.lexsort(kept[::-1])]
        masks = {name: getattr(self, name)[chosen] for name in PARTS}
        return replace(self, x=self.x[chosen], labels=self.labels[chosen], edges=kept, **masks)

    def near(self, count: int, seed: int = 0) -> Array:
        """`count` nodes by breadth-first search from one drawn by the seed, and from another where that ends.

        All of them where there are no more.
        """
        if self.nodes <= count:
            return np.arange(self.nodes)
        sources, targets = self.edges
        neighbours = np.split(targets, np.cumsum(np.bincount(sources, minlength=self.nodes))[:-1])
        found: dict[int, None] = {}
        for start in np.random.default_rng([seed, 3]).permutation(self.nodes):
            queue = deque([int(start)] if int(start) not in found else [])
            found.update(dict.fromkeys(queue))
            while queue and len(found) < count:
                fresh = [int(n) for n in neighbours[queue.popleft()] if int(n) not in found][: count - len(found)]
                found.update(dict.fromkeys(fresh))
                queue.extend(fresh)
            if len(found) >= count:
                break
        return np.fromiter(found, np.int64)


@refusals("cannot read the graph")
def read(path: Path, seed: int = 0) -> GraphData:
    """A graph from a .npz; without masks, its nodes are split by the seed. Raises TomatoError."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (ValueError, OSError, EOFError) as reason:
        raise TomatoError("this is no graph", where=str(path), hint=FORM) from reason
    try:
        return of(arrays, seed)
    except TomatoError as reason:
        raise TomatoError(reason.what, where=str(path), hint=reason.hint) from reason


def of(arrays: Mapping[str, Array], seed: int = 0) -> GraphData:
    """A graph from arrays, named as in its file. Raises TomatoError for what does not suit."""
    if missing := [name for name in ("x", "edges", "labels") if name not in arrays]:
        raise TomatoError(f"{missing[0]} is missing", hint=FORM)
    x, edges, labels = (np.asarray(arrays[name]) for name in ("x", "edges", "labels"))
    if x.ndim != 2 or 0 in x.shape or x.dtype.kind not in "fiub":
        raise TomatoError(f"x is {x.dtype} of shape {x.shape}, not numbers of (nodes, features)", hint=FORM)
    x = x.astype(np.float32)
    if not np.isfinite(x).all():
        raise TomatoError(f"x of node {int(np.argmin(np.isfinite(x).all(axis=1)))} is not finite")
    nodes = len(x)
    if labels.shape != (nodes,) or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise TomatoError(f"labels are {labels.dtype} of shape {labels.shape}, not a class from 0 of {nodes:,} nodes")
    labels = labels.astype(np.int64)
    if len(np.unique(labels)) < 2:
        raise TomatoError("all nodes have one class", hint="there is nothing to tell apart")
    parts = _masks(arrays, nodes) if any(name in arrays for name in PARTS) else drawn(labels, seed)
    return GraphData(x, _edges(edges, nodes), labels, *parts)


def _edges(edges: Array, nodes: int) -> Array:
    """Both ways, each once, none from a node to itself. Raises TomatoError."""
    if edges.ndim != 2 or 2 not in edges.shape or edges.dtype.kind not in "iu":
        raise TomatoError(f"edges are {edges.dtype} of shape {edges.shape}, not whole numbers of (2, edges)", hint=FORM)
    pairs = edges.astype(np.int64) if edges.shape[0] == 2 else edges.astype(np.int64).T
    if pairs.size and (pairs.min() < 0 or pairs.max() >= nodes):
        wrong = int(pairs.min()) if pairs.min() < 0 else int(pairs.max())
        raise TomatoError(f"an edge ends at node {wrong}, but there are {nodes:,} nodes, from 0")
    both = np.concatenate([pairs, pairs[::-1]], axis=1)
    both = both[:, both[0] != both[1]]
    return np.unique(both, axis=1)


def _masks(arrays: Mapping[str, Array], nodes: int) -> tuple[Array, Array, Array]:
    """The parts that a file says, as masks or as numbers of nodes. Raises TomatoError."""
    found = []
    for name in PARTS:
        if name not in arrays:
            raise TomatoError(f"{name} is missing", hint="give train, valid and test, or none of them: they are drawn")
        given = np.asarray(arrays[name])
        mask = np.zeros(nodes, bool)
        if given.dtype == bool and given.shape == (nodes,):
            mask = given
        elif given.dtype.kind in "iu" and given.ndim == 1 and given.size and 0 <= given.min() <= given.max() < nodes:
            mask[given] = True
        else:
            raise TomatoError(f"{name} is {given.dtype} of shape {given.shape}, not a mask, or numbers, of nodes")
        if not mask.any():
            raise TomatoError(f"{name} has no nodes")
        found.append(mask)
    if ((found[0] & found[1]) | (found[0] & found[2]) | (found[1] & found[2])).any():
        raise TomatoError("a node is in two of train, valid and test")
    return found[0], found[1], found[2]


def drawn(labels: Array, seed: int) -> tuple[Array, Array, Array]:
    """A split as Planetoid's: 20 nodes of each class, 500 to choose by, 1,000 to report on.

    Of small graphs a fifth, a fifth and the rest. Raises TomatoError where that leaves a part empty.
    """
    rng = np.random.default_rng([seed, 4])
    order = rng.permutation(len(labels))
    small = len(labels) < VALID + TEST + PER_CLASS * (int(labels.max()) + 1)
    train = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = order[labels[order] == label]
        train[members[: max(1, len(members) // 5) if small else PER_CLASS]] = True
    rest = order[~train[order]]
    count = len(labels) // 5 if small else VALID
    valid, test = np.zeros_like(train), np.zeros_like(train)
    valid[rest[:count]] = True
    test[rest[count:] if small else rest[count : count + TEST]] = True
    if not (valid.any() and test.any()):
        raise TomatoError(f"{len(labels)} nodes are too few to train on some, choose by some and report on some")
    return train, valid, test
