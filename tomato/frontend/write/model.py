"""A model under construction: its nodes, constants and names, and what values of the graph are held as.

Values are held as pictures, (batch, channels, height, width).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import helper, numpy_helper

from tomato.core.formats import Array, Tensor
from tomato.core.interface import Port
from tomato.core.ir import Graph, Node
from tomato.version import __version__

PLAIN, WIDE = 13, 21
"""Versions of ONNX's operator set: with codes of 8 bits, and with wider ones too."""


@dataclass
class Writer:
    """A model under construction.

    held: the tensor that is a value's picture. merged: nodes of the graph that are written with another. wide: there
    are codes of more than 8 bits. current: the node of the graph that is being written.
    """

    graph: Graph
    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    wide: bool = False
    current: str = ""

    def __post_init__(self) -> None:
        self.reserved = set(self.graph.types)
        self.types, self.uses, self.makers = self.graph.types, self.graph.uses, self.graph.producers
        self.merged: set[str] = set()

    def model(self, inputs: Sequence[Port], outputs: Sequence[Port]) -> onnx.ModelProto:
        """The model that is made."""

        def info(port: Port) -> onnx.ValueInfoProto:
            kind = helper.np_dtype_to_tensor_dtype(np.dtype(port.dtype))
            return helper.make_tensor_value_info(port.name, kind, ["batch", *port.shape])

        opset = WIDE if self.wide else PLAIN
        if self.wide:
            self.widen()
        made = helper.make_graph(
            self.nodes, self.graph.name, [info(p) for p in inputs], [info(p) for p in outputs],
            list(self.constants.values()),
        )  # fmt: skip
        return helper.make_model(
            made, opset_imports=[helper.make_opsetid("", opset)], ir_version=10 if self.wide else 8,
            producer_name="tomato", producer_version=__version__,
        )  # fmt: skip

    def widen(self) -> None:
        """Axes of reductions become an input, as the wider operator set has them."""
        for node in self.nodes:
            if node.op_type in ("ReduceMax", "ReduceMean"):
                axes = [axis for attribute in node.attribute for axis in attribute.ints]
                del node.attribute[:]
                node.input.append(self.constant(np.array(axes), f"{node.name}_axes"))

    def name(self, wish: str) -> str:
        """A name that nothing has yet; those of the graph's nodes are theirs."""
        found, count = wish, 1
        while found in self.names or (found in self.reserved and found != self.current):
            count += 1
            found = f"{wish}_{count}"
        self.names.add(found)
        return found

    def constant(self, value: ArrayLike, wish: str) -> str:
        """Add a constant; its name."""
        array = np.asarray(value)
        array = array.astype(np.float32) if array.dtype == np.float64 else array
        name = self.name(wish)
        self.constants[name] = numpy_helper.from_array(array, name)
        return name

    def emit(self, kind: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        """Add a node; its output, which has its name."""
        name = self.name(name)
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def enter(self, port: Port) -> None:
        """The picture of an input."""
        tensor, shape = port.name, self.types[port.value].shape
        self.names.add(port.name)
        if port.dtype != "float32":
            tensor = self.emit("Cast", [tensor], f"{port.name}_float", to=onnx.TensorProto.FLOAT)
        back = np.empty(port.order.values.size, np.int64)
        back[port.order.values.reshape(-1)] = np.arange(back.size)
        self.held[port.value] = self.ordered(tensor, port.shape, back.reshape(shape), port.name)

    def ordered(self, tensor: str, given: tuple[int, ...], order: Array, stem: str) -> str:
        """A picture of a tensor of shape `given`: `order` has the index of every element (height, width, channels)."""
        picture = order.transpose(2, 0, 1)
        if np.array_equal(picture.reshape(-1), np.arange(order.size)):
            return self.shaped(tensor, given, picture.shape, stem)
        if np.array_equal(order.reshape(-1), np.arange(order.size)):
            last = self.shaped(tensor, given, order.shape, stem)
            return self.emit("Transpose", [last], f"{stem}_picture", perm=[0, 3, 1, 2])
        flat = self.shaped(tensor, given, (order.size,), stem)
        index = self.constant(picture.reshape(-1).astype(np.int64), f"{stem}_order")
        return self.shaped(self.emit("Gather", [flat, index], f"{stem}_ordered", axis=1), (order.size,), picture.shape,
                           stem)  # fmt: skip

    def shaped(self, tensor: str, given: tuple[int, ...], wanted: tuple[int, ...], stem: str) -> str:
        """The tensor in another shape, behind the batch."""
        if given == wanted:
            return tensor
        shape = self.constant(np.array([0, *wanted], np.int64), f"{stem}_shape")
        return self.emit("Reshape", [tensor, shape], f"{stem}_reshaped")

    def leave(self, port: Port, value: str) -> None:
        """An output of the model: the value as it orders it, and the steps behind."""
        shape = self.types[value].shape
        size = int(np.prod(shape))
        where = np.empty(size, np.int64)
        where[np.arange(size).reshape(shape).transpose(2, 0, 1).reshape(-1)] = np.arange(size)
        order = where[port.order.values.reshape(-1)]
        tensor, picture = self.held[value], (shape[2], *shape[:2])
        if np.array_equal(order, np.arange(size)):
            tensor = self.shaped(tensor, picture, port.shape, port.name)
        else:
            flat = self.shaped(tensor, picture, (size,), port.name)
            index = self.constant(order, f"{port.name}_order")
            gathered = self.emit("Gather", [flat, index], f"{port.name}_ordered", axis=1)
            tensor = self.shaped(gathered, (size,), port.shape, port.name)
        for step in port.host:
            kinds: dict[str, dict[str, Any]] = {
                "softmax": {"axis": step.axis}, "logsoftmax": {"axis": step.axis},
                "argmax": {"axis": step.axis, "keepdims": int(step.keepdims)},
            }  # fmt: skip
            kind = {"softmax": "Softmax", "logsoftmax": "LogSoftmax", "argmax": "ArgMax"}[step.kind]
            tensor = self.emit(kind, [tensor], f"{port.name}_{step.kind}", **kinds[step.kind])
        if port.dtype == "float32" or any(step.kind == "argmax" for step in port.host):
            self.nodes.append(helper.make_node("Identity", [tensor], [port.name], name=self.name(f"{port.name}_out")))
        else:
            to = helper.np_dtype_to_tensor_dtype(np.dtype(port.dtype))
            self.nodes.append(
                helper.make_node("Cast", [tensor], [port.name], name=self.name(f"{port.name}_out"), to=to)
            )

    def next(self, node: Node, kind: type, suits: Callable[[Any], bool] = lambda _: True) -> Node | None:
        """The only reader of a node, if it is of this kind: it is written with the node."""
        readers = self.uses[node.name]
        if len(readers) != 1 or node.name in self.graph.outputs or not isinstance(readers[0].op, kind):
            return None
        if not suits(readers[0].op):
            return None
        self.merged.add(readers[0].name)
        return readers[0]

    def spread(self, values: Tensor, name: str) -> str:
        """A constant per channel of a picture."""
        return self.constant(values.values.reshape(-1, 1, 1) if values.values.size > 1 else values.values[0], name)
