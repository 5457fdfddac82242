"""A small graph with planted communities: neighbours are mostly of a node's own class, and so are its features."""

import numpy as np

from tomato.core.formats import Array
from tomato.search.graphs.data import GraphData, of

NODES, FEATURES, CLASSES = 60, 12, 3


def arrays(nodes: int = NODES, seed: int = 0) -> dict[str, Array]:
    """As a file holds them, without a split."""
    rng = np.random.default_rng(seed)
    labels = np.arange(nodes) % CLASSES
    likely = np.where(labels[:, None] == labels[None], 0.35, 0.02)
    edges = np.array(np.nonzero(np.triu(rng.random((nodes, nodes)) < likely, 1)))
    own = np.arange(FEATURES)[None] % CLASSES == labels[:, None]
    x = (rng.random((nodes, FEATURES)) < np.where(own, 0.5, 0.1)).astype(np.float32)
    return {"x": x, "edges": edges, "labels": labels}


def planted(nodes: int = NODES, seed: int = 0) -> GraphData:
    return of(arrays(nodes, seed), seed)
