"""A graph becomes an ONNX file: quantised networks as QCDQ, which any ONNX runtime runs.

Values are held as pictures, (batch, channels, height, width). Codes are clipped between QuantizeLinear and
DequantizeLinear where they take less than their type; weights and biases are integers behind a DequantizeLinear.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import helper, numpy_helper

from tomato.core.errors import TomatoError
from tomato.core.files import refusals
from tomato.core.formats import Array, Codes, Tensor
from tomato.core.interface import Port
from tomato.core.ir import Graph, Node, Op, Shape
from tomato.frontend import write_recurrent
from tomato.frontend.rules_unary import NEGATIVE, POSITIVE
from tomato.frontend.write_recurrent import recurrent
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.edge_pad import EdgePad
from tomato.ops.keep_largest import KeepLargest
from tomato.ops.matmul import MatMul
from tomato.ops.move import Concat, DepthToSpace, Flip, Pad, Reshape, Slice, SpaceToDepth, Transpose, Upsample
from tomato.ops.normalise import Normalise
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.quantise import Bias, Dequantise, Quantise
from tomato.ops.real import Affine, Clip, Expression, Function, per_channel
from tomato.ops.recurrent import Gru, Lstm, Recurrent, Rnn
from tomato.ops.softmax import Softmax
from tomato.ops.weighted import Weighted
from tomato.ops.window import Window
from tomato.version import __version__

PLAIN, WIDE = 13, 21
"""Versions of ONNX's operator set: with codes of 8 bits, and with wider ones too."""
CHANNELS = 1
"""Axis of the channels of a picture."""
SATURATES = (1 << 15) - 1
"""Two products of uint8 and int8 are added in 16 bits by runtimes on processors without VNNI."""
UNARY = {
    "neg": "Neg", "abs": "Abs", "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "tanh": "Tanh", "sigmoid": "Sigmoid",
    "softplus": "Softplus", "erf": "Erf", "sign": "Sign", "floor": "Floor", "ceil": "Ceil", "round": "Round",
    "sin": "Sin", "cos": "Cos", "tan": "Tan", "asin": "Asin", "acos": "Acos", "atan": "Atan", "sinh": "Sinh",
    "cosh": "Cosh", "asinh": "Asinh", "acosh": "Acosh", "atanh": "Atanh",
}  # fmt: skip
TRUTHS = {"gt": "Greater", "ge": "GreaterOrEqual", "eq": "Equal"}
"""Whose results are truths, which a Cast makes numbers of again."""
OTHERS = {
    "add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "min": "Min", "max": "Max", "pow": "Pow", "where": "Where",
    **TRUTHS,
}  # fmt: skip
"""Functions of several values."""


@refusals("cannot write the model")
def write(graph: Graph, inputs: Sequence[Port], outputs: Sequence[Port], path: Path) -> None:
    """Write a real graph, or one with Quantise and Dequantise, with the ports of the model that it comes from.

    The batch is dynamic. Raises TomatoError for what ONNX does not say.
    """
    writer = _Writer(graph)
    writer.names.update(port.name for port in outputs)
    for port in inputs:
        writer.enter(port)
    for node in graph:
        writer.visit(node)
    for port, value in zip(outputs, graph.outputs, strict=True):
        writer.leave(port, value)
    proto = writer.model(inputs, outputs)
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, path)


@dataclass
class _Writer:
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

    def visit(self, node: Node) -> None:
        """The nodes for one of the graph."""
        if node.name in self.merged:
            return
        self.current = node.name
        rule, args = RULES.get(type(node.op)), [self.held[a] for a in node.args]
        if rule is None and not node.op.elementwise:
            raise TomatoError(f"{node.op.name} has no form in a file", where=node.label)
        self.held[node.name] = rule(self, node, args) if rule else self.called(node, node.op.elementwise, args)

    def next(self, node: Node, kind: type, suits: Callable[[Any], bool] = lambda _: True) -> Node | None:
        """The only reader of a node, if it is of this kind: it is written with the node."""
        readers = self.uses[node.name]
        if len(readers) != 1 or node.name in self.graph.outputs or not isinstance(readers[0].op, kind):
            return None
        if not suits(readers[0].op):
            return None
        self.merged.add(readers[0].name)
        return readers[0]

    def weighted(self, node: Node, args: list[str]) -> str:
        """A layer: its weights dequantised where a scale stands behind integers, its bias dequantised or real."""
        op = node.op
        assert isinstance(op, Weighted)
        source = self.makers.get(node.args[0])
        coded = source is not None and isinstance(source.op, Dequantise)
        scale = self.next(node, Affine) if coded else None
        last = scale or node
        bias = self.next(
            last, Bias if coded else Affine, lambda a: isinstance(a, Bias) or bool(np.all(a.scale.values == 1))
        )
        weight = self.weights(node, op, scale, source)
        inputs = [args[0], weight, *([self.bias(node, op, bias)] if bias else [])]
        self.held[(bias or last).name] = found = self.product(node, op, inputs)
        return found

    def product(self, node: Node, op: Weighted, inputs: list[str]) -> str:
        """A Conv, or a Gemm of vectors."""
        height, width, channels = self.types[node.args[0]].shape
        if isinstance(op, Dense) and (height, width) == (1, 1):
            return self.vectors(node, inputs, channels)
        window = op.window if isinstance(op, Conv2d) else Window((1, 1))
        return self.emit("Conv", inputs, node.name, group=op.groups, **_window(window))

    def vectors(self, node: Node, inputs: list[str], channels: int) -> str:
        """A Gemm, which takes vectors: codes in front of a Dequantise are reshaped, so that it stays next to them."""
        maker = self.makers.get(node.args[0])
        shape = self.constant(np.array([0, channels], np.int64), f"{node.name}_vector")
        if maker is not None and isinstance(maker.op, Dequantise):
            flat = self.emit("Reshape", [self.held[maker.args[0]], shape], f"{node.name}_codes")
            inputs[0] = self.dequantised(flat, maker.op, f"{node.name}_input")
        else:
            inputs[0] = self.emit("Reshape", [inputs[0], shape], f"{node.name}_input")
        made = self.emit("Gemm", inputs, node.name)
        out = self.constant(np.array([0, self.types[node.name].channels, 1, 1], np.int64), f"{node.name}_shape")
        return self.emit("Reshape", [made, out], f"{node.name}_picture")

    def weights(self, node: Node, op: Weighted, scale: Node | None, source: Node | None) -> str:
        """The weights in ONNX's order, behind a DequantizeLinear where they are integers."""
        vector = isinstance(op, Dense) and self.types[node.args[0]].shape[:2] == (1, 1)
        values = op.weight.values
        if not vector:
            values = values if isinstance(op, Conv2d) else values[None, None]
            values = values.transpose(3, 2, 0, 1)
        if scale is None:
            return self.constant(values, f"{node.name}_weight")
        assert isinstance(scale.op, Affine)
        assert source is not None
        assert isinstance(source.op, Dequantise)
        kind, zero = _weight_type(values, source.op.kind)
        self.wide |= kind is np.int16
        steps = np.broadcast_to(scale.op.scale.values, op.weight.shape[-1]).astype(np.float32)
        names = [
            self.constant((np.rint(values).astype(np.int64) + zero).astype(kind), f"{node.name}_weight_codes"),
            self.constant(steps, f"{node.name}_weight_scale"),
            self.constant(np.full(steps.shape, zero, kind), f"{node.name}_weight_zero"),
        ]
        return self.emit("DequantizeLinear", names, f"{node.name}_weight", axis=1 if vector else 0)

    def bias(self, node: Node, op: Weighted, bias: Node) -> str:
        channels = op.weight.shape[-1]
        if isinstance(bias.op, Affine):
            return self.constant(np.broadcast_to(bias.op.offset.values, channels), f"{node.name}_bias")
        assert isinstance(bias.op, Bias)
        assert bias.op.codes is not None
        assert bias.op.step is not None
        names = [
            self.constant(np.broadcast_to(bias.op.codes.values, channels).astype(np.int32), f"{node.name}_bias_codes"),
            self.constant(np.broadcast_to(bias.op.step.values, channels), f"{node.name}_bias_scale"),
        ]
        return self.emit("DequantizeLinear", names, f"{node.name}_bias", axis=0)

    def quantise(self, node: Node, args: list[str]) -> str:
        op = node.op
        assert isinstance(op, Quantise)
        assert op.kind is not None
        names = self.parameters(op, node.name)
        codes = self.emit("QuantizeLinear", [*args, *names], node.name)
        if (op.lo, op.hi) == (op.kind.lo, op.kind.hi):
            return codes
        kind = _integer(op.kind)
        ends = [self.constant(np.array(end, kind), f"{node.name}_{name}")
                for name, end in (("least", op.lo), ("most", op.hi))]  # fmt: skip
        return self.emit("Clip", [codes, *ends], f"{node.name}_clipped")

    def parameters(self, op: Quantise | Dequantise, stem: str) -> list[str]:
        assert op.kind is not None
        self.wide |= op.kind.bits > 8
        zero = np.array(op.zero.values[0], _integer(op.kind))
        return [self.constant(np.float32(op.scale.values[0]), f"{stem}_scale"), self.constant(zero, f"{stem}_zero")]

    def dequantised(self, codes: str, op: Dequantise, stem: str) -> str:
        return self.emit("DequantizeLinear", [codes, *self.parameters(op, stem)], stem)

    def dequantise(self, node: Node, args: list[str]) -> str:
        """One for every reader, so that each has a group of its own."""
        assert isinstance(node.op, Dequantise)
        readers = self.uses[node.name]
        vectors = readers and all(
            isinstance(r.op, Dense) and self.types[node.name].shape[:2] == (1, 1) for r in readers
        )
        if vectors and node.name not in self.graph.outputs:
            return args[0]  # dequantised behind the Reshape to vectors
        return self.dequantised(args[0], node.op, node.name)

    def affine(self, node: Node, args: list[str]) -> str:
        op, value = node.op, args[0]
        assert isinstance(op, Affine)
        if np.any(op.scale.values != 1):
            value = self.emit("Mul", [value, self.spread(op.scale, f"{node.name}_factor")], f"{node.name}_scaled")
        if op.offset.values.any():
            value = self.emit("Add", [value, self.spread(op.offset, f"{node.name}_term")], node.name)
        return value

    def spread(self, values: Tensor, name: str) -> str:
        """A constant per channel of a picture."""
        return self.constant(values.values.reshape(-1, 1, 1) if values.values.size > 1 else values.values[0], name)

    def clip(self, node: Node, args: list[str]) -> str:
        op = node.op
        assert isinstance(op, Clip)
        if (op.lo, op.hi) == (0.0, np.inf):
            return self.emit("Relu", args, node.name)
        ends = [self.constant(np.float32(end), f"{node.name}_{name}") if np.isfinite(end) else ""
                for name, end in (("least", op.lo), ("most", op.hi))]  # fmt: skip
        return self.emit("Clip", [*args, *ends], node.name)

    def function(self, node: Node, args: list[str]) -> str:
        assert isinstance(node.op, Function)
        expression = node.op.expression
        match expression:
            case ("add", first, ("mul", Tensor() as slope, second)) if (first, second) == (POSITIVE, NEGATIVE):
                return self.emit("PRelu", [*args, self.spread(slope, f"{node.name}_slope")], node.name)
        if reason := formless(node.op):
            raise TomatoError(reason, where=node.label)
        return self.expression(node, expression, args[0])

    def expression(self, node: Node, expression: Expression, x: str) -> str:
        match expression:
            case "x":
                return x
            case Tensor():
                return self.spread(expression, f"{node.name}_constant")
            case tuple():
                name, *operands = expression
                return self.called(node, str(name), [self.expression(node, o, x) for o in operands])
        return self.constant(np.float32(expression), f"{node.name}_number")

    def called(self, node: Node, name: str, operands: list[str]) -> str:
        """A function of values that are there: conditions are truths in ONNX, and numbers here."""
        kind, wish = UNARY.get(name) or OTHERS.get(name), f"{node.name}_{name}"
        if kind is None:
            raise TomatoError(f"the function {name} has no form in a file", where=node.label)
        if name == "where":
            operands = [self.emit("Cast", operands[:1], f"{wish}_if", to=onnx.TensorProto.BOOL), *operands[1:]]
        made = self.emit(kind, operands, wish)
        return self.emit("Cast", [made], f"{wish}_number", to=onnx.TensorProto.FLOAT) if name in TRUTHS else made

    def concat(self, node: Node, args: list[str]) -> str:
        return self.emit("Concat", args, node.name, axis=1)

    def slice(self, node: Node, args: list[str]) -> str:
        op = node.op
        assert isinstance(op, Slice)
        parts = [np.array([v[2], *v[:2]], np.int64) for v in (op.begin, op.end, (*op.step, 1))]
        begin, end, step = (self.constant(p, f"{node.name}_{n}") for p, n in zip(parts, ("begin", "end", "step"),
                                                                                 strict=True))  # fmt: skip
        axes = self.constant(np.array([1, 2, 3], np.int64), f"{node.name}_axes")
        return self.emit("Slice", [*args, begin, end, axes, step], node.name)

    def flip(self, node: Node, args: list[str]) -> str:
        op = node.op
        assert isinstance(op, Flip)
        axes = [axis for axis, wanted in ((2, op.rows), (3, op.columns)) if wanted]
        first, last = np.iinfo(np.int64).max, np.iinfo(np.int64).min
        parts = (("begin", first), ("end", last), ("axes", axes), ("step", -1))
        given = [self.constant(np.resize(v, len(axes)).astype(np.int64), f"{node.name}_{n}") for n, v in parts]
        return self.emit("Slice", [*args, *given], node.name)

    def pad(self, node: Node, args: list[str]) -> str:
        op = node.op
        assert isinstance(op, Pad)
        top, left, bottom, right = op.pads
        pads = self.constant(np.array([0, 0, top, left, 0, 0, bottom, right], np.int64), f"{node.name}_pads")
        value = self.constant(np.array(op.value, self.numpy_type(node.args[0])), f"{node.name}_border")
        return self.emit("Pad", [*args, pads, value], node.name)

    def edge_pad(self, node: Node, args: list[str]) -> str:
        op = node.op
        assert isinstance(op, EdgePad)
        top, left, bottom, right = op.pads
        pads = self.constant(np.array([0, 0, top, left, 0, 0, bottom, right], np.int64), f"{node.name}_pads")
        return self.emit("Pad", [*args, pads], node.name, mode="reflect" if op.mirrored else "edge")

    def numpy_type(self, value: str) -> Any:
        """The type of a value's tensor: of codes that of the Quantise that they come from."""
        if not self.types[value].is_codes:
            return np.float32
        node = self.makers[value]
        while not isinstance(node.op, Quantise):
            node = self.makers[node.args[0]]
        assert node.op.kind is not None
        return _integer(node.op.kind)

    def upsample(self, node: Node, args: list[str]) -> str:
        assert isinstance(node.op, Upsample)
        scales = self.constant(np.array([1, 1, *node.op.factor], np.float32), f"{node.name}_scales")
        return self.emit("Resize", [*args, "", scales], node.name, mode="nearest", nearest_mode="floor",
                         coordinate_transformation_mode="asymmetric")  # fmt: skip

    def blocks(self, node: Node, args: list[str]) -> str:
        assert isinstance(node.op, DepthToSpace | SpaceToDepth)
        kind = "DepthToSpace" if isinstance(node.op, DepthToSpace) else "SpaceToDepth"
        return self.emit(kind, args, node.name, blocksize=node.op.block)

    def reorder(self, node: Node, args: list[str]) -> str:
        """Through the order (height, width, channels) of the graph."""
        op, shape = node.op, self.types[node.args[0]].shape
        assert isinstance(op, Reshape | Transpose)
        tensor: str = args[0]
        given: tuple[int, ...] = (shape[2], *shape[:2])
        if not _same_order(shape):
            tensor, given = self.emit("Transpose", [tensor], f"{node.name}_last", perm=[0, 2, 3, 1]), shape
        if isinstance(op, Transpose):
            tensor = self.shaped(tensor, given, op.view, node.name)
            tensor = self.emit("Transpose", [tensor], f"{node.name}_moved", perm=[0, *(p + 1 for p in op.perm)])
            given = tuple(op.view[p] for p in op.perm)
        if _same_order(op.shape):
            return self.shaped(tensor, given, (op.shape[2], *op.shape[:2]), node.name)
        return self.emit("Transpose", [self.shaped(tensor, given, op.shape, node.name)], node.name, perm=[0, 3, 1, 2])

    def max_pool(self, node: Node, args: list[str]) -> str:
        assert isinstance(node.op, MaxPool)
        return self.emit("MaxPool", args, node.name, **_window(node.op.window))

    def keep_largest(self, node: Node, args: list[str]) -> str:
        """Channels scattered into zeros."""
        op = node.op
        assert isinstance(op, KeepLargest)
        count = self.constant(np.array([op.keep], np.int64), f"{node.name}_keep")
        largest, index = self.name(f"{node.name}_largest"), self.name(f"{node.name}_index")
        self.nodes.append(
            helper.make_node(
                "TopK", [*args, count], [largest, index], name=self.name(f"{node.name}_top"), axis=CHANNELS
            )
        )
        shape = self.emit("Shape", args, f"{node.name}_shape")
        zeros = self.emit("ConstantOfShape", [shape], f"{node.name}_zeros")
        return self.emit("ScatterElements", [zeros, index, largest], node.name, axis=CHANNELS)

    def normalise(self, node: Node, args: list[str]) -> str:
        """In simple operators, which the importer knows as one, see decomposed.py: every operator set has them."""
        op = node.op
        assert isinstance(op, Normalise)
        x = args[0]
        if op.centred:
            x = self.emit("Sub", [x, self.mean(x, f"{node.name}_mean")], f"{node.name}_rest")
        square = self.mean(self.emit("Mul", [x, x], f"{node.name}_square"), f"{node.name}_variance")
        tiny = self.constant(np.float32(op.epsilon), f"{node.name}_epsilon")
        root = self.emit("Sqrt", [self.emit("Add", [square, tiny], f"{node.name}_sum")], f"{node.name}_root")
        return self.emit("Div", [x, root], node.name)

    def matmul(self, node: Node, args: list[str]) -> str:
        """A product of stacks of matrices: pictures (groups x channels, pixels) are these, transposed."""
        op = node.op
        assert isinstance(op, MatMul)
        kinds = [self.types[arg] for arg in node.args]
        stacks = []
        for tensor, kind, side, turned in zip(args, kinds, "ab", (True, not op.transposed), strict=True):
            apart = (op.groups, kind.channels // op.groups, kind.pixels)
            stack = self.shaped(tensor, (*kind.shape[2:], *kind.shape[:2]), apart, f"{node.name}_{side}")
            stacks.append(self.turned(stack, f"{node.name}_{side}_rows") if turned else stack)
        made = self.turned(self.emit("MatMul", stacks, node.name), f"{node.name}_columns")
        height, width, channels = node.type.shape
        apart = (op.groups, channels // op.groups, height * width)
        return self.shaped(made, apart, (channels, height, width), f"{node.name}_together")

    def turned(self, tensor: str, name: str) -> str:
        """A stack of matrices, each transposed."""
        return self.emit("Transpose", [tensor], name, perm=[0, 1, 3, 2])

    def softmax(self, node: Node, args: list[str]) -> str:
        """In simple operators as well: a Softmax at the end of a network would be the host's."""
        op, x = node.op, args[0]
        assert isinstance(op, Softmax)
        height, width, channels = node.type.shape
        picture = (channels, height, width)
        runs = (op.groups, channels // op.groups, height, width) if op.groups > 1 else picture
        axis = len(runs) - 2
        x = self.shaped(x, picture, runs, f"{node.name}_runs")
        most = self.emit("ReduceMax", [x], f"{node.name}_most", axes=[axis])
        power = self.emit("Exp", [self.emit("Sub", [x, most], f"{node.name}_rest")], f"{node.name}_power")
        axes = self.constant(np.array([axis], np.int64), f"{node.name}_axes")
        total = self.emit("ReduceSum", [power, axes], f"{node.name}_sum")
        return self.shaped(self.emit("Div", [power, total], node.name), runs, picture, node.name)

    def mean(self, tensor: str, name: str) -> str:
        """The mean over the channels."""
        return self.emit("ReduceMean", [tensor], name, axes=[CHANNELS])

    def sum_pool(self, node: Node, args: list[str]) -> str:
        """An average, times what is left of the line behind it."""
        op = node.op
        assert isinstance(op, SumPool | GlobalSum)
        if isinstance(op, GlobalSum):
            count, made = self.types[node.args[0]].pixels, self.emit("GlobalAveragePool", args, node.name)
        else:
            count = op.window.taps
            window = _window(op.window)
            window.pop("dilations")
            made = self.emit("AveragePool", args, node.name, count_include_pad=1, **window)
        line = self.next(node, Affine)
        scale, offset = (line.op.scale.values, line.op.offset.values) if line and isinstance(line.op, Affine) else (
            np.ones(1), np.zeros(1))  # fmt: skip
        rest = scale * count
        if np.any(np.abs(rest - 1.0) > 1e-6):
            made = self.emit("Mul", [made, self.spread(Tensor(rest), f"{node.name}_factor")], f"{node.name}_scaled")
        if offset.any():
            made = self.emit("Add", [made, self.spread(Tensor(offset), f"{node.name}_term")], f"{node.name}_moved")
        if line:
            self.held[line.name] = made
        return made


def formless(op: Op) -> str | None:
    """Why an operator of reals has no form in a file; None if it has one."""
    if type(op) not in RULES and not op.elementwise:
        return f"{op.name} has no form in a file"
    match op:
        case Function(("add", first, ("mul", Tensor(), second))) if (first, second) == (POSITIVE, NEGATIVE):
            return None
        case Function(("pow", "x", Tensor())):
            return None
        case Recurrent():
            return write_recurrent.formless(op)
        case Function(expression) if per_channel(expression):
            return "a function that differs from channel to channel has no form in a file"
    return None


def _same_order(shape: Shape) -> bool:
    """Whether (height, width, channels) and (channels, height, width) have the same order."""
    return shape[0] * shape[1] == 1 or shape[2] == 1


def _window(window: Window) -> dict[str, Any]:
    return {
        "kernel_shape": window.kernel, "strides": window.stride, "dilations": window.dilation, "pads": window.pads,
    }  # fmt: skip


def _integer(kind: Codes) -> Any:
    return np.dtype(f"{'' if kind.signed else 'u'}int{8 if kind.bits <= 8 else 16}").type


def _weight_type(values: Array, given: Codes | None) -> tuple[Any, int]:
    """The type of integer weights, and their zero point: uint8 where products of int8 could saturate in a runtime."""
    most = int(np.abs(values).max(initial=0))
    if most > 127:
        return np.int16, 0
    if given is not None and given.bits <= 8 and not given.signed and 2 * most * given.hi > SATURATES:
        return np.uint8, 128
    return np.int8, 0


RULES: dict[type, Callable[[_Writer, Node, list[str]], str]] = {
    Conv2d: _Writer.weighted, Dense: _Writer.weighted, Quantise: _Writer.quantise, Dequantise: _Writer.dequantise,
    Affine: _Writer.affine, Clip: _Writer.clip, Function: _Writer.function, Flip: _Writer.flip,
    Concat: _Writer.concat, Slice: _Writer.slice, Pad: _Writer.pad, EdgePad: _Writer.edge_pad,
    Upsample: _Writer.upsample,
    DepthToSpace: _Writer.blocks, SpaceToDepth: _Writer.blocks, Reshape: _Writer.reorder, Transpose: _Writer.reorder,
    KeepLargest: _Writer.keep_largest, MatMul: _Writer.matmul, MaxPool: _Writer.max_pool,
    Normalise: _Writer.normalise, SumPool: _Writer.sum_pool, GlobalSum: _Writer.sum_pool,
    Lstm: recurrent, Gru: recurrent, Rnn: recurrent, Softmax: _Writer.softmax,
}  # fmt: skip
