"""The host's side of an accelerator: ONNX arrays to graph values and back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from tomato import kernels
from tomato.core.formats import Array, Codes, Tensor
from tomato.core.ir import Graph, Op
from tomato.kernels import Quantisation


@dataclass(frozen=True, slots=True)
class Said:
    """What an ONNX model says of its nodes, by the names in `Node.origin`.

    kinds: the ONNX operator. weights: the integer type of a layer's weights, where they come as codes.
    """

    kinds: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, Codes] = field(default_factory=dict)

    def of(self, origin: Sequence[str]) -> tuple[str, ...]:
        """The operators of the nodes that an origin names."""
        return tuple(self.kinds.get(label, "") for label in origin)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a model is read where its file leaves that open, or asks for more than the chip does.

    sizes: of dynamic axes by their names, and whole shapes of inputs by theirs. ranges: least and greatest value, and
    bits, of values that the model leaves unquantised between quantised ones. inputs, outputs: the values between
    which the chip computes; the host does the rest. Without them the chip computes the whole model. states: inputs
    that are what an output was at the frame before; both stay on the chip.
    """

    sizes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float, int]] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    states: Mapping[str, str] = field(default_factory=dict)

    @property
    def changes(self) -> bool:
        """Whether the chip computes another model than the one in the file."""
        return bool(self.ranges or self.outputs)


AS_IT_IS = Reading()


@dataclass(frozen=True, slots=True)
class Slot:
    """An input or output of a model: its shape without the batch, and NumPy's name of its element type."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class HostNode:
    """An ONNX node that the host runs, and how many multiply-accumulates it does a frame, as far as that is known."""

    label: str
    kind: str
    macs: int


@dataclass(frozen=True, slots=True)
class Ends:
    """What the host runs in front of the chip and behind it, and the whole model's inputs and outputs.

    chip_macs: the chip's multiply-accumulates of one frame.
    """

    inputs: tuple[Slot, ...]
    outputs: tuple[Slot, ...]
    before: tuple[HostNode, ...]
    after: tuple[HostNode, ...]
    chip_macs: int

    @property
    def share(self) -> float:
        """The chip's part of all multiply-accumulates."""
        host = sum(node.macs for node in (*self.before, *self.after))
        return self.chip_macs / max(1, self.chip_macs + host)

    def __str__(self) -> str:
        def named(nodes: tuple[HostNode, ...]) -> str:
            shown = ", ".join(f"{n.label} ({n.kind})" for n in nodes[:SHOWN])
            return shown + (f" and {len(nodes) - SHOWN} more" if len(nodes) > SHOWN else "")

        sides = [f"{side} the chip {named(nodes)}"
                 for side, nodes in (("before", self.before), ("behind", self.after)) if nodes]  # fmt: skip
        return f"{HOST_RUNS} {'; '.join(sides)}: {1 - self.share:.1%} of the multiply-accumulates"


HOST_RUNS = "the host runs"
SHOWN = 3
"""Nodes named in a sentence; the rest is counted."""
SILENT = Said()
"""Of a graph that comes from no ONNX model."""


@dataclass(frozen=True, slots=True)
class HostStep:
    """Something the host does to an output.

    "softmax", "logsoftmax" or "argmax" over `axis` (batch is axis 0); "quantise" with the `numbers` scale, zero
    point, least and greatest code; "dequantise" with scale and zero point; "qlinearsoftmax" with the four numbers of
    its argument and the four of its result: reals that have codes become codes.
    """

    kind: str
    axis: int
    keepdims: bool = True
    numbers: tuple[float, ...] = ()

    def apply(self, x: Array) -> Array:
        """The ONNX meaning on an array with the batch first."""
        return HOST[self.kind](self, x)

    def __str__(self) -> str:
        return f"{self.kind}(axis {self.axis})"


def _log_softmax(step: HostStep, x: Array) -> Array:
    shifted = x - x.max(axis=step.axis, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=step.axis, keepdims=True)))


def _quantise(step: HostStep, x: Array) -> Array:
    scale, zero, lo, hi = step.numbers
    return np.asarray(np.clip(np.rint(x.astype(np.float32) / np.float32(scale)) + zero, lo, hi))


def _quantisation(scale: float, zero: float, lo: float, hi: float) -> Quantisation:
    return Quantisation(scale, int(zero), Codes(int(lo), int(hi)))


def _qlinear_softmax(step: HostStep, x: Array) -> Array:
    given, wanted = (_quantisation(*numbers) for numbers in (step.numbers[:4], step.numbers[4:]))
    codes = np.rint(x / given.scale).astype(np.int64) + given.zero
    return np.moveaxis(kernels.softmax(np.moveaxis(codes, step.axis, -1), given, wanted), -1, step.axis)


def _dequantise(step: HostStep, x: Array) -> Array:
    scale, zero = step.numbers
    return np.asarray((x - zero) * scale)


HOST: Mapping[str, Callable[[HostStep, Array], Array]] = MappingProxyType(
    {
        "softmax": lambda step, x: np.exp(_log_softmax(step, x)),
        "logsoftmax": _log_softmax,
        "quantise": _quantise,
        "qlinearsoftmax": _qlinear_softmax,
        "dequantise": _dequantise,
        "argmax": lambda step, x: np.argmax(x, axis=step.axis, keepdims=step.keepdims),
    }
)


def whole_numbers(kind: np.dtype) -> tuple[int, int]:
    """The least and the greatest value of an integer type; of bool 0 and 1."""
    if kind.kind == "b":
        return 0, 1
    return int(np.iinfo(kind).min), int(np.iinfo(kind).max)


@dataclass(frozen=True, slots=True)
class Port:
    """One input or output of the model.

    name: its ONNX name. value: the graph value behind it. shape: the ONNX shape without the batch.
    order: flat index into the graph value (height, width, channels) of every ONNX element, shaped like
    the ONNX tensor. host: steps after the graph, for outputs. chain: where the model says itself how reals
    become codes (inputs; the last is a Quantise) or codes become reals (outputs): the host's operators.
    dtype: NumPy's name of its ONNX element type.
    """

    name: str
    value: str
    shape: tuple[int, ...]
    order: Tensor
    host: tuple[HostStep, ...] = ()
    chain: tuple[Op, ...] = ()
    dtype: str = "float32"

    def real(self, x: Array) -> Array:
        """Frames as numbers to compute with: float32, or float64 where that would lose digits."""
        exact = np.can_cast(self.dtype, np.float32)
        return x.astype(np.float32 if exact else np.float64)

    def typed(self, y: Array) -> Array:
        """Results as the model's own type has them: reals rounded to float32 first, whole numbers within the type."""
        kind = np.dtype(self.dtype)
        if kind.kind == "f":
            return y.astype(np.float32).astype(kind)
        if y.dtype.kind != "f":
            return y.astype(kind)
        lo, hi = whole_numbers(kind)
        most = float(hi) if int(float(hi)) == hi else np.nextafter(float(hi), 0)
        return np.clip(np.rint(y), lo, most).astype(kind)

    def to_graph(self, x: Array, shape: tuple[int, ...]) -> Array:
        """A batch of ONNX arrays as the graph wants it: (batch, *shape)."""
        flat = np.empty((x.shape[0], int(np.prod(shape))), dtype=x.dtype)
        flat[:, self.order.values.reshape(-1)] = x.reshape(x.shape[0], -1)
        return flat.reshape(x.shape[0], *shape)

    def from_graph(self, y: Array) -> Array:
        """A batch of graph values as ONNX orders them, before the host's steps."""
        return np.asarray(y.reshape(y.shape[0], -1)[:, self.order.values])

    def run(self, x: Array) -> Array:
        """The operators of the chain, on graph values."""
        for op in self.chain:
            x = op.golden([x])
        return x

    def finish(self, y: Array) -> Array:
        """The host's steps, in order."""
        for step in self.host:
            y = step.apply(y)
        return y


def graph_values(graph: Graph, ports: Sequence[Port], frames: Sequence[Array]) -> dict[str, Array]:
    """Real values of a graph's inputs for frames as the ONNX model takes them, one array per port."""
    shapes = {name: kind.shape for name, kind in graph.inputs}
    return {p.value: p.to_graph(p.real(x), shapes[p.value]) for p, x in zip(ports, frames, strict=True)}
