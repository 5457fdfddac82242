"""Write an ONNX model layer by layer, with seeded He-initialised weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

OPSET = 17
IR_VERSION = 8
RELU_GAIN = 2.0
"""He: weights of variance 2 / fan-in keep the mean square of what ReLU lets through."""
LINEAR_GAIN = 1.0
"""Weights of variance 1 / fan-in keep the mean square where no ReLU follows."""
BRANCH_GAIN = 0.25
"""For the last layer of a residual branch: sums grow by at most a quarter per block."""
BIAS_DEVIATION = 0.1
"""What a folded batch normalisation leaves: small offsets, other in every channel."""


class Activation(Enum):
    """What follows a convolution."""

    NONE = "none"
    RELU = "relu"
    RELU6 = "relu6"


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor of the model: batch x channels x size x size."""

    name: str
    channels: int
    size: int


class Builder:
    """Collects nodes and weights; every method adds a layer and returns its output.

    Layers are named by the caller; weights depend on the seed and on the order of the calls alone.
    """

    def __init__(self, name: str, size: int, seed: int) -> None:
        self._name = name
        self._rng = np.random.default_rng(seed)
        self._nodes: list[onnx.NodeProto] = []
        self._weights: dict[str, onnx.TensorProto] = {}
        self._shapes: dict[str, tuple[str | int, ...]] = {}
        self.image = self._value("image", 3, size)

    def conv(
        self,
        x: Value,
        name: str,
        channels: int,
        kernel: int,
        *,
        stride: int = 1,
        groups: int = 1,
        activation: Activation = Activation.RELU,
        gain: float = RELU_GAIN,
    ) -> Value:
        """A square convolution with bias, padded by kernel // 2 on all sides, and its activation."""
        weights = self._draw((channels, x.channels // groups, kernel, kernel), gain)
        pad = kernel // 2
        y = self._value(name, channels, (x.size + 2 * pad - kernel) // stride + 1)
        self._layer(
            "Conv", name, (x.name,), weights,
            kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4, group=groups,
        )  # fmt: skip
        return self._activate(y, activation)

    def add(self, a: Value, b: Value, name: str, activation: Activation) -> Value:
        """The sum of two values of one shape, and its activation."""
        assert (a.channels, a.size) == (b.channels, b.size), f"{name}: {a} and {b} differ in shape"
        self._node("Add", name, (a.name, b.name))
        return self._activate(self._value(name, a.channels, a.size), activation)

    def max_pool(self, x: Value, name: str, kernel: int, stride: int, pad: int = 0) -> Value:
        """Maximum over square windows."""
        self._node("MaxPool", name, (x.name,), kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4)
        return self._value(name, x.channels, (x.size + 2 * pad - kernel) // stride + 1)

    def global_average_pool(self, x: Value, name: str = "pool") -> Value:
        """The mean of every channel."""
        self._node("GlobalAveragePool", name, (x.name,))
        return self._value(name, x.channels, 1)

    def dense(
        self, x: Value, name: str, features: int, *, activation: Activation = Activation.NONE, gain: float = LINEAR_GAIN
    ) -> Value:
        """A fully connected layer with bias over all elements of a value, and its activation."""
        flat, inputs = x.name, x.channels * x.size * x.size
        if len(self._shapes[x.name]) > 2:
            flat = f"{name}.flatten"
            self._node("Flatten", flat, (x.name,), axis=1)
            self._shapes[flat] = ("batch", inputs)
        self._layer("Gemm", name, (flat,), self._draw((features, inputs), gain), transB=1)
        self._shapes[name] = ("batch", features)
        return self._activate(Value(name, features, 1), activation)

    def model(self, output: Value) -> onnx.ModelProto:
        """The finished model; every shape is written down."""
        shapes = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, s) for name, s in self._shapes.items()}
        graph = helper.make_graph(
            self._nodes, self._name, [shapes.pop("image")], [shapes.pop(output.name)], list(self._weights.values())
        )
        graph.value_info.extend(shapes.values())
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="tomato.examples",
        )

    def _activate(self, x: Value, activation: Activation) -> Value:
        if activation is Activation.NONE:
            return x
        name = f"{x.name}.{activation.value}"
        if activation is Activation.RELU:
            self._node("Relu", name, (x.name,))
        else:
            self._node("Clip", name, (x.name, self._scalar("zero", 0.0), self._scalar("six", 6.0)))
        self._shapes[name] = self._shapes[x.name]
        return Value(name, x.channels, x.size)

    def _draw(self, shape: tuple[int, ...], gain: float) -> NDArray[np.float32]:
        """Normal weights of variance gain / fan-in."""
        deviation = np.float32(np.sqrt(gain / np.prod(shape[1:])))
        weights = self._rng.standard_normal(shape, dtype=np.float32)
        weights *= deviation
        return weights

    def _layer(
        self, op: str, name: str, inputs: Sequence[str], weights: NDArray[np.float32], **attributes: Any
    ) -> None:
        bias = self._rng.standard_normal(len(weights), dtype=np.float32) * np.float32(BIAS_DEVIATION)
        names = self._constant(f"{name}.weight", weights), self._constant(f"{name}.bias", bias)
        self._node(op, name, (*inputs, *names), **attributes)

    def _node(self, op: str, name: str, inputs: Sequence[str], **attributes: Any) -> None:
        self._nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))

    def _value(self, name: str, channels: int, size: int) -> Value:
        self._shapes[name] = ("batch", channels, size, size)
        return Value(name, channels, size)

    def _scalar(self, name: str, value: float) -> str:
        return self._constant(name, np.array(value, np.float32))

    def _constant(self, name: str, values: NDArray[np.float32]) -> str:
        if name not in self._weights:
            self._weights[name] = onnx.numpy_helper.from_array(values, name)
        return name
