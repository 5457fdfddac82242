"""One walk over an ONNX graph that fixes every shape and computes every constant."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tomato.core.errors import TomatoError
from tomato.core.formats import Array, Codes
from tomato.frontend import limits
from tomato.frontend.checked import Checked
from tomato.frontend.door import ELEMENTS, MICROSOFT, element
from tomato.frontend.folding import CannotFoldError, fold, is_folded
from tomato.frontend.model import Attribute, Model, OnnxNode, integer_range

DATA_LIMIT = 1024
"""Constants up to this size are shown to shape inference: shapes, axes, scales; never weights."""
QUANTISED = frozenset({"DequantizeLinear", "DynamicQuantizeLinear"})
"""Never folded: they say in which format the user wants a constant."""
LIKE: Mapping[str, tuple[str, slice]] = MappingProxyType(
    {
        "Quant": ("Identity", slice(1)),
        "IntQuant": ("Identity", slice(1)),
        "BipolarQuant": ("Identity", slice(1)),
        "Trunc": ("Identity", slice(1)),
        "FloatQuant": ("Identity", slice(1)),
        "MultiThreshold": ("Identity", slice(1)),
        "QLinearSigmoid": ("Identity", slice(1)),
        "QLinearLeakyRelu": ("Identity", slice(1)),
        "QLinearSoftmax": ("Identity", slice(1)),
        **dict.fromkeys(("Attention", "MultiHeadAttention", "BiasGelu", "FastGelu"), ("Identity", slice(1))),
        **dict.fromkeys(("SkipLayerNormalization", "SkipSimplifiedLayerNormalization"), ("Identity", slice(1))),
        "QLinearAdd": ("Add", slice(0, 4, 3)),
        "QLinearMul": ("Mul", slice(0, 4, 3)),
        "QLinearConcat": ("Concat", slice(2, None, 3)),
        "QLinearGlobalAveragePool": ("GlobalAveragePool", slice(1)),
        "QLinearAveragePool": ("AveragePool", slice(1)),
        "QGemm": ("Gemm", slice(0, 4, 3)),
    }
)
"""Operators outside of ONNX: the one in ONNX that gives the same shape, and which of their inputs it takes."""
REAL_QGEMM = 7
"""Inputs of a QGemm without a scale of its result: it gives reals."""
HELD_BY: Mapping[str, str] = MappingProxyType(
    {"bfloat16": "float32", "int4": "int8", "uint4": "uint8", "int2": "int8", "uint2": "uint8"}
)
"""NumPy types that hold the values of types that NumPy lacks."""
INTEGERS = frozenset({2, 3, 4, 5, 6, 21, 22})
"""ONNX element types uint8, int8, uint16, int16, int32, uint4, int4."""


@dataclass
class Resolver:
    """What is known so far while the nodes are visited in order."""

    model: onnx.ModelProto
    opset: int
    constants: dict[str, Array] = field(default_factory=dict)
    types: dict[str, onnx.TypeProto] = field(default_factory=dict)
    problems: dict[int, str] = field(default_factory=dict)

    def define(self, name: str, value: Array) -> None:
        """A value is constant."""
        self.constants[name] = value
        kind = helper.np_dtype_to_tensor_dtype(value.dtype)
        self.types[name] = helper.make_tensor_type_proto(kind, value.shape)

    def visit(self, index: int, node: onnx.NodeProto) -> None:
        """Fold the node, or else infer the shapes of its outputs."""
        if index in self.problems:
            return
        if node.domain:
            self.infer_like(index, node)
        elif node.op_type == "Constant" or (
            node.op_type not in QUANTISED
            and any(node.input)
            and all(i in self.constants for i in node.input if i)
            and is_folded(node)
        ):
            self.fold(index, node)
        elif node.op_type in ("Shape", "Size") and (shape := self.shape(node.input[0])) is not None:
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            part = shape[attributes.get("start", 0) : attributes.get("end", len(shape))]
            value = np.array(part if node.op_type == "Shape" else np.prod(shape), dtype=np.int64)
            self.define(node.output[0], value)
        elif all(i in self.types for i in node.input if i):
            self.infer(index, node)

    def fold(self, index: int, node: onnx.NodeProto) -> None:
        """Compute a node whose inputs are all constant."""
        if node.op_type == "Identity":
            self.define(node.output[0], self.constants[node.input[0]])
            return
        self.infer(index, node)
        if index in self.problems:
            return
        given = {i: self.constants[i] for i in dict.fromkeys(node.input) if i}
        try:
            values = fold(node, self.opset, given, [self.claimed(o) for o in node.output if o])
            for name, value in values.items():
                self.define(name, value)
        except CannotFoldError as reason:
            self.problems[index] = str(reason)

    def infer(self, index: int, node: onnx.NodeProto) -> None:
        """Infer the types of a node's outputs."""
        types = {i: self.types[i] for i in node.input if i}
        data = {
            i: numpy_helper.from_array(self.constants[i])
            for i in types
            if i in self.constants and self.constants[i].size <= DATA_LIMIT
        }
        opsets = [helper.make_opsetid("", self.opset)]
        try:
            schema = onnx.defs.get_schema(node.op_type, self.opset, "")
            found = onnx.shape_inference.infer_node_outputs(schema, node, types, data, None, opsets)
        except onnx.defs.SchemaError:
            return
        except (onnx.checker.ValidationError, ValueError) as error:
            self.problems[index] = f"the node is not valid ONNX ({str(error).splitlines()[0]}); export the model again"
            return
        except onnx.shape_inference.InferenceError as error:
            reason = str(error).strip().splitlines()[-1].removeprefix("[ShapeInferenceError] ")
            self.problems[index] = f"its shapes do not fit for one frame ({reason}); export with a batch of 1"
            return
        self.types.update(found)
        for name in found:
            if (shape := self.claimed(name)) is not None and (reason := limits.too_large(shape)):
                self.problems[index] = f"its result claims {reason}; make the frames smaller"
                del self.types[name]

    def infer_like(self, index: int, node: onnx.NodeProto) -> None:
        """Infer the shape of an operator outside of ONNX from one in ONNX, as on float32."""
        if node.op_type not in LIKE:
            return
        op_type, which = LIKE[node.op_type]
        twin = onnx.NodeProto(op_type=op_type, input=list(node.input)[which], output=list(node.output)[:1])
        if any(self.shape(i) is None for i in twin.input):
            return
        known = onnx.defs.get_schema(op_type, self.opset, "").attributes
        twin.attribute.extend(a for a in node.attribute if a.name in known)
        kept = {i: self.types[i] for i in twin.input}
        self.types |= {i: helper.make_tensor_type_proto(onnx.TensorProto.FLOAT, self.shape(i)) for i in kept}
        self.infer(index, twin)
        self.types |= kept
        gives_codes = node.op_type.startswith("Q") and node.domain == MICROSOFT and len(node.input) != REAL_QGEMM
        if gives_codes and twin.output[0] in self.types:
            kind = kept[twin.input[0]].tensor_type.elem_type
            self.types[twin.output[0]].tensor_type.elem_type = kind

    def type_name(self, name: str) -> str:
        """NumPy's name of the type of a value, "" if that is not known."""
        kind = self.types[name].tensor_type.elem_type
        return helper.tensor_dtype_to_np_dtype(kind).name if kind in helper.get_all_tensor_dtypes() else ""

    def shape(self, name: str) -> tuple[int, ...] | None:
        """The static shape of a value that is not empty, or None."""
        shape = self.claimed(name)
        return None if shape is None or any(size < 1 for size in shape) else shape

    def claimed(self, name: str) -> tuple[int, ...] | None:
        """The static shape of a value, or None."""
        kind = self.types.get(name)
        if kind is None or not kind.tensor_type.HasField("shape"):
            return None
        dims = kind.tensor_type.shape.dim
        return tuple(d.dim_value for d in dims) if all(d.HasField("dim_value") for d in dims) else None


def resolve(checked: Checked, notes: tuple[str, ...] = ()) -> Model:
    """A model whose inputs have fixed sizes with every shape and every constant computed, or TomatoError."""
    proto, path, invalid = checked.proto, checked.path, checked.invalid
    constants = {t.name for t in proto.graph.initializer}
    inputs = [i for i in proto.graph.input if i.name not in constants]
    resolver = survey(checked)
    _check_types(proto, path, resolver)
    loops = {
        i: checked.loops[next(filter(None, n.output))]
        for i, n in enumerate(proto.graph.node)
        if set(n.output) & set(checked.loops)
    }
    nodes = tuple(_node(i, n, invalid=i in invalid) for i, n in enumerate(proto.graph.node))
    shapes = {name: shape for name in resolver.types if (shape := resolver.shape(name)) is not None}
    return Model(
        path=str(path),
        name=path.stem,
        opset=checked.opset,
        nodes=nodes,
        inputs=tuple(i.name for i in inputs),
        outputs=tuple(o.name for o in proto.graph.output),
        constants=resolver.constants,
        shapes=shapes,
        problems=loops | resolver.problems,
        invalid=frozenset(invalid),
        types={name: type_name for name in resolver.types if (type_name := resolver.type_name(name))},
        notes=notes,
        lasting=checked.lasting,
        elements={i.name: _element(i) for i in inputs if i.type.tensor_type.elem_type in INTEGERS},
        dtypes={v.name: _dtype(v, resolver) for v in (*inputs, *proto.graph.output)},
    )


def survey(checked: Checked) -> Resolver:
    """What is known of a model as it is: its constants, and the types of its values."""
    proto = checked.proto
    resolver = Resolver(proto, checked.opset, problems=dict(checked.invalid))
    for tensor in proto.graph.initializer:
        resolver.define(tensor.name, _values(tensor, checked.path))
    resolver.types.update((i.name, i.type) for i in proto.graph.input if i.name not in resolver.constants)
    for index, node in enumerate(proto.graph.node):
        resolver.visit(index, node)
    return resolver


def _check_types(proto: onnx.ModelProto, path: Path, resolver: Resolver) -> None:
    """Refuse outputs whose elements are no numbers, or declared with another type than the one that they have."""
    for value in proto.graph.output:
        declared = value.type.tensor_type.elem_type
        found = resolver.types[value.name].tensor_type.elem_type if value.name in resolver.types else 0
        if (kind := found or declared) and kind not in ELEMENTS:
            raise TomatoError(
                f"the output's type is {element(kind)}",
                where=f"{path}: output {value.name!r}",
                hint="export it with floating-point numbers or integers",
            )
        if declared and found and declared != found:
            raise TomatoError(
                f"the output is declared as {element(declared)} and is {element(found)}",
                where=f"{path}: output {value.name!r}",
                hint="export the model again",
            )


def _dtype(value: onnx.ValueInfoProto, resolver: Resolver) -> str:
    """The declared type of a value, or else the inferred one; for one that NumPy lacks another that holds it."""
    kind = value.type.tensor_type.elem_type
    if not kind and (inferred := resolver.types.get(value.name)):
        kind = inferred.tensor_type.elem_type
    if not kind:
        return "float32"
    name = helper.tensor_dtype_to_np_dtype(kind).name
    return HELD_BY.get(name, name)


def _element(value: onnx.ValueInfoProto) -> Codes:
    """The range of an integer input."""
    return integer_range(helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type))


def _values(tensor: onnx.TensorProto, path: Path) -> Array:
    try:
        return np.asarray(numpy_helper.to_array(tensor))
    except (ValueError, TypeError, KeyError) as error:
        raise TomatoError(
            f"the constant {tensor.name!r} is damaged ({error})",
            where=str(path),
            hint="copy, download or export the file again",
        ) from error


def _node(index: int, node: onnx.NodeProto, *, invalid: bool) -> OnnxNode:
    attributes = {} if invalid else {a.name: _attribute(a) for a in node.attribute}
    return OnnxNode(index, node.name, node.op_type, node.domain, tuple(node.input), tuple(node.output), attributes)


def _attribute(attribute: onnx.AttributeProto) -> Attribute:
    value: object = helper.get_attribute_value(attribute)
    match value:
        case int() | float():
            return value
        case bytes():
            return value.decode(errors="replace")
        case onnx.TensorProto():
            return numpy_helper.to_array(value)
        case Iterable() if attribute.type == onnx.AttributeProto.INTS:
            return tuple(int(v) for v in value)
        case Iterable() if attribute.type == onnx.AttributeProto.FLOATS:
            return tuple(float(v) for v in value)
    texts = attribute.type == onnx.AttributeProto.STRINGS
    return tuple(text.decode(errors="replace") for text in attribute.strings) if texts else None
