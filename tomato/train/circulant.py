"""Weights of circulant blocks: a block of b x b weights is one row of b, turned by one place per channel in.

Kept exact: weights are read in place, turned, and no Fourier transform rounds them. That saves the memory of weights,
b times, and no multiplication (CirCNN: Ding et al. 2017).
"""

from collections.abc import Mapping

import numpy as np

from tomato.core.errors import TomatoError, check_number
from tomato.core.formats import Array, Tensor
from tomato.core.ir import Builder, Graph, Node
from tomato.ops.weighted import Weighted
from tomato.train.named import by_layer, with_weight


def index_map(shape: tuple[int, ...], block: int, groups: int = 1) -> Array:
    """For every weight the free parameter that it is, counted from 0: an integer array of the weight's shape.

    shape: of a weight, (..., channels in per group, channels out), every tap on its own. Blocks lie within a group.
    Channels that are left over behind the last whole block are free: each of their weights is a parameter of its own.
    """
    *taps, into, out = shape
    outside = out // groups
    i, j = np.arange(into)[:, np.newaxis], np.arange(outside)[np.newaxis, :]
    first = i - i % block
    whole = (first + block <= into) & (j - j % block + block <= outside)
    row = np.where(whole, first, i)
    column = np.where(whole, j - j % block + (j - i) % block, j)
    pattern = (row * outside + column).ravel()
    _, within = np.unique(pattern, return_inverse=True)
    count = int(within.max()) + 1
    lots = np.arange(int(np.prod(taps)) * groups).reshape(*taps, 1, groups, 1) * count
    return np.asarray((lots + within.reshape(into, 1, outside)).reshape(shape))


def project(weight: Array, index: Array) -> Array:
    """The parameters of the nearest weight of that structure: means along the turned diagonals."""
    flat = index.ravel()
    return np.asarray(np.bincount(flat, weight.ravel()) / np.bincount(flat))


def expand(parameters: Array, index: Array) -> Array:
    """The whole weight; of integers it has the same integers."""
    return np.asarray(parameters[index])


def is_circulant(weight: Array, block: int, groups: int = 1) -> bool:
    """Whether every weight equals the others along its turned diagonal, exactly."""
    index = index_map(weight.shape, block, groups)
    first = np.unique(index, return_index=True)[1]
    return bool(np.array_equal(weight, weight.ravel()[first][index]))


def make_circulant(graph: Graph, blocks: Mapping[str, int]) -> Graph:
    """The graph with layers of circulant blocks in place of those that they are nearest to.

    blocks: sizes by name or pattern. Their integers are circulant as well, with a scale per channel out, where the size
    divides the channels in and quantisation does not compensate errors from one weight to the next.

    TomatoError where a layer has no whole block of the size.
    """
    wanted = by_layer(graph, blocks)

    def rewrite(node: Node, build: Builder) -> str | None:
        if node.name not in wanted:
            return None
        assert isinstance(node.op, Weighted)
        weight, groups = node.op.weight.values, node.op.groups
        sizes = weight.shape[-2], weight.shape[-1] // groups
        check_number("the size of circulant blocks", wanted[node.name], 1, where=node.label)
        if wanted[node.name] > min(sizes):
            raise TomatoError(
                f"a block of {wanted[node.name]} x {wanted[node.name]} is larger than {sizes[0]} x {sizes[1]} channels",
                where=node.label,
                hint="take a smaller block, or leave the layer out",
            )
        index = index_map(weight.shape, wanted[node.name], groups)
        near = Tensor(expand(project(weight, index), index))
        return build.add(with_weight(node.op, near), node.args, node.name, node.origin)

    return graph.rebuild(rewrite)
