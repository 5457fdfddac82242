"""The host's side of an accelerator: ONNX arrays to graph values and back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from tomato.formats import Array, Tensor


@dataclass(frozen=True, slots=True)
class HostStep:
    """Something the host does to an output: "softmax", "logsoftmax" or "argmax" over `axis` (batch is axis 0)."""

    kind: str
    axis: int
    keepdims: bool = True

    def apply(self, x: Array) -> Array:
        """The ONNX meaning on an array with the batch first."""
        return HOST[self.kind](self, x)

    def __str__(self) -> str:
        return f"{self.kind}(axis {self.axis})"


def _log_softmax(step: HostStep, x: Array) -> Array:
    shifted = x - x.max(axis=step.axis, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=step.axis, keepdims=True)))


HOST: Mapping[str, Callable[[HostStep, Array], Array]] = MappingProxyType(
    {
        "softmax": lambda step, x: np.exp(_log_softmax(step, x)),
        "logsoftmax": _log_softmax,
        "argmax": lambda step, x: np.argmax(x, axis=step.axis, keepdims=step.keepdims),
    }
)


@dataclass(frozen=True, slots=True)
class Port:
    """One input or output of the model.

    name: its ONNX name. value: the graph value behind it. shape: the ONNX shape without the batch.
    order: flat index into the graph value (height, width, channels) of every ONNX element, shaped like
    the ONNX tensor. host: steps after the graph, for outputs.
    """

    name: str
    value: str
    shape: tuple[int, ...]
    order: Tensor
    host: tuple[HostStep, ...] = ()

    def to_graph(self, x: Array, shape: tuple[int, ...]) -> Array:
        """A batch of ONNX arrays as the graph wants it: (batch, *shape)."""
        flat = np.empty((x.shape[0], int(np.prod(shape))), dtype=x.dtype)
        flat[:, self.order.values.reshape(-1)] = x.reshape(x.shape[0], -1)
        return flat.reshape(x.shape[0], *shape)

    def from_graph(self, y: Array) -> Array:
        """A batch of graph values as ONNX orders them, before the host's steps."""
        return np.asarray(y.reshape(y.shape[0], -1)[:, self.order.values])

    def finish(self, y: Array) -> Array:
        """The host's steps, in order."""
        for step in self.host:
            y = step.apply(y)
        return y
