"""What a layer's weights meet: mean and covariance of its inputs, measured while calibrating."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tomato.core.formats import Array
from tomato.core.ir import Graph, Node
from tomato.ops.conv2d import Conv2d
from tomato.ops.weighted import Weighted

MOST_ROWS = 2304
"""Weights per channel (3 x 3 x 256) beyond which a covariance is not worth its memory: 42 MB."""
PATCHES = 4096
"""Windows taken from each batch at random: at even distances they would fall into few columns of the picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Of the inputs under a window, in the order of a channel's weights.

    mean: (groups, weights per channel). covariance: (groups, weights per channel, weights per channel). The mean is
    kept apart because what it does to errors of the weights goes into the bias.
    """

    mean: Array
    covariance: Array


class Collector:
    """Sees every value of a graph (`calibrate(..., watch=)`) and keeps sums over the inputs of some layers."""

    def __init__(self, graph: Graph, wanted: Callable[[Node], bool]) -> None:
        self._layers: dict[str, list[Node]] = {}
        self._sums: dict[str, tuple[int, Array, Array]] = {}
        for node in graph:
            if isinstance(node.op, Weighted) and node.op.weight.values[..., 0].size <= MOST_ROWS and wanted(node):
                self._layers.setdefault(node.args[0], []).append(node)

    def __call__(self, name: str, values: Array) -> None:
        """Add a batch of a value."""
        for node in self._layers.get(name, ()):
            x = _patches(node.op, values)
            count, total, power = self._sums.get(node.name, (0, 0.0, 0.0))
            self._sums[node.name] = (count + x.shape[1], total + x.sum(axis=1), power + x.transpose(0, 2, 1) @ x)

    @property
    def moments(self) -> dict[str, Moments]:
        """By the name of the layer's node."""
        return {name: _moments(*sums) for name, sums in self._sums.items()}


def _moments(count: int, total: Array, power: Array) -> Moments:
    mean = total / count
    return Moments(mean, power / count - mean[:, :, np.newaxis] * mean[:, np.newaxis, :])


def _patches(op: object, x: Array) -> Array:
    """Inputs under windows: (groups, windows, weights per channel)."""
    if not isinstance(op, Conv2d):
        return _some([x.reshape(1, -1, x.shape[3])])
    padded, out = op.window.pad(x, op.pad_value), op.window.output(x.shape[1:])
    taps = (op.window.tap(padded, row, column, out) for row, column in np.ndindex(op.window.kernel))
    return _some([t.reshape(-1, op.groups, x.shape[3] // op.groups).transpose(1, 0, 2) for t in taps])


def _some(taps: Sequence[Array]) -> Array:
    """The same windows of every tap, one beside the other."""
    count = taps[0].shape[1]
    if count <= PATCHES:
        return np.concatenate(taps, axis=2)
    chosen = np.sort(np.random.default_rng(0).choice(count, PATCHES, replace=False))
    return np.concatenate([t[:, chosen] for t in taps], axis=2)
